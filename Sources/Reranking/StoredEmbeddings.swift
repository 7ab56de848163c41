import Failures
import Kernels
import Records
import Retrieval
import Tensors
import Vectors

/// Embeddings of tensor streams or other files of vectors: those that a run needs, and no others.
package struct StoredEmbeddings: Sendable {
  /// The files, for messages.
  package let files: String
  /// What the first of them says of itself, and what its records are; nil without a record.
  package private(set) var origin: (description: StreamDescription, schema: StreamSchema)?
  /// What a user is to be told of the files.
  package private(set) var warnings: [String] = []
  private let ids: IDTable
  /// The embeddings, in the order in which the streams have them.
  package let embeddings: Embeddings
  /// Place of each id's embedding; nil where the streams have none.
  private var places: [Int?]

  /// Reads streams of one role's embeddings by one model.
  ///
  /// - Parameters:
  ///   - inputs: The streams, read as one.
  ///   - wanted: The ids that are needed.
  ///   - role: The role of the texts.
  ///   - model: Digest of the model, and what it is, for messages; nil for that of the first stream.
  ///   - kernels: Make single precision of what is stored in less.
  /// - Throws: 78 where they are of another model or role; 65 where an id occurs twice, and
  ///   where the streams do not go together.
  package init(
    _ inputs: VectorInputs, _ wanted: IDTable, role: Role,
    model: (digest: String, words: String)?, _ kernels: Kernels
  ) throws(Failure) {
    let files = inputs.operands
    self.files = files.joined(separator: " ")
    ids = wanted
    places = Array(repeating: nil, count: wanted.count)
    var found: EmbeddingsReader?
    var count = 0
    for (place, file) in files.enumerated() {
      let reader = try inputs.open(place)
      warnings += reader.warnings
      while let segment = try reader.next() {
        try Self.check(segment, role: role, file)
        if let model { try Self.check(segment, model, file) }
        if let origin { try Self.check(segment, like: origin, file) }
        if found == nil { found = try EmbeddingsReader(segment.schema, file, kernels) }
        origin = origin ?? (segment.description, segment.schema)
        for index in 0..<segment.records {
          guard let place = segment.withID(index, { wanted.find($0) }) else { continue }
          guard places[place] == nil else {
            throw .data(
              "\(file): record \(segment.first + index)",
              "id \(String(decoding: segment.id(index), as: UTF8.self)) occurs twice")
          }
          places[place] = count
          count += 1
          found?.append(segment, index)
        }
      }
    }
    embeddings = found?.embeddings ?? .sparse([])
  }

  private static func check(
    _ segment: TensorSegment, role: Role, _ file: String
  ) throws(Failure) {
    guard segment.schema.kind != .tokens else {
      throw .config(file, "expected embeddings, found tokens")
    }
    guard segment.description.role == role else {
      throw .config(
        file,
        "expected embeddings of role \(role.rawValue), found \(segment.description.role.rawValue)")
    }
  }

  private static func check(
    _ segment: TensorSegment, _ model: (digest: String, words: String), _ file: String
  ) throws(Failure) {
    guard segment.description.model == model.digest else {
      throw .config(
        file,
        "the embeddings were made by \(segment.description.words(kind: segment.schema.kind)) "
          + "(\(segment.description.model ?? "unknown")), --model is \(model.words) "
          + "(\(model.digest))")
    }
  }

  /// Refuses vectors of another kind, width or model than those before; element types may differ.
  private static func check(
    _ segment: TensorSegment, like first: (description: StreamDescription, schema: StreamSchema),
    _ file: String
  ) throws(Failure) {
    func widths(_ schema: StreamSchema) -> [Int?] {
      ["cls", "embeddings"].map { name in schema.columns.first { $0.name == name }?.width }
    }
    guard segment.schema.kind == first.schema.kind, widths(segment.schema) == widths(first.schema)
    else { throw .data(file, "holds vectors of another kind or width than the streams before it") }
    guard segment.description.model == first.description.model else {
      throw .data(
        file,
        "the streams disagree: model \(first.description.model ?? "none") is followed by model "
          + (segment.description.model ?? "none"))
    }
  }

  /// Place of an id's embedding.
  ///
  /// - Throws: 65 where it has none.
  package func place(_ id: RecordID) throws(Failure) -> Int {
    guard let index = ids.find(id), let place = places[index] else {
      throw .data(files, "\(id) of the run is not there")
    }
    return place
  }
}
