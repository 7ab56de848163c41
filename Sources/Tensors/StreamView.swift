import Failures
import JSON

/// Records of tensor streams as JSON.
package enum StreamView {
  /// What a member says of itself.
  package static func header(_ segment: TensorSegment) -> String {
    let description = segment.description
    var members = [
      JSON.Member("kind", .string(segment.schema.kind.rawValue)),
      JSON.Member("role", .string(description.role.rawValue)),
    ]
    let texts = [
      ("model", description.model), ("tokenizer", description.tokenizer),
      ("similarity", description.similarity), ("dim", description.dim.map(String.init)),
      ("precision", description.precision), ("isa", description.isa),
      ("max_length", description.maxLength.map(String.init)), ("prompt", description.prompt),
      ("shard", description.shard), ("by", description.by),
    ]
    for (key, value) in texts {
      guard let value else { continue }
      if key == "by", let json = try? JSONParser.parse(value) {
        members.append(JSON.Member(key, json))
      } else {
        members.append(JSON.Member(key, Int(value).map { .integer($0) } ?? .string(value)))
      }
    }
    return JSON.object(members).serialized()
  }

  /// A record with the values of its columns, by their names.
  ///
  /// - Throws: 65 for a value that JSON has no number for.
  package static func record(
    _ segment: TensorSegment, _ index: Int
  ) throws(Failure) -> String {
    let id = String(decoding: segment.id(index), as: UTF8.self)
    var line = "{\"id\":"
    JSON.quote(id, to: &line)
    for (i, column) in segment.schema.columns.enumerated() {
      let texts = texts(segment, index, i, column)
      if let odd = texts.first(where: { $0.contains("n") }) {
        throw .data("record \(id)", "expected finite values, found \(odd)")
      }
      line += ",\"\(column.name)\":" + values(texts, column)
    }
    return line + "}"
  }

  private static func texts(
    _ segment: TensorSegment, _ index: Int, _ column: Int, _ form: StreamColumn
  ) -> [String] {
    switch form.type {
    case .f32: return segment.values(index, column: column, as: Float.self).map(\.description)
    case .f16:
      return segment.values(index, column: column, as: UInt16.self).map {
        Float(Float16(bitPattern: $0)).description
      }
    case .bf16:
      return segment.values(index, column: column, as: UInt16.self).map {
        Float(bitPattern: UInt32($0) << 16).description
      }
    case .i32: return segment.values(index, column: column, as: Int32.self).map(\.description)
    case .i8: return segment.values(index, column: column, as: Int8.self).map(\.description)
    default: return segment.values(index, column: column, as: UInt8.self).map(\.description)
    }
  }

  /// Values as a number, a list of them, or a list of lists; those of no number are `nan` and `inf`.
  private static func values(_ texts: [String], _ form: StreamColumn) -> String {
    if !form.isRagged, form.width == nil { return texts.first ?? "null" }
    guard form.isRagged, let width = form.width else {
      return "[" + texts.joined(separator: ",") + "]"
    }
    let rows = stride(from: 0, to: texts.count, by: width).map {
      "[" + texts[$0..<$0 + width].joined(separator: ",") + "]"
    }
    return "[" + rows.joined(separator: ",") + "]"
  }
}
