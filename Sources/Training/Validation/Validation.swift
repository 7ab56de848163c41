import Evaluation
import Failures
import Kernels
import Models
import Records
import TrainingData
import Workers

/// A collection on which a model is measured while it is trained.
package final class Validation {
  package let configuration: ValidationConfiguration
  /// Names of the measures, in the order of the configuration.
  package var names: [String] { configuration.measures }
  private let measures: [NamedMeasure]
  private let subject: Subject
  /// Tuples whose loss is taken; nil where nobody asked for it.
  private let lossTuples: (any TupleSource)?
  private let batchSize: Int
  private let pool: WorkerPool

  /// Texts that are scored, with judgements.
  private enum Subject {
    /// A run, ranked again.
    case run(Run, Qrels, queries: TextStore?, docs: TextStore?, depth: Int)
    /// Tuples, of which the first document is relevant.
    case tuples(any TupleSource)
    /// Nothing but the loss.
    case nothing
  }

  /// Documents of a query that are scored together: those of a Set-Encoder see each other.
  private static func documentsAtOnce(_ description: ModelDescription) -> Int {
    description.head.pairs?.set == nil ? 64 : .max
  }

  /// Reads what a configuration names.
  ///
  /// - Throws: 78 where a measure cannot be taken of the data; as reading does.
  package init(
    _ configuration: ValidationConfiguration, batchSize: Int, _ opener: DataOpener,
    _ pool: WorkerPool
  ) throws(Failure) {
    self.configuration = configuration
    self.batchSize = batchSize
    self.pool = pool
    var measures: [NamedMeasure] = []
    for name in configuration.measures where name != "loss" {
      do throws(Failure) { measures.append(try MeasureRegistry.measure(name)) } catch {
        throw .config(nil, "\(configuration.name): \(error.message)", hint: error.hint)
      }
    }
    self.measures = measures
    let data = configuration.data
    lossTuples =
      configuration.measures.contains("loss") ? try opener.tuples(data) : nil
    if measures.isEmpty {
      subject = .nothing
    } else if !data.tuples.isEmpty {
      guard data.targets == .order else {
        throw .config(
          nil, "\(configuration.name): measures on tuples need targets: order, scores are no grades"
        )
      }
      if let lossTuples {
        subject = .tuples(lossTuples)
      } else {
        subject = .tuples(try opener.tuples(data))
      }
    } else {
      let run = try RunReader.read(data.run, keeping: [.texts], pool: pool)
      guard let qrels = try opener.judgements(data) ?? run.relevance else {
        throw .config(nil, "\(configuration.name): qrels is missing")
      }
      let (queries, docs) = try opener.texts(data, run, qrels)
      subject = .run(run, qrels, queries: queries, docs: docs, depth: data.depth ?? .max)
      try Self.check(run, run.hasDocTexts && run.hasQueryTexts, queries, docs, data.depth ?? .max)
    }
  }

  /// Every text is there before training begins.
  private static func check(
    _ run: Run, _ hasTexts: Bool, _ queries: TextStore?, _ docs: TextStore?, _ depth: Int
  ) throws(Failure) {
    if hasTexts { return }
    guard let queries, let docs else {
      throw .config(run.name, "validation on this run needs queries and docs")
    }
    for query in 0..<run.queries.count {
      let id = run.queries[query]
      if !queries.has(id) { throw queries.missing(id, for: run.name) }
      for entry in run.entries(of: query).prefix(depth) where !docs.has(run.doc(entry)) {
        throw docs.missing(run.doc(entry), for: "\(run.name): query \(id)")
      }
    }
  }

  /// Whether a value of the first measure is better than another.
  package func isBetter(_ value: Double, than other: Double) -> Bool {
    names.first == "loss" ? value < other : value > other
  }

  /// The values of all measures for the model as it is.
  package func values(_ run: TrainingRun) throws(Failure) -> [Double] {
    var evaluated: [Double] = []
    switch subject {
    case .nothing: break
    case .tuples(let source): evaluated = try evaluate(try ranked(source, run))
    case .run(let candidates, let qrels, let queries, let docs, let depth):
      let scored = try ranked(candidates, queries, docs, depth, run)
      evaluated = try evaluate((scored, qrels))
    }
    var values: [Double] = []
    for name in names {
      if name == "loss" {
        values.append(try loss(run))
      } else {
        values.append(evaluated.removeFirst())
      }
    }
    return values
  }

  private func evaluate(_ scored: (run: Run, qrels: Qrels)) throws(Failure) -> [Double] {
    let evaluation = try Evaluator(qrels: scored.qrels, measures: measures, pool: pool)
      .evaluate(scored.run)
    return measures.indices.map { evaluation.aggregate($0) }
  }

  /// The mean loss of all tuples.
  private func loss(_ run: TrainingRun) throws(Failure) -> Double {
    guard let source = lossTuples else { return .nan }
    let batches = TrainingRun.batches(
      source, batchSize, shuffleSeed: nil, areDistinct: configuration.data.noDuplicates)
    var sum = 0.0
    var start = 0
    for index in 0..<batches.count(0) {
      var tuples: [TrainingTuple] = []
      for index in batches.batch(index, epoch: 0) {
        tuples.append(try source.tuple(index, epoch: 0))
      }
      var random = CounterRandom(seed: run.configuration.seed, stream: UInt64(start))
      let loss = run.trained.loss(
        try run.tuples.batch(tuples), run.currentTerms, on: run.tape, &random)
      guard loss.total.isFinite else {
        throw Failure(
          .refused, at: "\(configuration.name): \(tuples[0].place)",
          "the loss of the batch that begins here is \(loss.total.isNaN ? "nan" : "\(loss.total)")"
        )
      }
      sum += loss.total * Double(tuples.count)
      start += tuples.count
    }
    return sum / Double(source.count)
  }

  private func ranked(
    _ candidates: Run, _ queries: TextStore?, _ docs: TextStore?, _ depth: Int,
    _ run: TrainingRun
  ) throws(Failure) -> Run {
    var builder = RunBuilder(name: candidates.name)
    for query in 0..<candidates.queries.count {
      let id = candidates.queries[query]
      let place = "\(candidates.name): query \(id)"
      var text = candidates.queryText(query).map { Array($0.utf8) }
      if text == nil { text = try queries?.text(id, for: place) }
      let entries = Array(candidates.entries(of: query).prefix(depth))
      let size = min(entries.count, Self.documentsAtOnce(run.trained.model.description))
      for start in stride(from: 0, to: entries.count, by: max(size, 1)) {
        var tuple = TrainingTuple(queryID: id, query: text ?? [], documents: [], place: place)
        for entry in entries[start..<min(start + size, entries.count)] {
          var doc = candidates.docText(entry).map { Array($0.utf8) }
          if doc == nil { doc = try docs?.text(candidates.doc(entry), for: place) }
          tuple.documents.append(.init(id: candidates.doc(entry), text: doc ?? [], target: 0))
        }
        try add(tuple, id, tuple.documents.compactMap(\.id), run, to: &builder)
      }
    }
    return try builder.finish(texts: nil, relevance: nil, pool: pool)
  }

  private func ranked(
    _ source: any TupleSource, _ run: TrainingRun
  ) throws(Failure) -> (run: Run, qrels: Qrels) {
    var builder = RunBuilder(name: configuration.name)
    var grades = QrelsBuilder(name: configuration.name)
    for index in 0..<source.count {
      let tuple = try source.tuple(index, epoch: 0)
      let query = RecordID("\(index + 1)")
      let ids = tuple.documents.indices.map { RecordID("\($0 + 1)") }
      try add(tuple, query, ids, run, to: &builder)
      for (id, document) in zip(ids, tuple.documents) {
        query.bytes.withUnsafeBytes { query in
          id.bytes.withUnsafeBytes { doc in
            grades.add(
              query: query, doc: doc, grade: Int(document.target), file: configuration.name,
              line: index + 1)
          }
        }
      }
    }
    return (
      try builder.finish(texts: nil, relevance: nil, pool: pool), try grades.finish()
    )
  }

  /// Scores a query's documents.
  private func add(
    _ tuple: TrainingTuple, _ query: RecordID, _ ids: [RecordID], _ run: TrainingRun,
    to builder: inout RunBuilder
  ) throws(Failure) {
    var random = CounterRandom(seed: 0)
    let scores = run.trained.loss(
      try run.tuples.batch([tuple]), [], on: run.tape, &random
    ).scores.values
    for (id, score) in zip(ids, scores) {
      guard score.isFinite else {
        throw Failure(
          .refused, at: tuple.place,
          "the score of document \(id) is \(score.isNaN ? "nan" : "\(score)")")
      }
      builder.add(query: query, doc: id, score: score)
    }
  }
}
