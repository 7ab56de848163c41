import Failures
import IndexFormat
import Indexes
import Kernels
import Retrieval
import TestSupport
import Testing
import Vectors
import Workers

/// Lists of clusters: what they hold, by a reader of its own, and what is found through them.
@Suite struct SeismicTests {
  /// More documents than are scored without looking at lists.
  private static let count = 2200

  private static let documents = CertifiedSparseTests.Hard.usual.vectors(count, seed: 1)
  private static let queries =
    CertifiedSparseTests.Hard.usual.vectors(24, seed: 2).filter { $0.indices.count > 10 }

  private static func build(
    _ folder: TemporaryFolder, _ target: String, _ given: [IndexArguments.Given] = [],
    threads: Int = 1, maxMemory: Int = IndexWork.usualMemory
  ) throws {
    try buildIndex(
      folder(target), streams: [folder("s")], type: Seismic.self, given: given, threads: threads,
      maxMemory: maxMemory)
  }

  private static func ordinals(_ found: [[TopDocuments.Entry]]) -> [Set<Int32>] {
    found.map { Set($0.map(\.ordinal)) }
  }

  /// The widest setting looks at all documents that have a term, and its bounds exclude none of the
  /// best: by lists, by codes and by vectors the result is that of comparing all.
  @Test(arguments: CertifiedSparseTests.Hard.allCases, ["dot", "cosine"])
  func widestSettingIsExact(hard: CertifiedSparseTests.Hard, similarity: String) throws {
    let documents = hard.vectors(Self.count, seed: 1)
    let folder = try CertifiedSparseTests.folder(documents, similarity)
    let kind = try #require(Similarity(rawValue: similarity))
    let queries =
      hard.vectors(3, seed: 2)
      + [documents[0], SparseVector(), SparseVector(indices: [59], values: [0.5])]
      + CertifiedSparseTests.Hard.negative.vectors(1, seed: 3)
    try Self.build(folder, "i", [("num-postings", "100000")])
    try Seismic.verify(IndexFolder(folder("i")))
    let wide = try openIndex(folder("i"), given: [("cut", "all"), ("heap-factor", "0")])
    let exact = try openIndex(folder("i"), given: [("exact", "true")])
    for (place, query) in queries.enumerated() {
      for k in [1, 10, 50] {
        let all = place > 1 ? nil : CertifiedSparseTests.expected(documents, query, k: k, kind)
        do {
          let found = try CertifiedSparseTests.search(exact, [query], k: k)[0]
          #expect(try CertifiedSparseTests.search(wide, [query], k: k)[0] == found)
          guard let all else { continue }
          #expect(found.map { Int($0.ordinal) } == all.map(\.ordinal))
          #expect(found.map(\.score.bitPattern) == all.map(\.score.bitPattern))
        } catch {
          // Scores may overflow, which is an error whatever finds it.
          #expect((error as? Failure)?.status == .data && all == nil)
          #expect(status { _ = try CertifiedSparseTests.search(wide, [query], k: k) } == .data)
        }
      }
    }
  }

  /// Lists in the words of the manual, read without what writes them.
  private struct List {
    var frequency = 0
    var scales: [Float] = []
    var clusters: [[Int]] = []
    /// By the numbers of terms: clusters and codes.
    var entries: [Int: [Int: Int]] = [:]

