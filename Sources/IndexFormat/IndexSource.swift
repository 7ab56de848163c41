import JSON
import Tensors

/// What the documents of an index were made from.
package struct IndexSource: Sendable {
  package enum Contents: Sendable {
    /// Vectors of a tensor stream's form.
    case vectors(StreamSchema)
    /// Texts, and what turned them into terms.
    case texts(analyzer: JSON)
  }

  package var contents: Contents
  /// What the documents' stream said of itself; of texts the provenance and the shard alone.
  package var description: StreamDescription

  package init(_ contents: Contents, _ description: StreamDescription) {
    self.contents = contents
    self.description = description
  }

  /// The columns of a document's record; nil of texts.
  package var schema: StreamSchema? {
    if case .vectors(let schema) = contents { schema } else { nil }
  }

  /// Width of the vectors, or size of the vocabulary; nil of texts.
  package var dimension: Int? { schema == nil ? nil : description.dim }

  /// Element type of the vectors as they are stored; nil of texts.
  package var element: ElementType? {
    switch schema?.kind {
    case .sparse: .f32
    default: schema?.columns.first { $0.name == "embeddings" }?.type
    }
  }
}

extension IndexSource {
  /// The member `source` of a manifest.
  package var json: JSON {
    switch contents {
    case .texts(let analyzer): return .object([JSON.Member("analyzer", analyzer)])
    case .vectors(let schema):
      let columns = schema.columns.map { column -> JSON in
        var members = [
          JSON.Member("name", .string(column.name)),
          JSON.Member("type", .string(column.type.rawValue)),
        ]
        if let width = column.width { members.append(JSON.Member("width", .integer(width))) }
        members.append(JSON.Member("ragged", .bool(column.isRagged)))
        return .object(members)
      }
      return .object([
        JSON.Member("kind", .string(schema.kind.rawValue)),
        JSON.Member("columns", .array(columns)),
      ])
    }
  }

  /// Reads the member `source`; nil where it is of another form, or its columns are not those of a
  /// stream of its kind with vectors of width `dimension`.
  static func contents(_ json: JSON, _ dimension: Int?) -> Contents? {
    if let analyzer = json["analyzer"] { return .texts(analyzer: analyzer) }
    guard let dimension, let kind = json["kind"]?.string.flatMap(StreamKind.init(rawValue:)),
      let list = json["columns"]?.array
    else { return nil }
    var columns: [StreamColumn] = []
    for entry in list {
      guard let name = entry["name"]?.string,
        let type = entry["type"]?.string.flatMap(ElementType.init(rawValue:)),
        case .bool(let isRagged)? = entry["ragged"]
      else { return nil }
      let width = entry["width"]?.integer
      if entry["width"] != nil, !(1...StreamLimits.maximumWidth).contains(width ?? 0) {
        return nil
      }
      columns.append(StreamColumn(name, type, width: width, isRagged: isRagged))
    }
    let found = StreamSchema(kind: kind, columns: columns)
    return found == expected(found, dimension) ? .vectors(found) : nil
  }

  /// The schema of a stream with the kind, element type and width of the text's own vector that
  /// another schema has.
  private static func expected(_ found: StreamSchema, _ dimension: Int) -> StreamSchema? {
    func column(_ name: String) -> StreamColumn? { found.columns.first { $0.name == name } }
    let type = column("embeddings")?.type ?? .f32
    switch found.kind {
    case .tokens: return nil
    case .sparse: return .sparse
    case .dense: return .dense(type, dimension: dimension)
    case .multivector:
      return .multivector(type, dimension: dimension, withTokens: column("input_ids") != nil)
    case .coil:
      return column("cls")?.width.map { .coil(clsDimension: $0, dimension: dimension) }
    }
  }
}
