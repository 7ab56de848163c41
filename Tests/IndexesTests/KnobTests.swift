import Failures
import IndexFormat
import Indexes
import Kernels
import Retrieval
import Streams
import Tensors
import TestSupport
import Testing
import Vectors
import Workers

/// Promises of every type that has knobs, on more documents than any of them compares one by one.
@Suite struct KnobTests {
  static let types = IndexTypes.all.filter { !$0.knobs.isEmpty }
  private static let count = 3000
  private static let k = 10

  /// Documents and queries of a kind, in groups, as those of models are.
  private struct Collection {
    let folder: TemporaryFolder
    let queries: Embeddings

    init(_ kind: StreamKind) throws {
      folder = try TemporaryFolder()
      var random = CounterRandom(seed: 11)
      func number() -> Float { Float(Int(random.next() >> 40)) * 0x1p-24 }
      let width = 16
      let centres = (0..<40).map { _ in (0..<width).map { _ in number() - 0.5 } }
      func row(_ group: Int) -> [Float] {
        centres[group % 40].map { $0 + 0.6 * (number() - 0.5) }
      }
      func rows(_ count: Int) -> [[Float]] { (0..<count).map { row($0 * 7) } }
      switch kind {
      case .dense:
        try writeStream(
          folder("s"), .dense(.f32, dimension: width), dimension: width,
          rows(count).enumerated().map { (descendingID($0), 1, [bytes($1)]) })
        queries = .dense(rows(20).flatMap { $0 }, dimension: width)
      case .sparse:
        let documents = CertifiedSparseTests.Hard.usual.vectors(count, seed: 1)
        try CertifiedSparseTests.write(documents, 0..<count, to: folder("s"))
        queries = .sparse(
          CertifiedSparseTests.Hard.usual.vectors(20, seed: 2).map {
            $0.indices.isEmpty ? documents[0] : $0
          })
      case .multivector:
        func set(_ text: Int) -> VectorSet {
          var set = VectorSet()
          for item in 0..<3 {
            set.ids.append(Int32((text + item) % 50))
            set.values += row(text * 7 + item)
          }
          return set
        }
        try writeStream(
          folder("s"), .multivector(.f32, dimension: width, withTokens: true), dimension: width,
          (0..<count).map { text in
            let set = set(text)
            return (descendingID(text), 3, [bytes(set.values), bytes(set.ids)])
          })
        queries = .vectors((0..<20).map(set), VectorShape(width: width, hasTokens: true))
      default: throw Failure(.software, "no collection of \(kind)")
      }
    }

    func build(_ type: any IndexType.Type) throws {
      try buildIndex(folder(type.name), streams: [folder("s")], type: type)
    }

    func open(
      _ type: any IndexType.Type, _ given: [IndexArguments.Given] = [], threads: Int = 1
    ) throws -> any SearchableIndex {
      try IndexTypes.open(
        IndexFolder(folder(type.name)), given, IndexWork(Kernels(), WorkerPool(threads: threads))
      ).index
    }

    func search(
      _ index: any SearchableIndex, k: Int = k,
      _ change: (inout SearchRequest) throws -> Void = { _ in }
    ) throws -> [[TopDocuments.Entry]] {
      var request = SearchRequest(
        ids: (0..<queries.count).map { Array("q\($0)".utf8) }, queries: queries, k: k)
      try change(&request)
      // Types lay documents out in orders of their own; here their numbers are those of the stream.
      return try index.search(request).map { entries in
        try entries.map { entry in
          var entry = entry
          let id = try index.documents.id(Int(entry.ordinal))
          entry.ordinal = Int32(try #require(Self.rows[id]))
          return entry
        }
      }
    }

    private static let rows = Dictionary(
      uniqueKeysWithValues: (0..<count).map { (descendingID($0), $0) })
  }

  private static func collection(_ type: any IndexType.Type) throws -> Collection {
    guard case .vectors(let kinds) = type.takes else {
      throw Failure(.software, "no collection of texts")
    }
    return try Collection(kinds[0])
  }

  /// The type that compares all documents of the kind that another takes.
  private static func exact(of type: any IndexType.Type) throws -> any IndexType.Type {
    guard case .vectors(let kinds) = type.takes,
      let exact = IndexTypes.all.first(where: { $0.takes.usual == kinds[0] })
    else { throw Failure(.software, "no exact type for \(type.name)") }
    return exact
  }

  private static func widest(_ type: any IndexType.Type) -> [IndexArguments.Given] {
    type.knobs.map { (name: $0.name, value: $0.values[$0.values.count - 1]) }
  }

