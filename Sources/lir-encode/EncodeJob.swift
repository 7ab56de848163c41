import Encoding
import Failures
import Kernels
import ModelSupport
import Models
import Records
import Streams
import Tensors
import Tokenizers
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
  private let modelDigest: String
  private let inputs: [(String, String)]

  init(
    _ options: Encode, _ context: ToolContext, _ loaded: LoadedModel, modelDigest: String,
    _ calibration: Calibration?
  ) throws(Failure) {
    self.options = options
    self.context = context
    self.modelDigest = modelDigest
    guard let role = options.role?.role else {
      throw .usage("--role is missing", hint: "say --role query or --role doc")
    }
    self.role = role
    if loaded.description.isCrossEncoder {
      throw .config(
        loaded.description.folder.path, "a cross-encoder gives no embeddings",
        hint: "lir-rerank scores pairs with it")
    }
    guard options.batchTokens >= 1 else { throw .usage("--batch-tokens: expected at least 1") }
    if options.format == .tensor { try options.output.refuseTerminal() }
    operands = try Operands.resolve(options.inputs)
    try options.resumption.check(inputs: operands, output: options.output)
    if options.resumption.resume { StopRequest.install() }
    inputs = (calibration?.inputs ?? []) + (try InputDigest.of(operands))
    kernels = try options.modelOptions.instructions.kernels()
    tokenizerDigest = try TokenizerDigest.of(loaded.tokenizer)
    embedder = try TextEmbedder(
      loaded, role, context.pool, kernels, batchTokens: options.batchTokens,
      maxLength: options.maxLength, prompt: options.prompt)
  }

  private var model: Model { embedder.model }

  func run() throws(Failure) {
    let input = try EncodeInput(operands, options: options.records.records())
    if case .stream = input, options.maxLength != nil || options.prompt != nil {
      throw .usage("--max-length and --prompt are for texts, the input is a token stream")
    }
    var provenance = self.provenance(earlier: nil)
    let resume = try options.resumption.resume ? openPartial(provenance) : nil
    if try resume?.finishIfComplete() == true { return }
    let done = resume?.done ?? 0
    var sink: (any EmbeddingSink)?
    // What a token stream says of its texts.
    var source: StreamDescription?
    func consume(_ window: InputWindow) throws(Failure) {
      let embeddings = try embedder.embed(window)
      if sink == nil { sink = try makeSink(provenance, resume, source) }
      try sink?.append(ids: window.ids, embeddings)
      context.count(
        records: window.ids.count, skipped: window.skipped, truncated: window.tokens.truncated)
      try StopRequest.check { () throws(Failure) in try sink?.flush() }
    }
    switch input {
    case .texts(let reader):
      if let shard = try options.shards.restrict(
        reader, operands: operands, options: options.records.records())
      {
        context.progress.expect(shard.count)
      }
      var skipper = RecordSkipper(done)
      let eager = operands == ["-"]
      while var batch = try reader.next(eager: eager) {
        skipper.skip(in: &batch)
        if let failure = batch.firstSkipped { context.diagnostics.warning("\(failure), skipped") }
        try consume(try embedder.window(batch))
        if eager { try sink?.flush() }
      }
    case .stream(let reader):
      try consumeTokens(reader, skipping: done) { segment in
        source = segment.description
        provenance = self.provenance(earlier: segment.description.by)
      } consume: { window throws(Failure) in
        try consume(window)
      }
    }
    if sink == nil { sink = try makeSink(provenance, resume, source) }
    try sink?.finish()
  }

  // MARK: Shards and resuming

  /// Runs the records of a token stream from `done` on, or a shard's.
  private func consumeTokens(
    _ reader: TensorStreamReader, skipping done: Int, begin: (TensorSegment) -> Void,
    consume: (InputWindow) throws(Failure) -> Void
  ) throws(Failure) {
    var wanted = 0..<Int.max
    if let selection = try options.shards.selection() {
      wanted = selection.range(of: try TensorStreamReader.countRecords(operands[0]))
    }
    let start = wanted.lowerBound + done
    wanted = start..<max(start, wanted.upperBound)
    var ordinal = 0
    while let segment = try reader.next() {
      if ordinal == 0 {
        try check(segment)
        begin(segment)
      }
      let range = (ordinal..<ordinal + segment.records).clamped(to: wanted)
      if !range.isEmpty {
        try consume(
          InputWindow(
            segment, records: range.lowerBound - ordinal..<range.upperBound - ordinal))
      }
      ordinal += segment.records
    }
  }

  private func provenance(earlier: String?) -> Provenance {
    Provenance(
      tool: "lir-encode", settings: context.settings,
      // A token stream itself says what made it; its bytes differ between a shard and the whole.
      inputs: [("model", modelDigest)]
        + inputs.filter { earlier == nil || $0.0 == Calibration.inputName },
      instructionSet: instructionSet, earlier: earlier)
  }

  private var instructionSet: String? { options.computation.recordedInstructionSet(kernels) }

  private func check(_ segment: TensorSegment) throws(Failure) {
    guard segment.schema.kind == .tokens else {
      throw .config(
        operands[0], "expected a token stream, found kind \(segment.schema.kind.rawValue)")
    }
    guard segment.description.role == role else {
      throw .config(
        operands[0],
        "the tokens are of role \(segment.description.role.rawValue), "
          + "--role says \(role.rawValue)")
    }
    if let prompt = segment.description.prompt, prompt != embedder.tokenizer.settings.prompt,
      case .dense(let settings) = model.description.architecture, !settings.poolsPrompt
    {
      throw .config(
        operands[0], "the tokens were made with another prompt, which the model does not pool",
        hint: "encode the texts themselves with --prompt")
    }
    guard segment.description.maxLength != nil else {
      throw .config(
        operands[0], "the tokens were made without --role",
        hint: "tokenise again with lir-tokenize --role \(role.rawValue)")
    }
    if let found = segment.description.tokenizer, found != tokenizerDigest {
      throw .config(
        operands[0], "the tokens were made by another tokenizer than the model's",
        hint: "tokenise again with lir-tokenize --model \(model.description.folder.path)")
    }
  }

  private func openPartial(_ provenance: Provenance) throws(Failure) -> StreamResume {
    guard options.format == .tensor else {
      throw .usage("--resume continues tensor streams, not \(options.format.rawValue)")
    }
    return try StreamResume(
      options.output, provenance: provenance, shard: options.shards.shard)
  }

  // MARK: Output

  private func makeSink(
    _ provenance: Provenance, _ resume: StreamResume?, _ source: StreamDescription?
  ) throws(Failure) -> any EmbeddingSink {
    let form = EmbeddingForm(
      dtype: options.dtype.elementType, dims: options.dims, topTerms: options.topTerms)
    switch options.format {
    case .npy:
      return try NPYSink(options.output.output, model, form, kernels)
    case .jsonl:
      let writer = try ByteWriter(
        options.output.output, compression: try options.output.compression(), checksumText: true)
      return try JSONLSink(
        writer, model, form, kernels, embedder.tokenizer.tokenizer,
        provenance: options.output.noProvenance ? nil : provenance.json)
    case .tensor:
      let compression = try options.output.compression()
      let writer: ByteWriter
      if let resume {
        writer = try resume.writer(compression)
      } else {
        writer = try ByteWriter(options.output.output, compression: compression)
      }
      return try TensorSink(
        writer, model, form, kernels, description: description(provenance, source),
        after: resume?.finished)
    }
  }

  private func description(
    _ provenance: Provenance, _ source: StreamDescription?
  ) throws(Failure) -> StreamDescription {
    var description = StreamDescription(role: role)
    description.model = modelDigest
    description.tokenizer = tokenizerDigest
    description.similarity = model.description.similarity.rawValue
    description.precision = model.precisions.recorded
    description.isa = instructionSet
    let length = try RoleSetup.maximumLength(model.description, role, options.maxLength)
    description.maxLength = source?.maxLength ?? length
    description.prompt = source?.prompt ?? embedder.tokenizer.settings.prompt
    if !options.output.noProvenance {
      description.by = provenance.json
      description.shard = try options.shards.selection()?.description ?? source?.shard
    }
    return description
  }
}
