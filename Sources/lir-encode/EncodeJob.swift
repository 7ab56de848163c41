import Encoding
import Failures
import Kernels
import ModelSupport
import Models
import Records
import Streams
import Tensors
import ToolSupport

/// One run of `lir-encode`: opens what the options name, loops over windows, closes.
struct EncodeJob {
  private let options: Encode
  private let context: ToolContext
  private let embedder: TextEmbedder
  private let role: Role
  private let kernels: Kernels
  private let operands: [String]
  private let tokenizerDigest: String
  private let name: OutputByKind
  /// The model, and those of its folder's other heads where each has an output.
  private let models: [(model: Model, digest: String)]
  private let inputs: [(String, String)]

  init(
    _ options: Encode, _ context: ToolContext, _ loaded: LoadedModel, modelDigest: String,
    _ calibration: Calibration?
  ) throws(Failure) {
    self.options = options
    self.context = context
    name = OutputByKind(options.output.output)
    guard let role = options.role?.role else {
      throw .usage("--role is missing", hint: "say --role query or --role doc")
    }
    self.role = role
    if loaded.description.isCrossEncoder {
      throw .config(
        loaded.description.folder.path, "a cross-encoder gives no embeddings",
        hint: "lir-rerank scores pairs with it")
    }
    try BatchTokens.check(options.batchTokens)
    try RecordLimit.check(options.shards.limit)
    if options.format == .tensor { try options.output.refuseTerminal() }
    operands = try Operands.resolve(options.inputs)
    if name.isPattern, options.resumption.resume {
      throw .usage("--resume continues one output, not one for each {kind}")
    }
    try options.resumption.check(inputs: operands, output: options.output)
    if options.resumption.resume { StopRequest.install() }
    inputs = (calibration?.inputs ?? []) + (try InputDigest.of(operands))
    kernels = try options.modelOptions.instructions.kernels()
    tokenizerDigest = try TokenizerDigest.of(loaded.tokenizer)
    let others = try name.companions(of: loaded.model)
    let digests = try others.map { other throws(Failure) in
      try options.digest(as: other.description.folder.modelType)
    }
    models = [(loaded.model, modelDigest)] + zip(others, digests).map { ($0, $1) }
    embedder = try TextEmbedder(
      loaded, also: others, role, context.pool, kernels, batchTokens: options.batchTokens,
      maxLength: options.maxLength, prompt: options.prompt,
      watch: context.progress.watch)
  }

  private var records: RecordOptions { options.records.records(limit: options.shards.limit) }

  func run() throws(Failure) {
    let input = try TextsOrStream(operands, options: records)
    if case .stream = input, options.maxLength != nil || options.prompt != nil {
      throw .usage("--max-length and --prompt are for texts, the input is a token stream")
    }
    switch input {
    case .texts(let reader):
      let (resume, isDone) = try earlier(nil)
      if !isDone { try encode(reader, resume) }
    case .stream(let reader):
      let first = try reader.next()
      if let first { try embedder.check(first, tokenizer: tokenizerDigest, operands[0]) }
      let (resume, isDone) = try earlier(first?.description)
      if !isDone { try encode(reader, first, resume) }
    }
  }

  /// What an earlier run has left to go on with, and whether nothing is left to do.
  private func earlier(
    _ source: StreamDescription?
  ) throws(Failure) -> (resume: StreamResume?, isDone: Bool) {
    guard options.resumption.resume else { return (nil, false) }
    let names = InputDigest.names(operands)
    let finished = FinishedOutput(
      options.output, shard: options.shards.shard, context.diagnostics)
    let (model, digest) = models[0]
    let provenance = provenance(digest, earlier: source?.by)
    var ids: (() throws(Failure) -> String)?
    if source != nil { ids = idsOfStream }
    guard options.format == .tensor else {
      let by = options.format == .jsonl ? provenance.json : nil
      return (nil, try finished.isThere(text: by, calling: names, ids: ids))
    }
    let expected = try description(model, digest, provenance, source)
    if try finished.isThere(stream: expected, calling: names, ids: ids) { return (nil, true) }
    let resume = try StreamResume(
      of: options.output.output,
      work: self.provenance(digest, earlier: nil).work(
        shard: options.shards.shard, options.output, calling: names))
    return (resume, try resume.finishIfComplete())
  }

  // MARK: Inputs

  private func encode(_ reader: TextRecordReader, _ resume: StreamResume?) throws(Failure) {
    var output = EncodeOutput { () throws(Failure) in try makeSinks(nil, resume) }
    if let shard = try options.shards.restrict(reader, operands: operands, options: records) {
      context.progress.expect(shard.count)
    }
    var skipper = RecordSkipper(resume?.done ?? 0)
    var repeated = RepeatedIDs()
    let eager = operands == ["-"]
    while var batch = try reader.next(eager: eager) {
      repeated.note(batch, warn: context.diagnostics.warning)
      // A record that the tokenizer refuses was not written either: that must be known first.
      if !batch.skips { skipper.skip(in: &batch) }
      var records = try embedder.tokens(of: &batch)
      if batch.skips { records.drop(&skipper) }
      if let failure = batch.firstSkipped { context.diagnostics.warning("\(failure), skipped") }
      context.progress.reading(reader.extent)
      try encode(records, into: &output)
      if eager { try output.flush() }
    }
    try output.finish()
    if let summary = repeated.summary { context.diagnostics.warning(summary) }
  }

