import Failures
import JSON

/// The header of a safetensors blob: what tensors it holds and where.
///
/// Format: https://github.com/huggingface/safetensors (u64 little-endian length, JSON, data).
package struct SafeTensorsHeader: Sendable {
  package struct Entry: Sendable {
    package var name: String
    package var type: ElementType
    package var shape: [Int]
    /// Bytes of the tensor in the data part.
    package var range: Range<Int>

    package var elements: Int { range.count / type.size }
  }

  /// Headers above this are refused before anything is allocated, as the reference library does.
  package static let maximumLength = 100_000_000

  package var entries: [Entry]
  package var metadata: [JSON.Member]
  /// Bytes of the data part.
  package var dataSize: Int

  /// Parses the JSON text of a header.
  ///
  /// - Throws: 65 where the text is not such a header: entries overlap, leave gaps, do not fit
  ///   their shape, or are of a type that is not known.
  package init(_ text: UnsafeRawBufferPointer, place: String) throws(Failure) {
    let json: JSON
    do throws(JSONError) {
      json = try JSONParser.parse(text)
    } catch {
      throw .data(place, "damaged safetensors header: \(error.description)")
    }
    guard let members = json.members else {
      throw .data(place, "damaged safetensors header: expected an object, found \(json.kindName)")
    }
    entries = []
    metadata = []
    for member in members {
      if member.key == "__metadata__" {
        metadata = member.value.members ?? []
      } else {
        entries.append(try Self.entry(member, place: place))
      }
    }
    // Of tensors that start at one byte all but the last are empty.
    entries.sort {
      ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
    }
    var end = 0
    for entry in entries {
      guard entry.range.lowerBound == end else {
        throw .data(
          place,
          "damaged safetensors header: tensor \(entry.name) starts at byte "
            + "\(entry.range.lowerBound), expected \(end)")
      }
      end = entry.range.upperBound
    }
    dataSize = end
  }

  private static func entry(_ member: JSON.Member, place: String) throws(Failure) -> Entry {
    let name = member.key
    guard let typeName = member.value["dtype"]?.string,
      let shape = member.value["shape"]?.array?.compactMap(\.integer),
      shape.count == member.value["shape"]?.array?.count,
      let offsets = member.value["data_offsets"]?.array?.compactMap(\.integer), offsets.count == 2,
      offsets[0] >= 0, offsets[0] <= offsets[1]
    else {
      throw .data(place, "damaged safetensors header: tensor \(name) lacks dtype, shape or offsets")
    }
    guard let type = ElementType(rawValue: typeName) else {
      throw .config(place, "tensor \(name) has element type \(typeName), which is not supported")
    }
    var bytes = type.size
    for dimension in shape {
      let (product, overflow) = bytes.multipliedReportingOverflow(by: dimension)
      guard dimension >= 0, !overflow else {
        throw .data(place, "damaged safetensors header: tensor \(name) has shape \(shape)")
      }
      bytes = product
    }
    guard offsets[1] - offsets[0] == bytes else {
      throw .data(
        place,
        "damaged safetensors header: tensor \(name) of shape \(shape) needs \(bytes) bytes, "
          + "has \(offsets[1] - offsets[0])")
    }
    return Entry(name: name, type: type, shape: shape, range: offsets[0]..<offsets[1])
  }

  package subscript(name: String) -> Entry? { entries.first { $0.name == name } }

  /// A value of `__metadata__`.
  package func metadata(_ key: String) -> String? {
    metadata.first { $0.key == key }?.value.string
  }
}

extension SafeTensorsHeader {
  /// The bytes of a header, length included, padded so that the data starts at a multiple of 64.
  ///
  /// - Parameters:
  ///   - metadata: Values of `__metadata__`.
  ///   - tensors: Names, types and shapes in the order of their data.
  /// - Returns: The bytes.
  package static func encode(
    metadata: [String: String], tensors: [(name: String, type: ElementType, shape: [Int])]
  ) -> [UInt8] {
    var members = [
      JSON.Member("__metadata__", .object(metadata.map { JSON.Member($0.key, .string($0.value)) }))
    ]
    var offset = 0
    for tensor in tensors {
      let size = tensor.shape.reduce(tensor.type.size, *)
      members.append(
        JSON.Member(
          tensor.name,
          .object([
            JSON.Member("data_offsets", [.integer(offset), .integer(offset + size)]),
            JSON.Member("dtype", .string(tensor.type.rawValue)),
            JSON.Member("shape", .array(tensor.shape.map { .integer($0) })),
          ])))
      offset += size
    }
    var text = Array(JSON.object(members).serialized(sortingKeys: true).utf8)
    while (8 + text.count) % 64 != 0 { text.append(UInt8(ascii: " ")) }
    var bytes: [UInt8] = []
    withUnsafeBytes(of: UInt64(text.count).littleEndian) { bytes.append(contentsOf: $0) }
    return bytes + text
  }
}
