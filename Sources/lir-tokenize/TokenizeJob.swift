import Encoding
import Failures
import ModelSupport
import Models
import Records
import Streams
import Tensors
import Tokenizers
import ToolSupport

/// One run of `lir-tokenize`: opens what the options name, loops over blocks of records, closes.
struct TokenizeJob {
  private let options: LirTokenize
  private let context: ToolContext
  private let operands: [String]
  /// Digest of the model that the tokens are for; nil where there is none.
  private let digest: String?
  private let tokenizer: Tokenizer
  private let recordTokenizer: RecordTokenizer

  init(
    _ options: LirTokenize, _ context: ToolContext, _ operands: [String]
  ) throws(Failure) {
    self.options = options
    self.context = context
    self.operands = operands
    try RecordLimit.check(options.shards.limit)
    try options.resumption.check(inputs: operands, output: options.output)
    if options.resumption.resume { StopRequest.install() }
    if options.format == .tensor, !options.stats { try options.output.refuseTerminal() }
    guard let path = options.modelOptions.model else { throw .usage("--model is missing") }
    if let maxLength = options.maxLength, maxLength < 1 {
      throw .usage("--max-length: expected at least 1, found \(maxLength)")
    }
    if options.pairs {
      guard options.role == nil, options.prompt == nil, options.window == nil,
        options.records.fields == nil, options.records.idField == nil
      else {
        throw .usage("--pairs goes without --role, --prompt, --window, --fields and --id-field")
      }
    }
    var isAlone = options.role == nil
    if options.pairs { isAlone = try ModelFolder.holdsTokenizerAlone(path) }
    if isAlone {
      if options.prompt != nil { throw .usage("--prompt needs --role") }
      try FetchedModel.find(path)?.verifyTokenizer()
      tokenizer = try Tokenizer.load(folder: ModelFolder.modelPath(of: path))
      digest = nil
      recordTokenizer =
        options.pairs
        ? .pairs(PairTokenizer(tokenizer, maximumTokens: options.maxLength ?? .max))
        : .plain(tokenizer, maximumLength: options.maxLength)
      return
    }
    let folder = try options.modelOptions.folder(for: options.role?.role ?? .pair)
    let description = try ModelDescription(recognizing: folder)
    tokenizer = try Tokenizer.load(folder: folder.modelPath)
    digest = try options.modelOptions.digest(
      for: options.role?.role ?? .doc, prompt: options.prompt)
    if let role = options.role?.role {
      recordTokenizer = .role(
        try RoleSetup.tokenizer(
          tokenizer, description, role, maxLength: options.maxLength, prompt: options.prompt))
    } else {
      guard description.isCrossEncoder else {
        throw .config(
          path, "expected a cross-encoder for --pairs, found \(description.head.modelType)")
      }
      recordTokenizer = .pairs(
        try PairTokenizer(
          tokenizer, description, maximumTokens: description.longestText ?? .max,
          maxLength: options.maxLength))
    }
  }

  func run() throws(Failure) {
    let records = options.records.records(
      options.pairs ? .pairs : .texts, limit: options.shards.limit)
    let reader = try TextRecordReader(operands, options: records)
    if let range = try options.shards.restrict(reader, operands: operands, options: records) {
      context.progress.expect(range.count)
    }
    let provenance = try provenance()
    let (resume, isDone) = try earlier(provenance)
    if isDone { return }
    var skipper = PassageSkipper(resume?.done ?? 0)
    var sink = try makeSink(provenance, resume)
    let cutter = try options.window.map { window throws(Failure) in
      try PassageCutter(parsing: window, tokenizer, recordTokenizer.role)
    }
    let threads = WindowTokenizer(context.pool)
    let eager = operands == ["-"]
    var repeated = RepeatedIDs()
    while var batch = try reader.next(eager: eager) {
      var tokens = try recordTokenizer.tokens(of: &batch, threads, uncut: cutter != nil)
      if let failure = batch.firstSkipped { context.diagnostics.warning("\(failure), skipped") }
      // Statistics count them themselves.
      if !options.stats { repeated.note(batch, warn: context.diagnostics.warning) }
      context.progress.reading(reader.extent)
      var ids = (0..<batch.count).map { batch.id($0).bytes }
      context.count(
        records: batch.count, skipped: batch.skipped, truncated: tokens.truncated)
      if let cutter { (ids, tokens) = cutter.cut(ids, tokens) }
      skipper.skip(&ids, &tokens)
      try sink.append(ids: ids, tokens)
      if eager { try sink.flush() }
      try StopRequest.check { () throws(Failure) in try sink.flush() }
    }
    try sink.finish()
    if let summary = repeated.summary { context.diagnostics.warning(summary) }
  }

  /// What an earlier run has left to go on with, and whether nothing is left to do.
  private func earlier(
    _ provenance: Provenance
  ) throws(Failure) -> (resume: StreamResume?, isDone: Bool) {
    guard options.resumption.resume else { return (nil, false) }
    let names = InputDigest.names(operands)
    let finished = FinishedOutput(
      options.output, shard: options.shards.shard, context.diagnostics)
    guard options.format == .tensor, !options.stats else {
      let by = options.stats ? nil : provenance.json
      return (nil, try finished.isThere(text: by, calling: names))
    }
    if try finished.isThere(stream: description(provenance), calling: names) { return (nil, true) }
    let resume = try StreamResume(
      of: options.output.output,
      work: provenance.work(shard: options.shards.shard, options.output, calling: names))
    return (resume, try resume.finishIfComplete())
  }

  private func makeSink(
    _ provenance: Provenance, _ resume: StreamResume?
  ) throws(Failure) -> any TokenSink {
    if options.stats {
      return TokenStatistics(options.output.output, unknownID: tokenizer.unkID)
    }
    let compression = try options.output.compression()
    let by = options.output.noProvenance ? nil : provenance.json
    let writer: ByteWriter
    if let resume {
      writer = try resume.writer(compression)
    } else {
      writer = try ByteWriter(
        options.output.output, compression: compression, checksumText: options.format != .tensor)
    }
    switch options.format {
    case .jsonl, .tokens:
      return TokenLineSink(
        writer, options.format == .jsonl ? .json : .texts(tokenizer), provenance: by,
        shard: try options.shards.recorded(in: options.output))
    case .tensor:
      return TokenStreamSink(writer, try description(provenance), after: resume?.finished)
    }
  }

  /// What a token stream says of its records.
  private func description(_ provenance: Provenance) throws(Failure) -> StreamDescription {
    var description = StreamDescription(role: options.pairs ? .pair : options.role?.role ?? .doc)
    description.tokenizer = try TokenizerDigest.of(tokenizer)
    description.model = digest
    if let role = recordTokenizer.role {
      description.maxLength = role.maximumLength ?? Int(Int32.max)
      description.prompt = role.settings.prompt
    }
    if !options.output.noProvenance {
      description.by = provenance.json
      description.shard = try options.shards.selection()?.description
    }
    return description
  }

  private func provenance() throws(Failure) -> Provenance {
    var inputs = try [("tokenizer", TokenizerDigest.of(tokenizer))] + InputDigest.of(operands)
    // A stream has a place of its own for the model that decides markers and limits of its tokens.
    if options.format != .tensor, let digest { inputs.insert(("model", digest), at: 0) }
    return Provenance(tool: LirTokenize.name, settings: context.settings, inputs: inputs)
  }
}
