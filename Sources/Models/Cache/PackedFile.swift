import Failures
import Kernels
import Streams
import Tensors

/// What determines the bytes of a `PackedFile`.
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
  private static let checksumKey = "lir.xxh3"
  private static let noChecksum = String(repeating: "0", count: 16)
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
  package func checkedChecksum() throws(Failure) -> String {
    let found = file.header.metadata(Self.checksumKey) ?? "none"
    // Of the header with zeros in the checksum's place, and the data.
    var header = Array(file.headerBytes)
    guard let place = header.firstRange(of: Array("\"\(Self.checksumKey)\":\"\(found)\"".utf8))
    else { throw .data(path, "expected \(Self.checksumKey), found none") }
    let end = place.upperBound - 1
    guard found.utf8.count == Self.noChecksum.utf8.count else {
      throw .data(path, "expected \(Self.checksumKey) of 16 digits, found \(found)")
    }
    header.replaceSubrange(end - found.utf8.count..<end, with: Self.noChecksum.utf8)
    let running = RunningChecksum()
    running.update(header)
    file.readThrough { running.update($0) }
    let computed = Checksum.hex(running.value)
    guard computed == found else {
      throw .data(path, "damaged: the checksum is \(computed), the file says \(found)")
    }
    return found
  }

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
    let running = RunningChecksum()
    running.update(header(key, weights, checksum: noChecksum))
    for item in weights.items { pieces(of: item) { running.update($0) } }
    let writer = try ByteWriter(path, compression: Compression.none)
    try writer.write(header(key, weights, checksum: Checksum.hex(running.value)))
    for item in weights.items {
      try pieces(of: item) { bytes throws(Failure) in try writer.write(bytes) }
    }
    try writer.finish()
  }

  private static func header(
    _ key: PackedKey, _ weights: PackedWeights, checksum: String
  ) -> [UInt8] {
    var metadata = Dictionary(uniqueKeysWithValues: key.metadata)
    metadata[checksumKey] = checksum
    return SafeTensorsHeader.encode(
      metadata: metadata,
      tensors: weights.items.map { ($0.name, .f32, [padded($0.count)]) })
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
