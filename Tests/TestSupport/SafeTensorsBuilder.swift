import Foundation
import JSON

/// Writes `.safetensors` blobs as tests need them, wrong ones too; it shares no code with the
/// libraries.
package struct SafeTensorsBuilder {
  package struct Tensor {
    package var dtype: String
    package var shape: [Int]
    package var bytes: [UInt8]

    package init(_ dtype: String, _ shape: [Int], _ bytes: [UInt8]) {
      self.dtype = dtype
      self.shape = shape
      self.bytes = bytes
    }

    /// Single precision.
    package init(_ shape: [Int], _ values: [Float]) {
      self.init("F32", shape, values.flatMap { Self.bytes($0.bitPattern) })
    }

    /// A copy of the tensor in another element type: `F64`, `F16`, or `BF16` by cutting the mantissa.
    package func stored(as dtype: String) -> Tensor {
      let values = bytes.withUnsafeBytes { buffer in
        (0..<buffer.count / 4).map { buffer.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
      }
      switch dtype {
      case "F64": return Tensor(dtype, shape, values.flatMap { Self.bytes(Double($0).bitPattern) })
      case "F16": return Tensor(dtype, shape, values.flatMap { Self.bytes(Float16($0).bitPattern) })
      case "BF16":
        return Tensor(dtype, shape, values.flatMap { Self.bytes(UInt16($0.bitPattern >> 16)) })
      default: return self
      }
    }

    private static func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
      withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
  }

  package var tensors: [String: Tensor] = [:]

  package init() {}

  /// The tensors of a file.
  package init(_ file: SafeTensorsFile) {
    for (name, tensor) in file.tensors {
      tensors[name] = Tensor(tensor.dtype, tensor.shape, tensor.bytes)
    }
  }

  package var bytes: [UInt8] {
    var members: [JSON.Member] = []
    var data: [UInt8] = []
    for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
      members.append(
        JSON.Member(
          name,
          [
            "dtype": .string(tensor.dtype), "shape": .array(tensor.shape.map { .integer($0) }),
            "data_offsets": [.integer(data.count), .integer(data.count + tensor.bytes.count)],
          ]))
      data += tensor.bytes
    }
    return Self.blob(header: JSON.object(members).serialized(), data: data)
  }

  /// Length, header and data, whatever they are.
  package static func blob(header: String, data: [UInt8]) -> [UInt8] {
    withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) } + header.utf8 + data
  }
}
