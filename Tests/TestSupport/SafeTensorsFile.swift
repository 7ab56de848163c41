import Foundation
import JSON

/// A `.safetensors` file as tests need it: read whole, elements widened on request.
///
/// The libraries have a reader of their own; this one shares no code with it, so that neither
/// hides the mistakes of the other.
package struct SafeTensorsFile {
  package struct Tensor {
    /// As the file spells it: `F32`, `I32`, `U8`.
    package let dtype: String
    package let shape: [Int]
    /// Row-major elements, little-endian.
    package let bytes: [UInt8]

    package var count: Int { shape.reduce(1, *) }

    /// The elements as floats; nil unless the type is F32 or F64.
    package var floats: [Float]? {
      switch dtype {
      case "F32": elements(Float.self)
      case "F64": elements(Double.self).map { Float($0) }
      default: nil
      }
    }

    /// The elements as integers, widened or narrowed exactly; nil unless the type is integral.
    package var integers: [Int32]? {
      switch dtype {
      case "I64": elements(Int64.self).map { Int32($0) }
      case "I32": elements(Int32.self)
      case "I16": elements(Int16.self).map { Int32($0) }
      case "I8": elements(Int8.self).map { Int32($0) }
      case "U8", "BOOL": bytes.map { Int32($0) }
      default: nil
      }
    }

    private func elements<Element: BitwiseCopyable>(_ type: Element.Type) -> [Element] {
      bytes.withUnsafeBytes { buffer in
        (0..<count).map {
          buffer.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Element>.stride, as: type)
        }
      }
    }
  }

  package enum ReadError: Error {
    case malformed(String)
    case missing(String)
  }

  package let path: String
  package let tensors: [String: Tensor]
  package let metadata: [String: String]

  package var names: [String] { tensors.keys.sorted() }

  /// Reads all tensors of the file at `path`.
  package static func load(_ path: String) throws -> SafeTensorsFile {
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    guard bytes.count >= 8 else { throw ReadError.malformed("\(path): no header") }
    let length = bytes.withUnsafeBytes { Int($0.loadUnaligned(as: UInt64.self)) }
    guard length >= 0, 8 + length <= bytes.count else {
      throw ReadError.malformed("\(path): header of \(length) bytes")
    }
    let header = try JSONParser.parse(Array(bytes[8..<8 + length]))
    var tensors: [String: Tensor] = [:]
    var metadata: [String: String] = [:]
    for member in header.members ?? [] {
      if member.key == "__metadata__" {
        for entry in member.value.members ?? [] { metadata[entry.key] = entry.value.string }
        continue
      }
      guard let dtype = member.value["dtype"]?.string, let shape = member.value["shape"]?.array,
        let offsets = member.value["data_offsets"]?.array?.compactMap(\.integer),
        offsets.count == 2, offsets[0] <= offsets[1], 8 + length + offsets[1] <= bytes.count
      else { throw ReadError.malformed("\(path): tensor \(member.key)") }
      tensors[member.key] = Tensor(
        dtype: dtype, shape: shape.compactMap(\.integer),
        bytes: Array(bytes[(8 + length + offsets[0])..<(8 + length + offsets[1])]))
    }
    return SafeTensorsFile(path: path, tensors: tensors, metadata: metadata)
  }

  /// The tensor called `name`.
  package func tensor(_ name: String) throws -> Tensor {
    guard let tensor = tensors[name] else { throw ReadError.missing("\(path): \(name)") }
    return tensor
  }

  /// The tensor's elements as floats.
  package func floats(_ name: String) throws -> [Float] {
    guard let floats = try tensor(name).floats else {
      throw ReadError.malformed("\(path): \(name) is not of floats")
    }
    return floats
  }

  /// The tensor's elements as integers.
  package func integers(_ name: String) throws -> [Int32] {
    guard let integers = try tensor(name).integers else {
      throw ReadError.malformed("\(path): \(name) is not of integers")
    }
    return integers
  }

  /// The rows of a ragged array stored as `NAME.offsets` (n + 1) and the values under `values`.
  package func ragged(_ values: String, offsets: String) throws -> [[Int32]] {
    let flat = try integers(values)
    let bounds = try integers(offsets).map { Int($0) }
    return zip(bounds, bounds.dropFirst()).map { Array(flat[$0..<$1]) }
  }
}
