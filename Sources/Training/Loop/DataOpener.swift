import Failures
import Records
import TrainingData
import Workers

/// Opens what a configuration says of data.
package struct DataOpener {
  private let scratchFolder: String
  private let pool: WorkerPool
  private let seed: UInt64
  private let warn: (String) -> Void

  /// - Parameters:
  ///   - scratchFolder: Where scratch files go.
  ///   - pool: Reads and checks.
  ///   - seed: Of what is sampled.
  ///   - warn: Gets what is left out.
  package init(
    scratchFolder: String, _ pool: WorkerPool, seed: UInt64, warn: @escaping (String) -> Void
  ) {
    self.scratchFolder = scratchFolder
    self.pool = pool
    self.seed = seed
    self.warn = warn
  }

  /// Tuples to train with or to take a loss of.
  package func tuples(_ data: DataConfiguration) throws(Failure) -> any TupleSource {
    if !data.tuples.isEmpty {
      var options = TupleFile.Options()
      options.targets = data.targets ?? .order
      options.documents = data.documents
      options.systems = data.systems
      options.keepsKeys = data.noDuplicates
      return try TupleFiles(
        data.tuples, options, formats: data.formats,
        queries: try store("query", data.queries, data.queryRecords),
        docs: try store("document", data.docs, data.docRecords), scratchFolder: scratchFolder, pool)
    }
    var options = RunTuples.Options(targets: data.targets ?? .relevance)
    options.depth = data.depth
    options.sampleSize = data.sampleSize
    options.sampling = data.sampling
    options.normalizesTargets = data.normalizesTargets
    options.addsJudged = data.addsJudged
    options.seed = seed
    let run = try RunReader.read(data.run, keeping: [.texts], pool: pool)
    let qrels = try judgements(data)
    let (queries, docs) = try texts(data, run, qrels)
    let tuples = try RunTuples(run, qrels: qrels, options, queries: queries, docs: docs)
    say(tuples.leftOut, run)
    return tuples
  }

  /// Says how many queries and documents of a run are left out.
  package func say(_ leftOut: RunTuples.LeftOut, _ run: Run) {
    for text in Self.texts(leftOut) { warn("\(run.name): \(text) and are left out") }
  }

  /// What was left out, by reason.
  package static func texts(_ leftOut: RunTuples.LeftOut) -> [String] {
    [
      (leftOut.unjudged, "queries are not judged"),
      (leftOut.short, "queries have too few documents to sample"),
      (leftOut.unanswered, "queries have no relevant document"),
      (leftOut.textless, "queries have no text"), (leftOut.documents, "documents have no text"),
    ].filter { $0.0 > 0 }.map { "\($0) \($1)" }
  }

  /// Judgements of a configuration; nil where it names none.
  package func judgements(_ data: DataConfiguration) throws(Failure) -> Qrels? {
    data.qrels.isEmpty ? nil : try Qrels.read(data.qrels, repeated: .subtopics)
  }

  /// The texts of a run's queries and documents, and of judged documents.
  package func texts(
    _ data: DataConfiguration, _ run: Run, _ qrels: Qrels?
  ) throws(Failure) -> (queries: TextStore?, docs: TextStore?) {
    try texts(
      queries: (data.queries, data.queryRecords), docs: (data.docs, data.docRecords), run,
      depth: data.depth,
      judged: data.addsJudged ? qrels : nil)
  }

  /// Texts of the queries and documents of a run and, where there are judgements, of the documents
  /// that they judge.
  package func texts(
    queries: (files: [String], options: RecordOptions),
    docs: (files: [String], options: RecordOptions), _ run: Run, depth: Int?, judged: Qrels?
  ) throws(Failure) -> (queries: TextStore?, docs: TextStore?) {
    var wanted = IDTable()
    for query in 0..<run.queries.count {
      for entry in run.entries(of: query).prefix(depth ?? .max) {
        _ = run.withDoc(entry) { wanted.insert($0) }
      }
    }
    if let qrels = judged {
      for judgement in 0..<qrels.count { _ = qrels.withDoc(judgement) { wanted.insert($0) } }
    }
    return (
      try store("query", queries.files, queries.options, keeping: run.queries),
      try store("document", docs.files, docs.options, keeping: wanted)
    )
  }

  private func store(
    _ kind: String, _ files: [String], _ options: RecordOptions, keeping wanted: IDTable? = nil
  ) throws(Failure) -> TextStore? {
    if files.isEmpty { return nil }
    return try TextStore(kind, files, options, keeping: wanted, scratchFolder: scratchFolder)
  }
}