    init?(_ bytes: ArraySlice<UInt8>) {
      if bytes.isEmpty { return nil }
      var place = bytes.startIndex
      func number(_ size: Int) -> Int {
        defer { place += size }
        return (0..<size).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) }
      }
      frequency = number(4)
      let (count, clusterCount, termCount, entryCount) = (
        number(4), number(4), number(4), number(4)
      )
      scales = (0..<clusterCount).map { _ in Float(bitPattern: UInt32(number(4))) }
      let starts = (0...clusterCount).map { _ in number(4) }
      let documents = (0..<count).map { _ in number(4) }
      clusters = (0..<clusterCount).map { Array(documents[starts[$0]..<starts[$0 + 1]]) }
      let blocks = (0..<(termCount + 31) / 32).map { _ in (first: number(4), start: number(4)) }
      let terms = (0..<termCount).map { _ in (step: number(1), count: number(1)) }
      let pairs = (0..<entryCount).map { _ in (step: number(1), code: number(1)) }
      var (term, start) = (0, 0)
      for (place, entry) in terms.enumerated() {
        term = place % 32 == 0 ? blocks[place / 32].first : term + entry.step
        if place % 32 == 0 { start = blocks[place / 32].start }
        var cluster = 0
        for pair in pairs[start..<start + entry.count] {
          cluster += pair.step
          if pair.code > 0 { entries[term, default: [:]][cluster] = pair.code }
        }
        start += entry.count
      }
    }
  }

  private static func lists(_ folder: String) throws -> (lists: [List?], numbers: [Int]) {
    let segment = try IndexFolder(folder).segments[0]
    func tensor(_ name: String) throws -> [UInt8] {
      let file = try #require(Seismic.files.first { $0.name == name })
      return Array(try segment.tensor(file).bytes)
    }
    func numbers(_ bytes: [UInt8], _ size: Int) -> [Int] {
      stride(from: 0, to: bytes.count, by: size).map { first in
        (0..<size).reduce(0) { $0 | Int(bytes[first + $1]) << (8 * $1) }
      }
    }
    let (starts, bytes) = (numbers(try tensor("lists.starts"), 8), try tensor("lists"))
    return (
      zip(starts, starts.dropFirst()).map { List(bytes[$0..<$1]) },
      numbers(try tensor("terms.numbers"), 4)
    )
  }

  /// Lists keep the largest weights of all, and no more of a term than half as many again.
  @Test(arguments: [20, 300, 100_000])
  func listsKeepTheLargestWeights(postings: Int) throws {
    let folder = try CertifiedSparseTests.folder(Self.documents)
    try Self.build(folder, "i", [("num-postings", "\(postings)")])
    let all = Self.documents.enumerated().flatMap { document, vector in
      zip(vector.indices, vector.values).map { (document: document, term: Int($0), weight: $1) }
    }
    let weights = all.map(\.weight).sorted(by: >)
    let terms = Set(all.map(\.term)).count
    let least = postings * terms < weights.count ? weights[postings * terms - 1] : -.infinity
    let (lists, _) = try Self.lists(folder("i"))
    for (term, list) in lists.enumerated() {
      let own = all.filter { $0.term == term }.sorted {
        $0.weight != $1.weight ? $0.weight > $1.weight : $0.document < $1.document
      }
      let kept = own.filter { $0.weight >= least }.prefix(postings * 3 / 2)
      #expect(Set(list?.clusters.flatMap { $0 } ?? []) == Set(kept.map(\.document)))
      #expect(list.map { $0.clusters.flatMap { $0 }.count } ?? 0 == kept.count)
      if let list { #expect(list.frequency == own.count) }
    }
    let lengths = try Seismic.lists(of: IndexFolder(folder("i")).segments)
    #expect(lengths == lists.map { $0?.clusters.flatMap { $0 }.count ?? 0 })
  }

  /// Summaries have the largest weights of their clusters, and enough of them.
  @Test(arguments: [0.4, 1.0])
  func summariesHaveTheLargestWeights(energy: Double) throws {
    let folder = try CertifiedSparseTests.folder(Self.documents)
    try Self.build(
      folder, "i",
      [("summary-energy", "\(energy)"), ("min-cluster-size", "5"), ("centroid-fraction", "0.05")])
    let (lists, numbers) = try Self.lists(folder("i"))
    for list in lists.compactMap({ $0 }) {
      #expect(list.clusters.allSatisfy { $0.count >= 5 || list.clusters.count == 1 })
      for (cluster, members) in list.clusters.enumerated() {
        #expect(members == members.sorted())
        var largest: [Int: Double] = [:]
        for member in members {
          let vector = Self.documents[member]
          for (term, weight) in zip(vector.indices, vector.values) {
            largest[numbers[Int(term)], default: 0] = max(
              largest[numbers[Int(term)], default: 0], Double(weight))
          }
        }
        let scale = Double(list.scales[cluster])
        var kept: [Double] = []
        for (number, owners) in list.entries {
          guard let code = owners[cluster] else { continue }
          // Codes of documents and of summaries are both rounded.
          let weight = try #require(largest[number])
          #expect(abs(weight - Double(code) * scale) <= scale * 1.01)
          kept.append(weight)
          largest[number] = nil
        }
        let (sum, rest) = (kept.reduce(0, +), largest.values.reduce(0, +))
        #expect(sum >= (energy - 0.02) * (sum + rest))
        if energy < 1, let last = kept.min() {
          #expect(sum - last <= (energy + 0.02) * (sum + rest))
        }
        // What is left out is not above what is kept, but for rounding.
        #expect((largest.values.max() ?? 0) <= (kept.min() ?? 0) + 2.01 * scale)
      }
    }
  }

  /// Any number of threads gives the same bytes, and so does a build where memory is too small for all postings at once.
  @Test func bytesDependOnDocumentsAlone() throws {
    let folder = try CertifiedSparseTests.folder(Self.documents)
    let given: [IndexArguments.Given] = [("num-k-nearest-neighbors", "3")]
    try Self.build(folder, "i", given)
    let whole = try contents(folder("i"))
    try Self.build(folder, "threads", given, threads: 3)
    #expect(try contents(folder("threads")) == whole)
    try Self.build(folder, "small", given, maxMemory: 1 << 17)
    #expect(try contents(folder("small")) == whole)
    // Shards have other lists than their merge, which is that of all documents.
    for (i, rows) in [0..<700, 700..<Self.count].enumerated() {
      try CertifiedSparseTests.write(Self.documents, rows, to: folder("s\(i)"))
      try buildIndex(
        folder("i\(i)"), streams: [folder("s\(i)")], type: Seismic.self, given: given)
    }
    let parts = try (0..<2).map { try IndexFolder(folder("i\($0)")) }
    let work = IndexWork(Kernels(), WorkerPool(threads: 2))
    let merge = try IndexMerge(parts, Seismic.self)
    _ = try merge.run(
      to: folder("merged"), work, by: parts[0].manifest.source.description.by)
    #expect(try contents(folder("merged")) == whole)
    try Seismic.verify(IndexFolder(folder("merged")))
  }

  /// What is looked at with some terms is looked at with more, so recall never falls; and queries find
  /// k documents with any setting.
  @Test(arguments: ["0", "0.7", "1"])
  func moreTermsNeverFindLess(factor: String) throws {
    let folder = try CertifiedSparseTests.folder(Self.documents)
    try Self.build(folder, "i", [("num-postings", "150")])
    let exact = Self.ordinals(
      try CertifiedSparseTests.search(
        openIndex(folder("i"), given: [("exact", "true")]), Self.queries, k: 10))
    var before = Self.queries.map { _ in 0 }
    for cut in ["1", "2", "3", "5", "8", "12", "all"] {
      let found = try CertifiedSparseTests.search(
        openIndex(folder("i"), given: [("cut", cut), ("heap-factor", factor)]), Self.queries,
        k: 10)
      #expect(found.allSatisfy { $0.count == 10 })
      let recall = zip(Self.ordinals(found), exact).map { $0.intersection($1).count }
      #expect(zip(recall, before).allSatisfy { $0 >= $1 }, "--cut \(cut)")
      before = recall
    }
    #expect(before.reduce(0, +) > 6 * Self.queries.count)
  }

  /// Neighbours are other documents, those of large products; with them more is found.
  @Test func neighboursFindMore() throws {
    let folder = try CertifiedSparseTests.folder(Self.documents)
    try Self.build(folder, "i", [("num-postings", "60")])
    try Self.build(folder, "n", [("num-postings", "60"), ("num-k-nearest-neighbors", "8")])
    let segment = try IndexFolder(folder("n")).segments[0]
    let file = try #require(Seismic.files.first { $0.name == "neighbours" })
    let numbers = try segment.column(file, as: Int32.self)
    #expect(numbers.count == 8 * Self.count)
    var near = 0
    for document in stride(from: 0, to: Self.count, by: 97) {
      let own = (8 * document..<8 * (document + 1)).map { Int(numbers[$0]) }.filter { $0 >= 0 }
      #expect(Set(own).count == own.count && !own.contains(document))
      let best = CertifiedSparseTests.expected(
        Self.documents, Self.documents[document], k: 8, .dot, without: document)
      near += Set(own).intersection(best?.map(\.ordinal) ?? []).count
    }
    #expect(near > 23 * 8 / 2)
    let exact = Self.ordinals(
      try CertifiedSparseTests.search(
        openIndex(folder("i"), given: [("exact", "true")]), Self.queries, k: 10))
    let recall = try ["i", "n"].map { name in
      let found = try CertifiedSparseTests.search(
        openIndex(folder(name), given: [("cut", "2"), ("heap-factor", "1")]), Self.queries, k: 10)
      return zip(Self.ordinals(found), exact).reduce(0) { $0 + $1.0.intersection($1.1).count }
    }
    #expect(recall[1] > recall[0])
  }

  /// The exact engine with some of a query's terms: those that weigh most lead to documents, which all
  /// terms score.
  @Test(arguments: ["dot", "cosine"])
  func prunedQueriesHaveWholeScores(similarity: String) throws {
    let folder = try CertifiedSparseTests.folder(Self.documents, similarity)
    try buildIndex(folder("i"), streams: [folder("s")])
    let kind = try #require(Similarity(rawValue: similarity))
    for cut in [1, 3, 1000] {
      let index = try openIndex(folder("i"), given: [("cut", "\(cut)"), ("oversample", "2")])
      var isLess = false
      for query in Self.queries.prefix(6) {
        let found = try CertifiedSparseTests.search(index, [query], k: 10)[0]
        let kept = query.values.indices.sorted { query.values[$0] > query.values[$1] }
          .prefix(cut).sorted()
        let part = SparseVector(
          indices: kept.map { query.indices[$0] }, values: kept.map { query.values[$0] })
        let led = try #require(
          CertifiedSparseTests.expected(Self.documents, part, k: 20, kind))
        let whole = try #require(
          CertifiedSparseTests.expected(Self.documents, query, k: Self.count, kind))
        let scores = Dictionary(uniqueKeysWithValues: whole.map { ($0.ordinal, $0.score) })
        #expect(found.allSatisfy { scores[Int($0.ordinal)] == $0.score })
        // Documents whose codes do not tell them from those are scored, too.
        let leaders = Set(led.map(\.ordinal))
        let best = whole.filter { leaders.contains($0.ordinal) }.prefix(10)
        #expect(zip(found, best).allSatisfy { $0.score >= $1.score }, "--cut \(cut)")
        if cut == 1000 {
          #expect(found.map { Int($0.ordinal) } == whole.prefix(10).map(\.ordinal))
        }
        isLess = isLess || found.map { Int($0.ordinal) } != whole.prefix(10).map(\.ordinal)
      }
      #expect(isLess == (cut < 8))
    }
    #expect(
      status { _ = try openIndex(folder("i"), given: [("cut", "3"), ("approximate", "true")]) }
        == .usage)
  }
}
