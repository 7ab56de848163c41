import Failures
import Kernels
import Records
import Retrieval
import Tensors
import Vectors

/// Embeddings of tensor streams: those that a run needs, and no others.
package struct StoredEmbeddings: Sendable {
  private let files: String
  private let ids: IDTable
  /// The embeddings, in the order in which the streams have them.
  package let embeddings: Embeddings
  /// Place of each id's embedding; nil where the streams have none.
  private var places: [Int?]

  /// Reads streams of one role's embeddings by one model.
  ///
  /// - Parameters:
  ///   - files: The streams, read as one.
  ///   - wanted: The ids that are needed.
  ///   - role: The role of the texts.
  ///   - model: Digest of the model.
  ///   - words: What the model is, for messages.
  ///   - kernels: Make single precision of what is stored in less.
  /// - Throws: 78 where they are of another model or role; 65 where an id occurs twice, and
  ///   where the streams do not go together.
  package init(
    _ files: [String], _ wanted: IDTable, role: Role, model: String,
    called words: String = "another model", _ kernels: Kernels
  ) throws(Failure) {
    self.files = files.joined(separator: " ")
    ids = wanted
    places = Array(repeating: nil, count: wanted.count)
    var first: StreamSchema?
    var found: EmbeddingsReader?
    var count = 0
    for file in files {
      let reader = try TensorStreamReader(file)
      while let segment = try reader.next() {
        try Self.check(segment, role: role, model: model, words, file)
        if let first { try Self.check(segment.schema, like: first, file) }
        if found == nil { found = try EmbeddingsReader(segment.schema, file, kernels) }
        first = first ?? segment.schema
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
    _ segment: TensorSegment, role: Role, model: String, _ words: String, _ file: String
  ) throws(Failure) {
    guard segment.schema.kind != .tokens else {
      throw .config(file, "expected embeddings, found tokens")
    }
    guard segment.description.role == role else {
      throw .config(
        file,
        "expected embeddings of role \(role.rawValue), found \(segment.description.role.rawValue)")
    }
    guard segment.description.model == model else {
      throw .config(
        file,
        "the embeddings were made by \(segment.description.words(kind: segment.schema.kind)) "
          + "(\(segment.description.model ?? "unknown")), --model is \(words) (\(model))")
    }
  }

  /// Refuses vectors of another kind or width than those before; element types may differ.
  private static func check(
    _ schema: StreamSchema, like first: StreamSchema, _ file: String
  ) throws(Failure) {
    func widths(_ schema: StreamSchema) -> [Int?] {
      ["cls", "embeddings"].map { name in schema.columns.first { $0.name == name }?.width }
    }
    guard schema.kind == first.kind, widths(schema) == widths(first) else {
      throw .data(file, "holds vectors of another kind or width than the streams before it")
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
