import Failures
import IndexFormat
import Indexes
import Kernels
import Records
import Retrieval
import TestSupport
import Testing
import Vectors

/// Given pairs, feedback and explanations.
@Suite struct SearchAnswersTests {
  private func texts(_ documents: [ScoredDocument]) -> [String] {
    documents.map { "\($0.id) \($0.score)" }
  }

  private func ids(_ count: Int) -> [[UInt8]] { (0..<count).map { Array("q\($0)".utf8) } }

  /// The pairs of a file and no others, with the scores of a search, whatever form the lines have.
  @Test(arguments: ["q%\td%\n", "q% Q0 d% 7 1.5 tag\n", "q% 0 d% 1\n", "q%\td%\t2\n"])
  func pairs(form: String) throws {
    for type in IndexSample.types {
      let sample = try IndexSample(type)
      try sample.build("i")
      let index = try sample.open("i")
      guard index is any RescoringIndex else { continue }
      let all = try index.search(sample.request(k: 1000))
      var lines = form.hasSuffix("\t2\n") ? "query-id\tcorpus-id\tscore\n" : ""
      var expected: [[String]] = []
      for (query, entries) in all.enumerated() {
        let chosen = entries.enumerated().filter { $0.offset % 3 == query % 3 }.map(\.element)
        let names = chosen.map {
          String(decoding: index.documents.id(Int($0.ordinal)), as: UTF8.self)
        }
        for name in names.reversed() {
          let parts = form.split(separator: "%", omittingEmptySubsequences: false)
          lines += "q\(query)" + parts[1].dropLast() + name + parts[2]
        }
        expected.append(zip(names, chosen).map { "\($0) \($1.score)" })
      }
      try write(sample.folder("pairs"), lines)
      var options = SearchAnswers.Options(k: 1)
      options.pairs = try PairList(sample.folder("pairs"), index.documents)
      let answers = try SearchAnswers(index, options)
      let found = try answers.documents(ids(all.count), sample.queries)
      #expect(found.map(texts) == expected)
    }
  }

