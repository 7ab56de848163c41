import Failures
import Kernels
import ModelSupport
import Models
import Records
import Retrieval
import Tensors
import Vectors

/// Where the embeddings of queries or documents come from.
enum EmbeddingSource {
  case texts(TextEmbedder)
  case stored(StoredEmbeddings)

  var readsTexts: Bool { if case .texts = self { true } else { false } }

  /// Embeddings, and the place of each id's.
  struct Embedded {
    var window: Embeddings
    var places: [Int]
    var truncated = 0
  }

  /// A text that occurs again is embedded once.
  func embeddings(_ ids: [RecordID], texts: [[UInt8]]) throws(Failure) -> Embedded {
    switch self {
    case .stored(let stored):
      var places: [Int] = []
      for id in ids { places.append(try stored.place(id)) }
      return Embedded(window: stored.window, places: places)
    case .texts(let embedder):
      var known: [[UInt8]: Int] = [:]
      var distinct: [[UInt8]] = []
      var places: [Int] = []
      for text in texts {
        let place = known[text] ?? distinct.count
        if place == distinct.count {
          known[text] = place
          distinct.append(text)
        }
        places.append(place)
      }
      let (window, truncated) = try embedder.embed(distinct)
      return Embedded(window: window, places: places, truncated: truncated)
    }
  }
}

/// Embeddings of a tensor stream: those that a run needs, and no others.
struct StoredEmbeddings {
  private let files: String
  private var ids = IDTable()
  private(set) var window: Embeddings
  /// Where each id's embedding is; nil where the stream has none.
  private var places: [Int?]

  /// Reads streams of one role's embeddings by one model.
  ///
  /// Throws: 78 where they are of another model or role; 65 where an id occurs twice.
  init(
    _ files: [String], _ wanted: IDTable, role: Role, model: String, _ kernels: Kernels
  ) throws(Failure) {
    self.files = files.joined(separator: " ")
    ids = wanted
    places = Array(repeating: nil, count: wanted.count)
    window = .sparse([])
    var found: EmbeddingsReader?
    var count = 0
    for file in files {
      let reader = try TensorStreamReader(file)
      while let segment = try reader.next() {
        try Self.check(segment, role: role, model: model, file)
        if found == nil { found = try EmbeddingsReader(segment.schema, file, kernels) }
        for index in 0..<segment.records {
          guard let place = segment.withID(index, { ids.find($0) }) else { continue }
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
    if let found { window = found.embeddings }
  }

  private static func check(
    _ segment: TensorSegment, role: Role, model: String, _ file: String
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
        "the embeddings were made by model \(segment.description.model ?? "unknown"), "
          + "--model is \(model)")
    }
  }

  func place(_ id: RecordID) throws(Failure) -> Int {
    guard let index = ids.find(id), let place = places[index] else {
      throw .data(files, "\(id) of the run is not there")
    }
    return place
  }
}
