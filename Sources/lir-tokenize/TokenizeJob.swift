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
  private let tokenizer: Tokenizer
  private let digest: String?
  private let work: Work

  /// What becomes of a record.
  fileprivate enum Work {
    /// The tokenizer alone.
    case plain(maxLength: Int?)
    case role(RoleTokenizer)
    case pairs(PairTokenizer)
  }

  init(
    _ options: LirTokenize, _ context: ToolContext, _ operands: [String]
  ) throws(Failure) {
    self.options = options
    self.context = context
    self.operands = operands
    try options.resumption.check(inputs: operands, output: options.output)
    if options.resumption.resume { StopRequest.install() }
    if options.format == .tensor, !options.stats { try options.output.refuseTerminal() }
    guard let path = options.modelOptions.model else { throw .usage("--model is missing") }
    if let maxLength = options.maxLength, maxLength < 1 {
      throw .usage("--max-length: expected at least 1, found \(maxLength)")
    }
    if options.pairs {
      guard options.role == nil, options.prompt == nil, options.window == nil else {
        throw .usage("--pairs goes without --role, --prompt and --window")
      }
    }
    var isAlone = options.role == nil
    if options.pairs { isAlone = try ModelFolder.holdsTokenizerAlone(path) }
    if isAlone {
      if options.prompt != nil { throw .usage("--prompt needs --role") }
      tokenizer = try Tokenizer.load(folder: ModelFolder.modelPath(of: path))
      digest = nil
      work =
        options.pairs
        ? .pairs(PairTokenizer(tokenizer, maximumTokens: options.maxLength ?? .max))
        : .plain(maxLength: options.maxLength)
      return
    }
    let folder = try options.modelOptions.folder(for: options.role?.role ?? .pair)
    var description = try ModelDescription(recognizing: folder)
    tokenizer = try Tokenizer.load(folder: folder.modelPath)
    digest = try options.modelOptions.digest()
    if let role = options.role?.role {
      work = .role(
        try RoleSetup.tokenizer(
          tokenizer, description, role, maxLength: options.maxLength, prompt: options.prompt))
    } else {
      guard description.isCrossEncoder else {
        throw .config(
          path, "expected a cross-encoder for --pairs, found \(description.architecture.name)")
      }
      if let maxLength = options.maxLength {
        description.roles[.pair]?.maximumLength = maxLength
      }
      work = .pairs(
        try PairTokenizer(
          tokenizer, description, maximumTokens: description.longestText ?? .max))
    }
  }

  func run() throws(Failure) {
    let records = options.records.records(options.pairs ? .pairs : .texts)
    let reader = try TextRecordReader(operands, options: records)
    if let range = try options.shards.restrict(reader, operands: operands, options: records) {
      context.progress.expect(range.count)
    }
    let provenance = try provenance()
    let resume = try options.resumption.resume ? openPartial(provenance) : nil
    if try resume?.finishIfComplete() == true { return }
    var skipper = PassageSkipper(resume?.done ?? 0)
    var sink = try makeSink(provenance, resume)
    let windows = try WindowCutter(parsing: options.window, tokenizer, work.roleTokenizer)
    let windowTokenizer = WindowTokenizer(context.pool)
    let eager = operands == ["-"]
    while let batch = try reader.next(eager: eager) {
      if let failure = batch.firstSkipped { context.diagnostics.warning("\(failure), skipped") }
      var ids = (0..<batch.count).map { batch.id($0).bytes }
      var tokens = try tokenize(batch, windowTokenizer, uncut: windows != nil)
      context.count(
        records: batch.count, skipped: batch.skipped, truncated: tokens.truncated)
      if let windows { (ids, tokens) = windows.cut(ids, tokens) }
      skipper.skip(&ids, &tokens)
      try sink.append(ids: ids, tokens)
      if eager { try sink.flush() }
      try StopRequest.check { () throws(Failure) in try sink.flush() }
    }
    try sink.finish()
  }

  private func tokenize(
    _ batch: RecordBatch, _ windowTokenizer: WindowTokenizer, uncut: Bool
  ) throws(Failure) -> TokenWindow {
    let (work, tokenizer) = (work, tokenizer)
    return try windowTokenizer.tokenize(batch.count) { index, buffer, scratch throws(Failure) in
      switch work {
      case .plain(let maxLength):
        return try batch.withText(index) { text throws(Failure) in
          let counts = try tokenizer.encode(
            text, addSpecialTokens: !uncut, maxLength: uncut ? nil : maxLength, into: &buffer,
            scratch: &scratch)
          return TokenCounts(removed: counts.removed)
        }
      case .role(let role):
        return try batch.withText(index) { text throws(Failure) in
          uncut
            ? try role.appendUncut(text, to: &buffer, &scratch)
            : try role.append(text, to: &buffer, &scratch)
        }
      case .pairs(let pairs):
        return try batch.withPair(index) { query, document throws(Failure) in
          let prepared = try pairs.prepared(query: query, &scratch)
          return try pairs.append(query: prepared.text, document: document, to: &buffer, &scratch)
        }
      }
    }
  }

  private func openPartial(_ provenance: Provenance) throws(Failure) -> StreamResume {
    guard options.format == .tensor, !options.stats else {
      throw .usage("--resume continues token streams, not other forms of output")
    }
    return try StreamResume(
      options.output, provenance: provenance, shard: options.shards.shard)
  }

  private func makeSink(
    _ provenance: Provenance, _ resume: StreamResume?
  ) throws(Failure) -> any TokenSink {
    if options.stats { return TokenStatistics(options.output.output, tokenizer) }
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
    case .jsonl: return JSONLTokenSink(writer, tokenizer, asTokens: false, provenance: by)
    case .tokens: return JSONLTokenSink(writer, tokenizer, asTokens: true, provenance: by)
    case .tensor:
      var description = StreamDescription(role: options.pairs ? .pair : options.role?.role ?? .doc)
      description.tokenizer = try TokenizerDigest.of(tokenizer)
      description.model = digest
      if let role = work.roleTokenizer {
        description.maxLength = role.maximumLength ?? Int(Int32.max)
        description.prompt = role.settings.prompt
      }
      description.by = by
      if !options.output.noProvenance {
        description.shard = try options.shards.selection()?.description
      }
      return TensorTokenSink(writer, description, after: resume?.finished)
    }
  }

  private func provenance() throws(Failure) -> Provenance {
    let inputs = try [("tokenizer", TokenizerDigest.of(tokenizer))] + InputDigest.of(operands)
    return Provenance(tool: "lir-tokenize", settings: context.settings, inputs: inputs)
  }
}

extension TokenizeJob.Work {
  fileprivate var roleTokenizer: RoleTokenizer? {
    if case .role(let role) = self { role } else { nil }
  }
}
