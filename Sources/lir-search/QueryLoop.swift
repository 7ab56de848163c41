import Encoding
import Failures
import Kernels
import Records
import Retrieval
import Streams
import Tensors
import ToolSupport
import Vectors

/// Searches all queries of an input, block by block.
struct QueryLoop {
  private let options: LirSearch
  private let context: ToolContext
  private let sides: QuerySides
  private let collections: [SearchedIndexes.Collection]
  private let kernels: Kernels
  private let claims: VectorClaims
  private let texts: SearchTexts
  private(set) var search: any QuerySink
  private(set) var latencies = Latencies()

  init(
    _ options: LirSearch, _ context: ToolContext, _ sides: QuerySides,
    _ collections: [SearchedIndexes.Collection], _ claims: VectorClaims, _ texts: SearchTexts,
    _ search: any QuerySink
  ) {
    self.options = options
    self.context = context
    self.sides = sides
    self.collections = collections
    kernels = texts.kernels
    self.claims = claims
    self.texts = texts
    self.search = search
  }

  /// Searches all queries; `first` is the first segment of those that are a stream.
  mutating func run(
    _ input: QueryInput, _ first: TensorSegment?, _ output: RunOutput?
  ) throws(Failure) {
    switch input {
    case .typed(let queries):
      let embedder = try texts.embedder(operands[0])
      texts.nameTerms(of: embedder, in: &search)
      try answer(
        queries.indices.map { Array("\($0 + 1)".utf8) }, queries, embedder,
        since: ContinuousClock.now)
    case .texts(let reader): try runTexts(reader, output)
    case .stream(let reader):
      if options.explain, options.modelOptions.model != nil {
        texts.nameTerms(of: try texts.embedder(operands[0]), in: &search)
      } else {
        try texts.nameTerms(of: claims, in: &search)
      }
      try runVectors(reader, first, output)
    case .beside(let operand): try runBeside(operand)
    }
    try search.finish(allQueries: options.shards.shard == nil && options.shards.limit == nil)
  }

  private var operands: [String] { sides.texts }

  private mutating func runTexts(
    _ reader: TextRecordReader, _ output: RunOutput?
  ) throws(Failure) {
    let embedder: TextEmbedder?
    do throws(Failure) {
      embedder = try texts.embedder(operands[0])
    } catch {
      // Not one query needs no model.
      guard EmptyInputs.areAllowed, options.modelOptions.model == nil, try reader.nextBlock() == nil
      else { throw error }
      return
    }
    texts.nameTerms(of: embedder, in: &search)
    try options.shards.restrict(
      reader, operands: operands, options: options.records.records(limit: options.shards.limit))
    let eager = operands == ["-"]
    while var batch = try reader.next(eager: eager) {
      let started = ContinuousClock.now
      let window = try embedder?.tokens(of: &batch)
      if let failure = batch.firstSkipped { context.diagnostics.warning("\(failure), skipped") }
      context.progress.reading(reader.extent)
      let ids = (0..<batch.count).map { batch.id($0).bytes }
      let texts = (0..<batch.count).map { index in batch.withText(index) { Array($0) } }
      if let embedder, let window {
        context.count(truncated: window.tokens.truncated)
        try answer(ids, try embedder.embed(window), since: started, texts: texts)
      } else {
        try answer(ids, .texts(texts), since: started, texts: texts)
      }
      context.count(skipped: batch.skipped)
      if eager { try output?.flush() }
    }
  }

  private mutating func runVectors(
    _ reader: any SegmentReader, _ first: TensorSegment?, _ output: RunOutput?
  ) throws(Failure) {
    let eager = operands == ["-"]
    var wanted = RecordLimit.range(options.shards.limit)
    if let selection = try options.shards.selection() {
      let inputs = VectorInputs(operands, claims, as: .query)
      let count = try inputs.countRecords(0)
      wanted = selection.range(of: min(count, wanted.upperBound))
    }
    var ordinal = 0
    var next = first
    while let segment = next {
      context.progress.reading(reader.extent)
      let started = ContinuousClock.now
      let range = (ordinal..<ordinal + segment.records).clamped(to: wanted)
      let members = range.map { $0 - ordinal }
      if !members.isEmpty {
        try answer(
          members.map { segment.id($0) },
          try Embeddings(segment, members, operands[0], kernels), since: started)
      }
      ordinal += segment.records
      if eager {
        try output?.flush()
        if ordinal >= wanted.upperBound { break }
      }
      next = try reader.next()
    }
  }

  /// Searches queries that come from streams alone, one for each collection.
  private mutating func runBeside(_ operand: String) throws(Failure) {
    let streams = sides.streams.compactMap { $0 }
    var wanted = RecordLimit.range(options.shards.limit)
    if let selection = try options.shards.selection() {
      let count = try TensorStreamReader.countRecords(operand)
      wanted = selection.range(of: min(count, wanted.upperBound))
    }
    var ordinal = 0
    while let ids = try streams.first?.nextIDs(), !ids.isEmpty {
      let started = ContinuousClock.now
      let members = (ordinal..<ordinal + ids.count).clamped(to: wanted).map { $0 - ordinal }
      let queries = try streams.map { stream throws(Failure) in
        (try stream.take(ids) ?? .texts([])).selecting(members)
      }
      if !members.isEmpty { try answer(members.map { ids[$0] }, queries, since: started) }
      ordinal += ids.count
    }
    for stream in streams { try stream.checkEnd() }
  }

  /// Searches a block of queries that are text.
  private mutating func answer(
    _ ids: [[UInt8]], _ texts: [[UInt8]], _ embedder: TextEmbedder?,
    since started: ContinuousClock.Instant
  ) throws(Failure) {
    guard let embedder else {
      return try answer(ids, .texts(texts), since: started, texts: texts)
    }
    let (embeddings, truncated) = try embedder.embed(texts)
    context.count(truncated: truncated)
    try answer(ids, embeddings, since: started, texts: texts)
  }

  /// Searches a block of queries that was begun at `started`, and counts them.
  private mutating func answer(
    _ ids: [[UInt8]], _ queries: Embeddings,
    since started: ContinuousClock.Instant, texts: [[UInt8]] = []
  ) throws(Failure) {
    try answer(
      ids, try sides.queries(ids, queries, texts: texts, collections), since: started,
      texts: texts)
  }

  private mutating func answer(
    _ ids: [[UInt8]], _ queries: [Embeddings],
    since started: ContinuousClock.Instant, texts: [[UInt8]] = []
  ) throws(Failure) {
    let queries = zip(collections, queries).map { $0.cut?.queries($1) ?? $1 }
    let count = try search.search(
      ids: ids, queries, texts: options.wantsJSON ? texts : [])
    context.count(records: count)
    if count > 0 {
      latencies.add((ContinuousClock.now - started) / .seconds(1), queries: ids.count)
    }
  }
}
