import Failures
import Streams

/// Writes a `.safetensors` file.
package enum SafeTensorsWriter {
  /// One tensor: its bytes have to live as long as the call.
  package struct Tensor {
    package var name: String
    package var type: ElementType
    package var shape: [Int]
    package var bytes: UnsafeRawBufferPointer

    package init(
      _ name: String, _ type: ElementType, _ shape: [Int], _ bytes: UnsafeRawBufferPointer
    ) {
      precondition(
        bytes.count == shape.reduce(type.size, *), "\(name): \(bytes.count) bytes, shape \(shape)")
      self.name = name
      self.type = type
      self.shape = shape
      self.bytes = bytes
    }
  }

  /// Writes tensors in their order; the file appears by rename.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - metadata: Values of `__metadata__`.
  ///   - tensors: Names, shapes and bytes.
  ///   - isChecked: Whether the file holds its `SafeTensorsChecksum`.
  /// - Throws: 73 and 74 as `OutputFile` does.
  package static func write(
    _ path: String, metadata: [String: String], _ tensors: [Tensor], isChecked: Bool = false
  ) throws(Failure) {
    let entries = tensors.map { ($0.name, $0.type, $0.shape) }
    let header =
      isChecked
      ? SafeTensorsChecksum.header(metadata, entries) { update in
        for tensor in tensors { update(tensor.bytes) }
      } : SafeTensorsHeader.encode(metadata: metadata, tensors: entries)
    let writer = try ByteWriter(path, compression: Compression.none)
    try writer.write(header)
    for tensor in tensors { try writer.write(tensor.bytes) }
    try writer.finish()
  }
}