  /// What makes a type compare all documents.
  private static let exactly: [IndexArguments.Given] = [("exact", "true")]

  private static func recall(
    _ found: [[TopDocuments.Entry]], _ exact: [[TopDocuments.Entry]]
  ) -> [Double] {
    zip(found, exact).map { found, exact in
      let wanted = Set(exact.map(\.ordinal))
      return Double(found.count { wanted.contains($0.ordinal) }) / Double(max(1, wanted.count))
    }
  }

  private static func mean(_ numbers: [Double]) -> Double {
    numbers.reduce(0, +) / Double(numbers.count)
  }

  /// `--exact` gives the bits of the type that compares all documents, and the widest setting nearly that.
  @Test(arguments: 0..<types.count)
  func exactGivesTheRunOfTheExactType(index: Int) throws {
    let type = Self.types[index]
    let collection = try Self.collection(type)
    try collection.build(type)
    let exact = try Self.exact(of: type)
    try collection.build(exact)
    let wanted = try collection.search(
      collection.open(exact, exact.knobs.isEmpty ? [] : [("exact", "true")]))
    for threads in [1, 2] {
      let found = try collection.search(
        collection.open(type, Self.exactly, threads: threads))
      #expect(found == wanted)
    }
    // Without it nearly all is found.
    let found = try collection.search(collection.open(type, Self.widest(type)))
    #expect(Self.mean(Self.recall(found, wanted)) >= 0.95)
  }

  /// A wider value of a monotone knob never lowers the recall of a query; of others, that of the mean.
  @Test(arguments: 0..<types.count)
  func widerNeverFindsLess(index: Int) throws {
    let type = Self.types[index]
    let collection = try Self.collection(type)
    try collection.build(type)
    let exact = try collection.search(collection.open(type, Self.exactly))
    for knob in type.knobs {
      var before = exact.map { _ in 0.0 }
      for value in knob.values {
        let found = try collection.search(collection.open(type, [(knob.name, value)]))
        #expect(found.allSatisfy { $0.count == Self.k }, "--\(knob.name) \(value)")
        let recall = Self.recall(found, exact)
        if knob.isMonotone {
          #expect(
            zip(recall, before).allSatisfy { $0 >= $1 }, "\(type.name) --\(knob.name) \(value)")
        }
        #expect(
          Self.mean(recall) >= Self.mean(before), "\(type.name) --\(knob.name) \(value)")
        before = recall
      }
    }
  }

  /// Filters leave k documents where so many may be found, and recall where it was.
  @Test(arguments: 0..<types.count)
  func filters(index: Int) throws {
    let type = Self.types[index]
    let collection = try Self.collection(type)
    try collection.build(type)
    let (exact, own) = (
      try collection.open(type, Self.exactly), try collection.open(type)
    )
    let whole = Self.mean(
      Self.recall(try collection.search(own), try collection.search(exact)))
    for part in [2, 100, 10_000] {
      let allowed = (0..<Self.count).filter { $0 % part == 1 || part == 10_000 && $0 == 77 }
      try write(
        collection.folder("filter"),
        allowed.map { String(decoding: descendingID($0), as: UTF8.self) + "\n" }.joined())
      for isIn in [true, false] {
        func change(_ request: inout SearchRequest) throws {
          let filter = try DocumentFilter(collection.folder("filter"), own.documents)
          if isIn { request.filter = filter } else { request.filterOut = filter }
        }
        let wanted = try collection.search(exact, change)
        let found = try collection.search(own, change)
        #expect(found.map(\.count) == wanted.map(\.count), "\(type.name), one in \(part)")
        for entries in found {
          #expect(entries.allSatisfy { allowed.contains(Int($0.ordinal)) == isIn })
        }
        // Ten answers to each of twenty queries: seven hundredths are fourteen of them.
        #expect(
          Self.mean(Self.recall(found, wanted)) >= whole - 0.07, "\(type.name), one in \(part)")
      }
    }
  }

  /// Presets find more the more time they take.
  @Test(arguments: 0..<types.count)
  func presets(index: Int) throws {
    let type = Self.types[index]
    let collection = try Self.collection(type)
    try collection.build(type)
    let exact = try collection.search(collection.open(type, Self.exactly))
    var before = 0.0
    for preset in SearchPreset.allCases {
      let found = try collection.search(collection.open(type, type.settings(preset, [])))
      let recall = Self.mean(Self.recall(found, exact))
      #expect(recall >= before, "\(type.name) --preset \(preset)")
      before = recall
    }
  }
}