  private func encode(
    _ reader: TensorStreamReader, _ first: TensorSegment?, _ resume: StreamResume?
  ) throws(Failure) {
    var selection = SegmentSelection(
      try options.shards.records(ofStream: operands[0]), skipping: resume?.done ?? 0)
    var next = first
    let source = next?.description
    var output = EncodeOutput { () throws(Failure) in try makeSinks(source, resume) }
    var repeated = RepeatedIDs()
    while let segment = next {
      let records = selection.next(segment.records)
      context.progress.reading(reader.extent)
      if !records.isEmpty {
        let tokens = TokenizedRecords(segment, records: records)
        repeated.note(tokens.ids, at: operands[0], warn: context.diagnostics.warning)
        try encode(tokens, into: &output)
      }
      next = try reader.next()
    }
    try output.finish()
    if let summary = repeated.summary { context.diagnostics.warning(summary) }
  }

  private func idsOfStream() throws(Failure) -> String {
    try FinishedStream.idsDigest(of: operands, options.shards.records(ofStream: operands[0]))
  }

  private func encode(
    _ records: TokenizedRecords, into output: inout EncodeOutput
  ) throws(Failure) {
    try output.append(ids: records.ids, try embedder.embedByAll(records))
    context.count(
      records: records.ids.count, skipped: records.skipped, truncated: records.tokens.truncated)
    // What is done is kept first.
    try StopRequest.check { () throws(Failure) in try output.flush() }
  }

  // MARK: Output

  private func provenance(_ digest: String, earlier: String?) -> Provenance {
    Provenance(
      tool: Encode.tool, settings: context.settings,
      // A token stream itself says what made it; its bytes differ between a shard and the whole.
      inputs: [("model", digest)]
        + inputs.filter { earlier == nil || $0.0 == Calibration.inputName },
      instructionSet: instructionSet, earlier: earlier)
  }

  private var instructionSet: String? { options.computation.recordedInstructionSet(kernels) }

  /// Opens the outputs.
  ///
  /// - Parameters:
  ///   - source: What a token stream says of its texts; nil where the texts were read.
  ///   - resume: What an earlier run has left; nil where there is nothing to go on with.
  /// - Returns: What the embeddings of each model are written to.
  /// - Throws: 64 for a form that the model's embeddings cannot have; 73 where it cannot be created.
  private func makeSinks(
    _ source: StreamDescription?, _ resume: StreamResume?
  ) throws(Failure) -> [any EmbeddingSink] {
    try models.map { model, digest throws(Failure) in try makeSink(model, digest, source, resume) }
  }

  private func makeSink(
    _ model: Model, _ digest: String, _ source: StreamDescription?, _ resume: StreamResume?
  ) throws(Failure) -> any EmbeddingSink {
    let output = EmbeddingOutput(model)
    let form = EmbeddingForm(
      dtype: options.dtype.elementType, dims: options.dims, topTerms: options.topTerms)
    let shaper = try EmbeddingShaper(output, name.form(form, of: output.kind), kernels)
    let provenance = provenance(digest, earlier: source?.by)
    let path = name.name(of: output.kind)
    switch options.format {
    case .npy: return try NPYSink(path, shaper)
    case .jsonl:
      let writer = try ByteWriter(
        path, compression: try options.output.compression(), checksumText: true)
      return EmbeddingLineSink(
        writer, shaper, embedder.tokenizer.tokenizer,
        provenance: options.output.noProvenance ? nil : provenance.json,
        shard: try options.shards.recorded(in: options.output))
    case .tensor:
      let compression = try options.output.compression()
      let writer: ByteWriter
      if let resume {
        writer = try resume.writer(compression)
      } else {
        writer = try ByteWriter(path, compression: compression)
      }
      return EmbeddingStreamSink(
        writer, shaper, try description(model, digest, provenance, source), after: resume?.finished)
    }
  }

  private func description(
    _ model: Model, _ digest: String, _ provenance: Provenance, _ source: StreamDescription?
  ) throws(Failure) -> StreamDescription {
    var description = StreamDescription(role: role)
    description.model = digest
    description.tokenizer = tokenizerDigest
    description.similarity = model.description.similarity.rawValue
    description.aggregation = model.description.head.interaction?.aggregations.recorded
    description.precision = model.precisions.recorded
    description.isa = instructionSet
    let length = try RoleSetup.maximumLength(model.description, role, options.maxLength)
    description.maxLength = source?.maxLength ?? length
    description.prompt = source?.prompt ?? embedder.tokenizer.settings.prompt
    if !options.output.noProvenance {
      description.by = provenance.json
      description.shard = try options.shards.recorded(in: options.output) ?? source?.shard
    }
    return description
  }
}
