import Failures
import IndexFormat
import Indexes
import Kernels
import Retrieval
import TestSupport
import Testing
import Workers

/// Indexes that are changed, of every type: whatever was appended, deleted, replaced and compacted, they
/// answer as an index does that is built of what they hold, and compacted they are that index.
@Suite struct IndexChangeTests {
  private static let count = IndexSample.types.count

  /// Additions one after the other leave few segments, of types whose segments can be joined, whatever is
  /// deleted or replaced meanwhile.
  @Test(arguments: 0..<count)
  func manyAdditions(index: Int) throws {
    let sample = try IndexSample(IndexSample.types[index], documents: 20)
    try sample.build("i")
    var twin = Twin(sample: sample, rows: (0..<20).map { ($0, $0) }, random: Draws(state: 5))
    for round in 0..<14 {
      let first = 20 + 4 * round
      // Some of the ids are there already.
      try twin.append(
        [first, first + 1, first + 2, first - 2], contents: [1, 2, 3, 4].map { $0 + first },
        .replaced)
      try twin.delete([first + 1])
      let folder = try IndexFolder(sample.folder("i"))
      if folder.segments.allSatisfy({ sample.type.joins($0) }) {
        #expect(folder.segments.count <= IndexChange.most + 1)
      }
    }
    try twin.check("many additions")
    try twin.compact()
    try twin.check("many additions, compact")
  }

  /// What an index holds, beside the index.
  private struct Twin {
    let sample: IndexSample
    /// The contents of live documents: numbers of samples, in the index's order, by id.
    var rows: [(id: Int, content: Int)] = []
    var random: Draws

    var work: IndexWork { IndexWork(Kernels(), WorkerPool(threads: 2)) }

    func edit(_ name: String) throws -> (IndexEdit, IndexChange) {
      let edit = try IndexEdit(sample.folder(name))
      return (edit, try IndexChange(edit, sample.type, work))
    }

    mutating func append(_ ids: [Int], contents: [Int], _ repetition: IndexChange.Repetition) throws
    {
      let rows = Array(zip(ids, contents)).map { (id: $0.0, content: $0.1) }
      try sample.writeDocuments("more", rows)
      var (_, change) = try edit("i")
      let outcome = try change.append(sample.input(["more"]), repetition)
      #expect(outcome == .added(ids.count))
      self.rows.removeAll { row in ids.contains(row.id) }
      self.rows += rows
      #expect(try change.commit(by: nil) == self.rows.count)
    }

    mutating func delete(_ ids: [Int]) throws {
      var (_, change) = try edit("i")
      for id in ids {
        #expect(change.delete(IndexSample.id(id)) == rows.contains { $0.id == id })
      }
      let found = Set(ids).intersection(rows.map(\.id))
      #expect(change.deletions == found.count)
      rows.removeAll { found.contains($0.id) }
      #expect(try change.commit(by: nil) == rows.count)
    }

    func compact() throws {
      let edit = try IndexEdit(sample.folder("i"))
      let count = try IndexMerge(compacting: edit.index, sample.type).run(in: edit, work, by: nil)
      #expect(count == rows.count)
    }

    /// Compares the index with a fresh one.
    func check(_ what: String) throws {
      try sample.writeDocuments("fresh", rows)
      try sample.build("f", of: ["fresh"], like: "i")
      let folder = try IndexFolder(sample.folder("i"))
      #expect(folder.manifest.documents == rows.count)
      try sample.type.verify(folder)
      let (fresh, index) = try (sample.open("f"), sample.open("i", threads: 2))
      for k in [1, 5, 1000] {
        let request = sample.request(k: k)
        #expect(
          try found(index, request) == found(fresh, request), "\(sample.type.name): \(what), k \(k)"
        )
      }
      try checkFilters(index, fresh, what)
      try checkScores(index)
    }

    private func checkFilters(
      _ index: any SearchableIndex, _ fresh: any SearchableIndex, _ what: String
    ) throws {
      let lines = rows.filter { $0.id % 3 != 0 }.map { IndexSample.id($0.id) + [0x0A] }
      // Not one byte is no list.
      if lines.isEmpty { return }
      try overwrite(sample.folder("filter"), lines.flatMap { $0 })
      var request = sample.request(k: 7)
      request.dropsSelf = true
      request.ids = request.ids.indices.map { IndexSample.id(($0 * 5) % 60) }
      var other = request
      request.filter = try filter(index)
      other.filter = try filter(fresh)
      #expect(try found(index, request) == found(fresh, other), "\(what), filtered")
    }

