import Failures
import Kernels
import Streams
import Tensors

/// Facts that determine the bytes of a `PackedFile`.
package struct PackedKey: Sendable, Equatable {
  /// Digest of the model folder.
  package let model: String
  /// Precisions of the layers, as streams record them.
  package let precision: String
  /// Layout of packed matrices.
  package let layout: Int

  package init(model: String, _ precisions: LayerPrecisions, layout: Int = PackedLayout.version) {
    self.model = model
    precision = precisions.recorded
    self.layout = layout
  }

  /// `lir-packed-`, 32 hexadecimal digits, `.safetensors`: another key is another file.
  package var fileName: String {
    let text = "\(PackedFile.format)\t\(layout)\t\(model)\t\(precision)\n"
    return "lir-packed-\(Checksum.xxh3Long(Array(text.utf8))).safetensors"
  }

  fileprivate var metadata: [(String, String)] {
    [
      ("lir.format", PackedFile.format), ("lir.kind", "packed"), ("lir.layout", "\(layout)"),
      ("lir.model", model), ("lir.precision", precision),
    ]
  }
}

/// A safetensors file of packed weights, mapped: tensors begin on 64-byte boundaries, so that
/// kernels read them where they are.
package final class PackedFile {
  /// `lir.format`.
  static let format = "1"
  /// Floats on a boundary.
  private static let alignment = 16

  package let path: String
  private let file: SafeTensorsFile

  /// Opens a file.
  ///
  /// - Parameters:
  ///   - path: Where it is.
  ///   - key: What it has to be of.
  /// - Throws: 66 where there is none; 65 where it is cut, or of another key.
  package init(_ path: String, _ key: PackedKey) throws(Failure) {
    self.path = path
    file = try SafeTensorsFile(path)
    for (name, expected) in key.metadata {
      let found = file.header.metadata(name)
      guard found == expected else {
        throw .data(path, "expected \(name) \(expected), found \(found ?? "none")")
      }
    }
  }

  /// The checksum of the whole file, which reads it.
  ///
  /// - Throws: 65 where it is not the one that the file holds.
  package func checkedChecksum() throws(Failure) -> String { try SafeTensorsChecksum.check(file) }

  /// Floats of a tensor, where they are in the file; nil where it does not hold so many.
  func memory(_ name: String, count: Int) -> AlignedBuffer? {
    guard let entry = file.entry(name), entry.type == .f32, entry.elements == Self.padded(count),
      let base = file.bytes(entry).baseAddress, Int(bitPattern: base) % 64 == 0
    else { return nil }
    return AlignedBuffer(
      mapping: base.assumingMemoryBound(to: Float.self), count: count, owner: file)
  }

  private static func padded(_ count: Int) -> Int {
    (count + alignment - 1) / alignment * alignment
  }
}

extension PackedFile {
  /// Writes gathered weights; the file appears by rename.
  ///
  /// - Throws: 73 and 74 as `OutputFile` does.
  package static func write(
    _ path: String, _ key: PackedKey, _ weights: PackedWeights
  ) throws(Failure) {
    let header = SafeTensorsChecksum.header(
      Dictionary(uniqueKeysWithValues: key.metadata),
      weights.items.map { ($0.name, .f32, [padded($0.count)]) }
    ) { update in for item in weights.items { pieces(of: item) { update($0) } } }
    let writer = try ByteWriter(path, compression: Compression.none)
    try writer.write(header)
    for item in weights.items {
      try pieces(of: item) { bytes throws(Failure) in try writer.write(bytes) }
    }
    try writer.finish()
  }

  /// The floats of an item, and zeros up to the next boundary.
  private static func pieces<E: Error>(
    of item: PackedWeights.Item, _ body: (UnsafeRawBufferPointer) throws(E) -> Void
  ) throws(E) {
    try body(
      UnsafeRawBufferPointer(UnsafeBufferPointer(start: item.values, count: item.count)))
    let rest = [Float](repeating: 0, count: padded(item.count) - item.count)
    try rest.withUnsafeBufferPointer { zeros throws(E) in try body(UnsafeRawBufferPointer(zeros)) }
  }
}
