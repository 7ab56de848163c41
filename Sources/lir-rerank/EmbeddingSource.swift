import Failures
import Kernels
import ModelSupport
import Models
import Records
import Retrieval
import Tensors

/// Where the embeddings of queries or documents come from.
enum EmbeddingSource {
  case texts(TextEmbedder)
  case stored(StoredEmbeddings)

  var readsTexts: Bool { if case .texts = self { true } else { false } }

  /// Embeddings, and the place of each id's.
  struct Embedded {
    var window: EmbeddingWindow
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
  private(set) var window: EmbeddingWindow
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
    var isFirst = true
    var count = 0
    for file in files {
      let reader = try TensorStreamReader(file)
      while let segment = try reader.next() {
        try Self.check(segment, role: role, model: model, file)
        if isFirst { window = try Self.empty(segment, file) }
        isFirst = false
        for index in 0..<segment.records {
          guard let place = segment.withID(index, { ids.find($0) }) else { continue }
          guard places[place] == nil else {
            throw .data(
              "\(file): record \(segment.first + index)",
              "id \(String(decoding: segment.id(index), as: UTF8.self)) occurs twice")
          }
          places[place] = count
          count += 1
          try window.append(segment, index, kernels, file)
        }
      }
    }
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

  private static func empty(
    _ segment: TensorSegment, _ file: String
  ) throws(Failure) -> EmbeddingWindow {
    let width = { (name: String) in
      segment.schema.columns.first { $0.name == name }?.width
    }
    switch segment.schema.kind {
    case .dense: return .dense([], dimension: width("embeddings") ?? 0)
    case .sparse: return .sparse([])
    case .multivector, .coil:
      return .vectors(
        [],
        VectorShape(
          cls: width("cls"), width: width("embeddings") ?? 0,
          hasTokens: segment.schema.columns.contains { $0.name == "input_ids" }))
    case .tokens: throw .config(file, "expected embeddings, found tokens")
    }
  }

  func place(_ id: RecordID) throws(Failure) -> Int {
    guard let index = ids.find(id), let place = places[index] else {
      throw .data(files, "\(id) of the run is not there")
    }
    return place
  }
}

extension EmbeddingWindow {
  /// Appends a record of a stream.
  fileprivate mutating func append(
    _ segment: TensorSegment, _ index: Int, _ kernels: Kernels, _ file: String
  ) throws(Failure) {
    func column(_ name: String) -> Int? {
      segment.schema.columns.firstIndex { $0.name == name }
    }
    switch self {
    case .dense(var values, let dimension):
      self = .sparse([])
      values += StoredVectors.floats(segment, index, kernels)
      self = .dense(values, dimension: dimension)
    case .sparse(var vectors):
      self = .sparse([])
      var vector = SparseVector()
      vector.indices = segment.values(index, column: 0, as: Int32.self)
      vector.values = segment.values(index, column: 1, as: Float.self)
      vectors.append(vector)
      self = .sparse(vectors)
    case .vectors(var sets, let shape):
      self = .sparse([])
      var set = VectorSet()
      if let cls = column("cls") { set.cls = segment.values(index, column: cls, as: Float.self) }
      if let ids = column("input_ids") {
        set.ids = segment.values(index, column: ids, as: Int32.self)
      }
      guard let place = column("embeddings") else {
        throw .data(file, "a segment without embeddings")
      }
      set.values = StoredVectors.floats(segment, index, column: place, kernels)
      sets.append(set)
      self = .vectors(sets, shape)
    }
  }
}
