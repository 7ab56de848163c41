import Failures
import Streams
import Vectors

/// Values of a faiss file, one after the other.
///
/// Format: faiss `impl/index_write.cpp` at v1.15.1, which its readers from 1.5 on take; little-endian,
/// without padding.
struct FaissWriter {
  /// How faiss compares: by inner products or squared distances.
  enum Metric: Int32 {
    case innerProduct = 0
    case distance = 1
  }

  private let output: ByteWriter

  init(_ output: ByteWriter) { self.output = output }

  func write<T: BitwiseCopyable>(_ value: T) throws(Failure) {
    try write([value])
  }

  /// Numbers without how many they are.
  func write<T: BitwiseCopyable>(_ values: [T]) throws(Failure) {
    try values.withBytes { bytes throws(Failure) in try output.write(bytes) }
  }

  /// How many numbers there are, and then they.
  func writeCounted<T: BitwiseCopyable>(_ values: [T]) throws(Failure) {
    try write(UInt64(values.count))
    try write(values)
  }

  /// The four characters that name an index or a part of one.
  func write(name: String) throws(Failure) { try output.write(Array(name.utf8)) }

  /// What all indexes begin with.
  ///
  /// - Parameters:
  ///   - name: Four characters of the kind of index.
  ///   - dimension: Numbers of a vector.
  ///   - count: Number of vectors.
  ///   - metric: How they are compared.
  /// - Throws: 73 and 74 where the file cannot be written.
  func writeHeader(
    _ name: String, dimension: Int, count: Int, _ metric: Metric
  ) throws(Failure) {
    try write(name: name)
    try write(Int32(dimension))
    try write(Int64(count))
    // What older versions kept here is a constant now.
    try write([Int64(1 << 20), 1 << 20])
    try write(UInt8(1))
    try write(metric.rawValue)
  }

  /// The beginning of an index behind transforms, which follow, and then the index.
  ///
  /// - Parameters:
  ///   - transforms: How many.
  ///   - dimension: Numbers of a vector.
  ///   - count: Number of vectors.
  ///   - metric: How they are compared.
  /// - Throws: 73 and 74 where the file cannot be written.
  func writeTransforms(
    _ transforms: Int, dimension: Int, count: Int, _ metric: Metric
  ) throws(Failure) {
    try writeHeader("IxPT", dimension: dimension, count: count, metric)
    try write(Int32(transforms))
  }

  /// A rotation, as faiss has the one of its `OPQ` once that is learned.
  ///
  /// - Parameters:
  ///   - rows: rows[dimension, dimension].
  ///   - dimension: Numbers of a vector.
  /// - Throws: 73 and 74 where the file cannot be written.
  func writeRotation(_ rows: [Float], dimension: Int) throws(Failure) {
    try write(name: "LTra")
    // Nothing is added behind it.
    try write(UInt8(0))
    try writeCounted(rows)
    try writeCounted([Float]())
    try write([Int32(dimension), Int32(dimension)])
    try write(UInt8(1))
  }

  /// Number of lists, how many are looked at, their centroids, and that numbers lead to no place.
  ///
  /// - Parameters:
  ///   - centroids: centroids[lists, dimension].
  ///   - dimension: Numbers of a vector.
  ///   - metric: How they are compared.
  /// - Throws: 73 and 74 where the file cannot be written.
  func writeQuantizer(
    _ centroids: [Float], dimension: Int, _ metric: Metric
  ) throws(Failure) {
    let lists = centroids.count / max(dimension, 1)
    try write([UInt64(lists), 1])
    try writeFlatHeader(dimension: dimension, count: lists, metric)
    try write(centroids)
    try write(UInt8(0))
    try writeCounted([Int64]())
  }

  /// A product quantiser.
  ///
  /// - Parameters:
  ///   - centroids: centroids[parts, entries, dimension / parts].
  ///   - dimension: Numbers of a vector.
  ///   - parts: Parts of a vector.
  ///   - bits: Bits of a part.
  /// - Throws: 73 and 74 where the file cannot be written.
  func writeProductQuantizer(
    _ centroids: [Float], dimension: Int, parts: Int, bits: Int
  ) throws(Failure) {
    try write([UInt64(dimension), UInt64(parts), UInt64(bits)])
    try writeCounted(centroids)
  }

  /// How plain product codes are searched, whether signs are coded, and a threshold that only another way
  /// of searching looks at.
  ///
  /// - Parameter bits: Bits of a code.
  /// - Throws: 73 and 74 where the file cannot be written.
  func writePlainSearch(bits: Int) throws(Failure) {
    try write(Int32(0))
    try write(UInt8(0))
    try write(Int32(bits + 1))
  }

  /// A transform to unit length, as the factory's `L2norm` makes it.
  ///
  /// - Parameter dimension: Numbers of a vector.
  /// - Throws: 73 and 74 where the file cannot be written.
  func writeNormalization(dimension: Int) throws(Failure) {
    try write(name: "VNrm")
    try write(Float(2))
    try write([Int32(dimension), Int32(dimension)])
    try write(UInt8(1))
  }

  /// The beginning of an index of plain vectors, whose numbers follow.
  ///
  /// - Parameters:
  ///   - dimension: Numbers of a vector.
  ///   - count: Number of vectors.
  ///   - metric: How they are compared.
  /// - Throws: 73 and 74 where the file cannot be written.
  func writeFlatHeader(
    dimension: Int, count: Int, _ metric: Metric
  ) throws(Failure) {
    try writeHeader(
      metric == .distance ? "IxF2" : "IxFI", dimension: dimension, count: count, metric)
    try write(UInt64(count * dimension))
  }
}