  @Test func pairsThatAreRefused() throws {
    let sample = try IndexSample(Flat.self)
    try sample.build("i")
    let index = try sample.open("i")
    let known = String(decoding: IndexSample.id(0), as: UTF8.self)
    for (text, message) in [
      ("q0\tnowhere\n", "document nowhere is not in the index"),
      ("q0\t\(known)\nq0 0 \(known) 1\n", "query q0 and document \(known) are there twice"),
      (
        "q0\n",
        "expected a query and a document, or a line of a run or of judgements, found 1 field"
      ),
    ] {
      try write(sample.folder("pairs"), text)
      let failure = #expect(throws: Failure.self) {
        try PairList(sample.folder("pairs"), index.documents)
      }
      #expect(failure?.status == .data)
      #expect(failure?.message == message)
    }
    try write(sample.folder("pairs"), "q0\t\(known)\nq9\t\(known)\n")
    var options = SearchAnswers.Options(k: 1)
    options.pairs = try PairList(sample.folder("pairs"), index.documents)
    let output = try RunOutput(
      sample.folder("run"), compression: .none, tag: "t", provenance: nil)
    var search = RunSearch(
      FusedAnswers(try SearchAnswers(index, options)), output,
      RunSearch.Place(input: "", target: ""))
    _ = try search.search(ids: ids(1), [sample.queries[0..<1]])
    let failure = #expect(throws: Failure.self) { try search.finish() }
    #expect(failure?.message == "query q9 is not among the queries")
    try search.finish(allQueries: false)
    options.dropsSelf = true
    #expect(status { _ = try SearchAnswers(index, options) } == .usage)
  }

  /// A query is moved as NumPy moves it: α q + β mean of the first vectors.
  @Test(arguments: [1, 3, 1000])
  func feedback(documents: Int) throws {
    let width = 4
    let values = (0..<60 * width).map { Float(($0 * 29) % 17) / 8 - 1 }
    let queries = (0..<5 * width).map { Float(($0 * 11) % 13) / 4 - 1.5 }
    for similarity in ["dot", "cosine", "l2"] {
      let folder = try TemporaryFolder()
      try writeStream(
        folder("s"), .dense(.f32, dimension: width), dimension: width, similarity: similarity,
        denseRecords(values, width))
      try buildIndex(folder("i"), streams: [folder("s")])
      let index = try openIndex(folder("i"))
      func search(_ queries: [Float], k: Int) throws -> [[TopDocuments.Entry]] {
        try index.search(
          SearchRequest(
            ids: ids(5), queries: .dense(queries, dimension: width), k: k))
      }
      func unit(_ row: [Float]) -> [Double] {
        let length = row.reduce(0.0) { $0 + Double($1 * $1) }.squareRoot()
        return row.map { similarity == "cosine" ? Double($0) / length : Double($0) }
      }
      var moved: [Float] = []
      for (query, entries) in try search(queries, k: documents).enumerated() {
        var sums = [Double](repeating: 0, count: width)
        for entry in entries {
          let row = unit(
            Array(values[Int(entry.ordinal) * width..<(Int(entry.ordinal) + 1) * width]))
          for i in 0..<width { sums[i] += row[i] }
        }
        let own = unit(Array(queries[query * width..<(query + 1) * width]))
        for i in 0..<width {
          moved.append(Float(0.4 * own[i] + 0.6 * sums[i] / Double(entries.count)))
        }
      }
      var options = SearchAnswers.Options(k: 7)
      options.feedback = try VectorFeedback(parsing: "\(documents):0.4:0.6")
      let found = try SearchAnswers(index, options).documents(
        ids(5), .dense(queries, dimension: width))
      for (found, expected) in zip(found, try search(moved, k: 7)) {
        #expect(
          found.map { $0.id.bytes } == expected.map { index.documents.id(Int($0.ordinal)) })
        for (a, b) in zip(found, expected) { #expect(abs(a.score - b.score) < 1e-5) }
      }
    }
  }

  @Test(arguments: ["", "3", "3:1", "0:1:1", "3:x:1", "3:1:nan", "3:1:1:1", "1.5:1:1"])
  func feedbackThatIsNone(text: String) {
    #expect(status { _ = try VectorFeedback(parsing: text) } == .usage)
  }

  /// The parts of an explanation add up to the score.
  @Test func explanationsOfTerms() throws {
    let sample = try IndexSample(Sparse.self)
    try sample.build("i")
    let index = try #require(try sample.open("i") as? any ExplainingIndex)
    var explained = 0
    for (query, entries) in try index.search(sample.request(k: 1000)).enumerated() {
      let parts = try index.explanations(
        sample.queries, query, of: entries.map { Int($0.ordinal) }, naming: { "t\($0)" })
      for (entry, members) in zip(entries, parts) {
        let terms = try #require(members.first { $0.key == "terms" }?.value.array)
        let sum = terms.reduce(0) { $0 + ($1["score"]?.double ?? .nan) }
        #expect(sum == Double(entry.score))
        #expect(terms.allSatisfy { $0["term"]?.string?.hasPrefix("t") == true })
        explained += terms.count
      }
    }
    #expect(explained > 50)
  }

  /// What the terms of a text add is its score, but for the rounding of each; also where they are those of
  /// feedback.
  @Test(arguments: [nil, "rm3", "rocchio"])
  func explanationsOfWords(feedback: String?) throws {
    let sample = try IndexSample(BM25.self)
    try sample.build("i")
    let given = feedback.map { [($0, "true")] } ?? []
    let index = try #require(try sample.open("i", given) as? any ExplainingIndex)
    var explained = 0
    for (query, entries) in try index.search(sample.request(k: 1000)).enumerated() {
      let parts = try index.explanations(
        sample.queries, query, of: entries.map { Int($0.ordinal) }, naming: { _ in nil })
      for (entry, members) in zip(entries, parts) {
        let terms = try #require(members.first { $0.key == "terms" }?.value.array)
        let sum = terms.reduce(0) { $0 + ($1["score"]?.double ?? .nan) }
        #expect(abs(sum - Double(entry.score)) < 1e-5)
        #expect(terms.allSatisfy { $0["term"]?.string?.hasPrefix("w") == true })
        explained += terms.count
      }
    }
    #expect(explained > 50)
  }

  @Test func whatATypeDoesNotHave() throws {
    let sample = try IndexSample(WordOverlap.self)
    try sample.build("i")
    let index = try sample.open("i")
    var options = SearchAnswers.Options(k: 1)
    options.explains = true
    let explain = #expect(throws: Failure.self) {
      try SearchAnswers(index, type: "word-overlap", options)
    }
    #expect(explain?.message == "--explain: word-overlap cannot say what its scores are made of")
    options.explains = false
    options.feedback = try VectorFeedback(parsing: "1:1:1")
    let feedback = #expect(throws: Failure.self) {
      try SearchAnswers(index, type: "word-overlap", options)
    }
    #expect(feedback?.message == "--prf: word-overlap keeps no vectors of documents")
    #expect(feedback?.status == .usage)
  }
}
