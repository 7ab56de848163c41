/// What a tensor stream holds.
package enum StreamKind: String, Sendable {
  case tokens, dense, multivector, sparse, coil
}

/// Whose texts a stream's records are.
package enum Role: String, Sendable {
  case query, doc, pair
}

/// One column of a stream's records.
package struct StreamColumn: Sendable, Equatable {
  package var name: String
  package var type: ElementType
  /// Elements of one item; nil where the tensor has no second dimension.
  package var width: Int?
  /// Whether a record has as many items as its `offsets` say, rather than one.
  package var isRagged: Bool

  package init(_ name: String, _ type: ElementType, width: Int? = nil, isRagged: Bool) {
    self.name = name
    self.type = type
    self.width = width
    self.isRagged = isRagged
  }

  /// Bytes of one item.
  package var itemSize: Int { type.size * (width ?? 1) }
}

/// The columns of a kind of stream, as the format defines them.
package struct StreamSchema: Sendable, Equatable {
  package var kind: StreamKind
  package var columns: [StreamColumn]

  package init(kind: StreamKind, columns: [StreamColumn]) {
    self.kind = kind
    self.columns = columns
  }

  package var isRagged: Bool { columns.contains(where: \.isRagged) }

  /// Bytes of a segment's data without records: the first entry of every offsets tensor.
  var emptySegmentSize: Int { isRagged ? 16 : 8 }

  package static let tokens = StreamSchema(
    kind: .tokens,
    columns: [
      StreamColumn("input_ids", .i32, isRagged: true),
      StreamColumn("attended", .u8, isRagged: true),
      StreamColumn("type_ids", .u8, isRagged: true),
    ])

  /// One vector a record; int8 vectors have a scale each.
  package static func dense(_ type: ElementType, dimension: Int) -> StreamSchema {
    var columns = [StreamColumn("embeddings", type, width: dimension, isRagged: false)]
    if type == .i8 { columns.append(StreamColumn("scales", .f32, isRagged: false)) }
    return StreamSchema(kind: .dense, columns: columns)
  }

  package static let sparse = StreamSchema(
    kind: .sparse,
    columns: [
      StreamColumn("indices", .i32, isRagged: true), StreamColumn("values", .f32, isRagged: true),
    ])

  /// Vectors of tokens; int8 vectors have a scale each.
  package static func multivector(
    _ type: ElementType, dimension: Int, withTokens: Bool
  ) -> StreamSchema {
    var columns = [StreamColumn("embeddings", type, width: dimension, isRagged: true)]
    if type == .i8 { columns.append(StreamColumn("scales", .f32, isRagged: true)) }
    if withTokens { columns.append(StreamColumn("input_ids", .i32, isRagged: true)) }
    return StreamSchema(kind: .multivector, columns: columns)
  }

  package static func coil(clsDimension: Int, dimension: Int) -> StreamSchema {
    StreamSchema(
      kind: .coil,
      columns: [
        StreamColumn("cls", .f32, width: clsDimension, isRagged: false),
        StreamColumn("embeddings", .f32, width: dimension, isRagged: true),
        StreamColumn("input_ids", .i32, isRagged: true),
      ])
  }
}

extension StreamSchema {
  /// Finds the schema of a segment by its kind and tensors; nil if they fit none.
  init?(kind: StreamKind, entries: [SafeTensorsHeader.Entry]) {
    func entry(_ name: String) -> SafeTensorsHeader.Entry? { entries.first { $0.name == name } }
    func width(_ name: String) -> Int? {
      guard let shape = entry(name)?.shape, shape.count == 2,
        (1...StreamLimits.maximumWidth).contains(shape[1])
      else { return nil }
      return shape[1]
    }
    switch kind {
    case .tokens: self = .tokens
    case .sparse: self = .sparse
    case .dense:
      guard let embeddings = entry("embeddings"), let width = width("embeddings"),
        [.f32, .f16, .bf16, .i8].contains(embeddings.type)
      else { return nil }
      self = .dense(embeddings.type, dimension: width)
    case .multivector:
      guard let embeddings = entry("embeddings"), let width = width("embeddings"),
        [.f32, .f16, .bf16, .i8].contains(embeddings.type)
      else { return nil }
      self = .multivector(
        embeddings.type, dimension: width, withTokens: entry("input_ids") != nil)
    case .coil:
      guard let cls = width("cls"), let width = width("embeddings") else { return nil }
      self = .coil(clsDimension: cls, dimension: width)
    }
  }
}