    private func filter(_ index: any SearchableIndex) throws -> DocumentFilter {
      let filter = try DocumentFilter(sample.folder("filter"), index.documents)
      #expect(filter.unknown == 0)
      return filter
    }

    private func checkScores(_ index: any SearchableIndex) throws {
      guard let index = index as? any RescoringIndex else { return }
      for (query, entries) in try index.search(sample.request(k: 1000)).enumerated() {
        let scores = try index.scores(
          sample.queries, query, of: entries.reversed().map { Int($0.ordinal) })
        #expect(scores == entries.reversed().map(\.score))
      }
    }

    /// Ids and scores.
    private func found(
      _ index: any SearchableIndex, _ request: SearchRequest
    ) throws -> [[String]] {
      try index.search(request).map { entries in
        entries.map {
          "\(String(decoding: index.documents.id(Int($0.ordinal)), as: UTF8.self)) "
            + "\($0.score.bitPattern)"
        }
      }
    }
  }

  /// Numbers that look drawn, the same on every machine.
  private struct Draws {
    var state: UInt64

    mutating func next(_ limit: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(max(limit, 1)))
    }
  }

  @Test(arguments: 0..<count, [1, 2])
  func changedAtRandom(index: Int, seed: Int) throws {
    let sample = try IndexSample(IndexSample.types[index], documents: 0)
    var twin = Twin(sample: sample, random: Draws(state: UInt64(seed)))
    let first = Array(0..<20)
    try sample.writeDocuments("first", first.map { (id: $0, content: $0) })
    try sample.build("i", of: ["first"])
    twin.rows = first.map { ($0, $0) }
    try twin.check("built")
    var content = 100
    for step in 0..<10 {
      let live = twin.rows.map(\.id)
      let what: String
      switch twin.random.next(7) {
      case 0, 1:
        let ids = (0..<1 + twin.random.next(8)).map { _ in twin.random.next(60) }
        let new = ids.uniqued.filter { !live.contains($0) }
        content += new.count
        try twin.append(new, contents: new.indices.map { content + $0 }, .refused)
        what = "append"
      case 2:
        let ids = (0..<1 + twin.random.next(8)).map { _ in twin.random.next(60) }.uniqued
        content += ids.count
        try twin.append(ids, contents: ids.indices.map { content + $0 }, .replaced)
        what = "replace"
      case 3, 4:
        try twin.delete((0..<1 + twin.random.next(6)).map { _ in twin.random.next(60) })
        what = "delete"
      case 5:
        // Once all of them.
        try twin.delete(seed == 2 && step > 5 ? live : Array(live.prefix(twin.random.next(9))))
        what = "delete the first"
      default:
        try twin.compact()
        what = "compact"
      }
      try twin.check("step \(step), \(what)")
    }
    try twin.compact()
    #expect(try contents(sample.folder("i")) == contents(sample.folder("f")))
    #expect(try names(sample.folder("i")) == names(sample.folder("f")))
  }

  /// Segments of several indexes are searched as those of one, and a document that is in two of them is
  /// noticed.
  @Test(arguments: 0..<count)
  func severalIndexes(index: Int) throws {
    let sample = try IndexSample(IndexSample.types[index])
    try sample.build("whole-index")
    let parts = [0..<30, 30..<31, 31..<61]
    for (number, rows) in parts.enumerated() {
      try sample.writeDocuments("p\(number)", rows)
      try sample.build("part\(number)", of: ["p\(number)"], like: "whole-index")
    }
    let work = IndexWork(Kernels(), WorkerPool(threads: 2))
    func open(_ names: [String]) throws -> any SearchableIndex {
      try IndexTypes.open(
        names.map { try IndexFolder(sample.folder($0)) }, [], work, among: IndexSample.types
      ).index
    }
    func found(_ index: any SearchableIndex) throws -> [[String]] {
      try index.search(sample.request(k: 20)).map { entries in
        entries.map { "\(index.documents.id(Int($0.ordinal))) \($0.score.bitPattern)" }
      }
    }
    let whole = try found(sample.open("whole-index"))
    #expect(try found(open(["part0", "part1", "part2"])) == whole)
    #expect(try found(open(["part2", "part0", "part1"])) == whole)
    let twice = try open(["part0", "part2", "part0"])
    let failure = #expect(throws: Failure.self) { try twice.search(sample.request(k: 40)) }
    #expect(failure?.status == .data)
    #expect(failure?.message.contains("part0, too") == true)
  }

  @Test(arguments: 0..<count)
  func refusals(index: Int) throws {
    let sample = try IndexSample(IndexSample.types[index], documents: 10)
    try sample.build("i")
    let before = try contents(sample.folder("i"))
    let work = IndexWork(Kernels(), WorkerPool(threads: 1))
    try sample.writeDocuments("again", [(id: 50, content: 50), (id: 3, content: 51)])
    let twice = #expect(throws: Failure.self) {
      let edit = try IndexEdit(sample.folder("i"))
      var change = try IndexChange(edit, sample.type, work)
      _ = try change.append(sample.input(["again"]), .refused)
    }
    #expect(twice?.status == .data)
    #expect(twice?.message == "document d10 is in the index already")
    try sample.writeDocuments("twice", [(id: 50, content: 50), (id: 50, content: 51)])
    let repeated = #expect(throws: Failure.self) {
      let edit = try IndexEdit(sample.folder("i"))
      var change = try IndexChange(edit, sample.type, work)
      _ = try change.append(sample.input(["twice"]), .replaced)
    }
    #expect(repeated?.message.contains("occurs twice") == true)
    #expect(try contents(sample.folder("i")) == before)
    #expect(try names(sample.folder("i")).count == before.count)
  }

  /// The very same documents once more are recognised.
  @Test(arguments: 0..<count)
  func theSameAgain(index: Int) throws {
    let sample = try IndexSample(IndexSample.types[index], documents: 10)
    try sample.build("i")
    let work = IndexWork(Kernels(), WorkerPool(threads: 1))
    func append(_ rows: [(id: Int, content: Int)]) throws -> IndexChange.Outcome {
      try sample.writeDocuments("more", rows)
      let edit = try IndexEdit(sample.folder("i"))
      var change = try IndexChange(edit, sample.type, work)
      let outcome = try change.append(sample.input(["more"]), .refused, mayStand: true)
      if case .added = outcome { _ = try change.commit(by: nil) }
      return outcome
    }
    #expect(try append([(30, 30), (31, 31)]) == .added(2))
    #expect(try append([(30, 30), (31, 31)]) == .standing(2))
    #expect(status { _ = try append([(31, 31), (30, 30)]) } == .data)
    // Not once one of them is gone.
    // A block of its own: a change keeps others out as long as it lives.
    do {
      var change = try IndexChange(IndexEdit(sample.folder("i")), sample.type, work)
      change.delete(IndexSample.id(30))
      _ = try change.commit(by: nil)
    }
    #expect(status { _ = try append([(30, 30), (31, 31)]) } == .data)
    #expect(try append([(30, 30)]) == .added(1))
    #expect(try IndexManifest(folder: sample.folder("i")).documents == 12)
  }

  /// Readers go on with what they opened while others change it, and those that open it anew find a
  /// whole index.
  @Test(arguments: 0..<count)
  func readersGoOn(index: Int) throws {
    let sample = try IndexSample(IndexSample.types[index], documents: 30)
    try sample.build("i")
    let reader = try sample.open("i")
    let before = try reader.search(sample.request(k: 50))
    var twin = Twin(sample: sample, rows: (0..<30).map { ($0, $0) }, random: Draws(state: 1))
    try twin.delete(Array(0..<25))
    try twin.append([50, 51], contents: [50, 51], .refused)
    #expect(try reader.search(sample.request(k: 50)) == before)
    let second = try sample.open("i")
    try twin.compact()
    #expect(try reader.search(sample.request(k: 50)) == before)
    #expect(second.documents.count == 32)
    try twin.check("after the readers")
  }
}

extension [Int] {
  /// Each once, where it comes first.
  fileprivate var uniqued: [Int] {
    var seen: Set<Int> = []
    return filter { seen.insert($0).inserted }
  }
}
