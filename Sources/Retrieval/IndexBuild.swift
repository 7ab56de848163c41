import Failures
import IndexFormat
import JSON
import Kernels
import Streams
import Tensors
import Vectors

/// One build of an index: documents in, a folder out.
package struct IndexBuild {
  /// JSON of what made an index, given what made its documents and the parameters in force; nil to
  /// leave it out.
  package typealias Provenance = (_ earlier: String?, _ parameters: [JSON.Member]) -> String?

  /// Types that can be built.
  private let types: [any IndexType.Type]
  /// The one that was asked for; nil for what the documents ask for.
  private let type: (any IndexType.Type)?
  private let given: [IndexArguments.Given]
  /// The part of the documents that the index is of, `i/n`; nil for all.
  private let shard: String?
  /// What an index of the same form has learned, in place of training; nil for training.
  let codebook: IndexFolder?
  let target: String
  /// Folder of scratch files.
  private let scratch: String
  let work: IndexWork
  private let provenance: Provenance
  /// Called with warnings.
  private let warn: (String) -> Void
  /// Called with the number of documents that were added since the last call.
  private let count: (Int) -> Void
  /// Called with the number of records that were passed over since the last call.
  private let skip: (Int) -> Void
  /// Called before each block with what tells how far reading is.
  private let reading: (() -> InputExtent) -> Void

  /// - Parameters:
  ///   - target: Folder of the index.
  ///   - type: The type that was asked for; nil for the usual one of the documents.
  ///   - types: Those that there are.
  ///   - given: Parameters that were said.
  ///   - shard: The part of a collection that the documents are, `i/n`; nil for all.
  ///   - codebook: An index of the type whose parameters, seed and what was learned are taken over; nil
  ///     for none.
  ///   - scratch: Folder for copies of documents that come through a pipe and are read several times.
  ///   - work: What builds it.
  ///   - provenance: What tells what made the index.
  ///   - warn: Gets warnings.
  ///   - count: Gets the number of documents that were added since the last call.
  ///   - skip: Gets the number of malformed records that were passed over since then.
  ///   - reading: Gets what tells how far reading is, before each block.
  package init(
    _ target: String, type: (any IndexType.Type)?, of types: [any IndexType.Type],
    given: [IndexArguments.Given] = [], shard: String? = nil, codebook: IndexFolder? = nil,
    scratch: String = "/tmp", _ work: IndexWork,
    provenance: @escaping Provenance = { earlier, _ in earlier },
    warn: @escaping (String) -> Void = { _ in }, count: @escaping (Int) -> Void = { _ in },
    skip: @escaping (Int) -> Void = { _ in },
    reading: @escaping (() -> InputExtent) -> Void = { _ in }
  ) {
    self.target = target
    self.type = type
    self.types = types
    self.given = given
    self.shard = shard
    self.codebook = codebook
    self.scratch = scratch
    self.work =
      codebook.map { codebook in
        IndexWork(
          work.kernels, work.pool, memory: work.memory, seed: codebook.manifest.seed)
      } ?? work
    self.provenance = provenance
    self.warn = warn
    self.count = count
    self.skip = skip
    self.reading = reading
  }

  /// An index that is being built, with everything that its manifest says.
  private struct Running {
    let writer: IndexWriter
    let source: IndexSource
    let arguments: IndexArguments
    let type: any IndexType.Type
    var builder: any IndexBuilder
  }

  /// Builds the index.
  ///
  /// - Returns: Its number of documents.
  /// - Throws: 64 for parameters that the type does not have, 65 for damaged documents or ids that
  ///   occur twice, 73 and 74 where it cannot be written, 78 for documents that it does not take.
  package func run(_ input: DocumentInput) throws(Failure) -> Int {
    let input = type?.learns == true && codebook == nil ? try readableAgain(input) : input
    var running: Running?
    try input.forEachBlock(warn: warn, skip: skip, reading: reading) {
      block, segment throws(Failure) in
      if running == nil {
        running = try start(source(segment, input), input)
        if codebook == nil { try train(&running, input, segment?.schema) }
      }
      if let source = running?.source {
        try running?.builder.append(block.stored(as: source, work.kernels))
      }
      count(block.count)
    }
    // Texts without a record give no block; an index of none is an index all the same.
    if running == nil { running = try start(source(nil, input), input) }
    guard let running else { return 0 }
    return try finish(running)
  }

  /// Builds the index of documents that are no records, such as another program's index.
  ///
  /// - Parameters:
  ///   - source: What they come from.
  ///   - place: Where they are, for messages.
  ///   - fill: Adds them to what builds.
  /// - Returns: Its number of documents.
  /// - Throws: As the other way does, and what `fill` throws.
  package func run(
    _ source: IndexSource, _ place: String,
    _ fill: (inout any IndexBuilder, IndexArguments) throws(Failure) -> Void
  ) throws(Failure) -> Int {
    var running = try start(source, .streams([place]))
    try fill(&running.builder, running.arguments)
    return try finish(running)
  }

  /// Writes what all documents of an index share, and no document: a codebook.
  ///
  /// - Parameter input: The documents, of which some are looked at; they are read several times.
  /// - Throws: As `run`; 64 for a type that learns nothing.
  package func train(_ input: DocumentInput) throws(Failure) {
    guard let type, type.learns else {
      throw .usage(
        "\(type?.name ?? "an index of nothing") learns nothing from documents",
        hint: "lir-index build needs no codebook for it")
    }
    let input = try readableAgain(input)
    var running: Running?
    var schema: StreamSchema?
    // The first block tells what documents are like.
    try input.forEachBlock(warn: warn) { _, segment throws(Failure) in
      if running != nil { return }
      schema = segment?.schema
      running = try start(source(segment, input), input)
    }
    try train(&running, input, schema)
    if let running { _ = try finish(running) }
  }

  /// The documents in files: what comes through a pipe is copied, once all is right that can be known
  /// before.
  private func readableAgain(_ input: DocumentInput) throws(Failure) -> DocumentInput {
    if let type { _ = try arguments(type) }
    _ = try IndexWorkspace.replaces(target)
    return try input.readableAgain(in: scratch)
  }

  /// Has a builder learn from a sample, where it asks for one.
  private func train(
    _ running: inout Running?, _ input: DocumentInput, _ schema: StreamSchema?
  ) throws(Failure) {
    guard var builder = running?.builder, builder.sampleSize != nil else { return }
    precondition(running?.type.learns == true, "a type that learns without saying so")
    var total = 0
    try input.forEachBlock(warn: { _ in }) { block, _ in total += block.count }
    let size = try builder.sampleSize(of: total)
    try builder.train(on: sample(size, of: total, input, schema, running?.source))
    running?.builder = builder
  }

  private func finish(_ running: Running) throws(Failure) -> Int {
    var running = running
    let content = try running.builder.finish()
    if let warning = content.warning { warn(warning) }
    var manifest = IndexManifest(
      type: running.type.name, documents: 0, source: running.source, seed: work.seed, segments: [],
      files: [])
    manifest.parameters = running.arguments.effective(.build)
    manifest.statistics = content.statistics
    manifest.codebook = content.codebook
    if running.source.description.by != nil {
      manifest.learnedBy = codebook?.manifest.learnedBy ?? content.learnedBy(work.kernels)
    }
    try running.writer.finish(manifest)
    return running.writer.documents
  }

  /// What the documents come from, as the first segment or the kind of input tells.
  func source(_ segment: TensorSegment?, _ input: DocumentInput) -> IndexSource {
    var description = segment?.description ?? StreamDescription(role: .doc)
    // The shard of a single stream is the index's; several make a whole.
    if input.operands.count > 1 { description.shard = nil }
    guard let segment else { return IndexSource(.texts(analyzer: .object([])), description) }
    return IndexSource(.vectors(segment.schema), description)
  }

  /// Everything that is known of an index before its first document is added.
  struct Plan {
    let type: any IndexType.Type
    let source: IndexSource
    let arguments: IndexArguments
  }

  /// What would be built of documents from a source.
  ///
  /// - Throws: 64 for parameters that the type does not have, 78 for documents that it does not take.
  func plan(_ source: IndexSource, _ input: DocumentInput) throws(Failure) -> Plan {
    let type = try chosenType(source, input.operands.joined(separator: " "))
    let arguments = try arguments(type)
    var source = source
    if let shard {
      if let own = source.description.shard {
        throw .usage("--shard \(shard): the stream is part \(own) already")
      }
      source.description.shard = shard
    }
    if source.schema == nil { source.contents = .texts(analyzer: type.analyzer(arguments)) }
    var effective = arguments.effective(.build)
    if type.learns, codebook == nil, source.schema?.kind == .multivector,
      work.memory != IndexWork.usualMemory
    {
      // So much of the vectors of tokens is looked at as has room.
      effective.append(JSON.Member("max-memory", .integer(work.memory)))
    }
    source.description.by = provenance(source.description.by, effective)
    try type.check(source, arguments)
    source = try type.stored(source, arguments)
    return Plan(type: type, source: source, arguments: arguments)
  }

  /// The parameters that were said; with a codebook its own, which none may contradict.
  private func arguments(_ type: any IndexType.Type) throws(Failure) -> IndexArguments {
    guard let codebook else { return try IndexArguments(given, type, .build) }
    // Where files go is not a matter of what was learned.
    let places = Set(type.parameters(.build).filter(\.isPlace).map(\.name))
    let recorded = codebook.manifest.parameters.filter {
      !(places.contains($0.key) && $0.value.string == IndexParameter.file)
    }
    let own = try IndexArguments(
      given.filter { places.contains($0.name) }, type, .build, recorded: recorded, codebook.path)
    let asked = try IndexArguments(given, type, .build, recorded: recorded, codebook.path)
    for parameter in type.parameters(.build) {
      let (found, wanted) = (asked.text(parameter.name), own.text(parameter.name))
      guard found == wanted else {
        throw .usage(
          "--\(parameter.name) \(found ?? "none"): the codebook \(codebook.path) was made with "
            + (wanted ?? "none"), hint: "lir-index train takes the parameters of the index")
      }
    }
    return own
  }

  private func start(
    _ source: IndexSource, _ input: DocumentInput
  ) throws(Failure) -> Running {
    let plan = try plan(source, input)
    if let codebook {
      let place = input.operands.joined(separator: " ")
      if let warning = try IndexAgreement.check(codebook, plan.source, place) { warn(warning) }
    }
    let writer = try IndexWriter(target, originals: plan.arguments.originals)
    try writer.keep(input.ownTerms)
    var builder = try plan.type.builder(writer, plan.source, plan.arguments, work)
    if let codebook { try builder.adopt(from: codebook.segments[0]) }
    return Running(
      writer: writer, source: plan.source, arguments: plan.arguments, type: plan.type,
      builder: builder)
  }

  /// The type that was asked for, if it takes the documents, or the first that takes them.
  private func chosenType(
    _ source: IndexSource, _ place: String
  ) throws(Failure) -> any IndexType.Type {
    let found = source.schema.map { "kind \($0.kind.rawValue)" } ?? "texts"
    var type = type
    if let codebook {
      guard type == nil || type?.name == codebook.manifest.type,
        let own = types.first(where: { $0.name == codebook.manifest.type })
      else {
        throw .config(
          codebook.path,
          "a codebook of \(codebook.manifest.type), expected one of "
            + (type?.name ?? "a type that this release knows"))
      }
      guard codebook.manifest.codebook != nil else {
        throw .config(
          codebook.path, "no codebook: \(own.name) learned nothing there",
          hint: "lir-index train makes one")
      }
      type = own
    }
    if let type {
      guard type.takes(source) else {
        throw .config(place, "\(type.name) takes \(type.takes.words), found \(found)")
      }
      return type
    }
    guard let usual = types.first(where: { $0.isUsual(source) }) else {
      throw .config(
        place, "no type of index takes \(found)", hint: "lir-index types lists what each takes")
    }
    return usual
  }

  /// Some documents, each as likely as another, in their order.
  private func sample(
    _ size: Int, of total: Int, _ input: DocumentInput, _ schema: StreamSchema?,
    _ source: IndexSource?
  ) throws(Failure) -> Embeddings {
    let chosen = Self.chosen(size, of: total, seed: work.seed)
    var vectors = try schema.map { schema throws(Failure) in
      try EmbeddingsReader(schema, target, work.kernels)
    }
    var texts: [[UInt8]] = []
    var next = 0
    var first = 0
    try input.forEachBlock(warn: { _ in }) { block, segment throws(Failure) in
      defer { first += block.count }
      while next < chosen.count, chosen[next] < first + block.count {
        let index = chosen[next] - first
        next += 1
        switch block {
        case .texts(let batch): texts.append(batch.withText(index) { Array($0) })
        case .records(let segment, let range):
          let place = range.lowerBound + index
          let one = DocumentBlock.records(segment, place..<place + 1)
          if case .records(let stored, let range) = try source.map({ source throws(Failure) in
            try one.stored(as: source, work.kernels)
          }) ?? one {
            vectors?.append(stored, range.lowerBound)
          }
        }
      }
    }
    return vectors?.embeddings ?? .texts(texts)
  }

  /// `size` numbers below `total`, ascending: selection sampling (Knuth, The Art of Computer
  /// Programming 2, 3.4.2, algorithm S).
  package static func chosen(
    _ size: Int, of total: Int, seed: UInt64, stream: UInt64 = 0
  ) -> [Int] {
    var random = CounterRandom(seed: seed, stream: stream)
    var chosen: [Int] = []
    for index in 0..<total where chosen.count < size {
      let draw = Double(random.next() >> 11) * 0x1p-53
      if Double(total - index) * draw < Double(size - chosen.count) { chosen.append(index) }
    }
    return chosen
  }
}
