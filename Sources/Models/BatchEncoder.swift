import Autograd
import Failures
import Kernels
import Synchronization
import Tensors
import Tokenizers
import Vectors
import Workers

/// Runs a model over windows of texts on the pool's threads.
///
/// Results are the same bytes for every number of threads and tokens a batch: a sequence's values
/// depend on its own tokens alone, and are put where its text stood.
package final class BatchEncoder: Sendable {
  package let model: Model
  let pool: WorkerPool
  let engines: WorkerLocal<Inference>
  let batchTokens: Int
  /// Told after every batch which share of a window's tokens is done, and how many texts it has.
  let watch: (@Sendable (_ share: Double, _ texts: Int) -> Void)?

  /// Tokens a batch unless somebody asks for another number: a layer's activations of this many stay
  /// in the second-level cache, and the kernels are at full speed from about a hundred.
  package static let defaultBatchTokens = 192

  /// Tokens of pairs that were computed, those of a prefix once.
  package var computedTokens: Int { computed.load(ordering: .relaxed) }
  let computed = Atomic<Int>(0)

  package init(
    _ model: Model, _ pool: WorkerPool, _ kernels: Kernels,
    batchTokens: Int = BatchEncoder.defaultBatchTokens,
    watch: (@Sendable (_ share: Double, _ texts: Int) -> Void)? = nil
  ) {
    self.model = model
    self.pool = pool
    self.batchTokens = batchTokens
    self.watch = watch
    engines = WorkerLocal(pool) { Inference(kernels) }
  }

  /// Embeds the texts of a window, all of one role.
  ///
  /// - Parameters:
  ///   - window: The texts.
  ///   - role: What they are.
  ///   - promptTokens: Tokens at the start of every text that are its prompt's.
  /// - Returns: The embeddings, in the order of the texts.
  /// - Throws: 78 for a cross-encoder, and for tokens that the model does not have.
  package func encode(
    _ window: TokenWindow, role: Role, promptTokens: Int = 0
  ) throws(Failure) -> Embeddings {
    try encode(window, role: role, promptTokens: promptTokens, also: [])[0]
  }

  /// Embeds the texts of a window by several models at once, whose backbone runs once.
  ///
  /// - Parameters:
  ///   - window: The texts.
  ///   - role: What they are.
  ///   - promptTokens: Tokens at the start of every text that are its prompt's.
  ///   - others: Models that share the backbone of the first.
  /// - Returns: The embeddings of each model, in the order of the texts.
  /// - Throws: 78 for a cross-encoder, and for tokens that the model does not have.
  package func encode(
    _ window: TokenWindow, role: Role, promptTokens: Int = 0, also others: [Model]
  ) throws(Failure) -> [Embeddings] {
    let collected = try ([model] + others).map { model throws(Failure) in
      try CollectedEmbeddings(of: window, by: model)
    }
    try run(window) { batch, members, engine in
      let states = others.isEmpty ? nil : SharedStates<Matrix>()
      for output in collected {
        output.add(batch, members, role, promptTokens: promptTokens, sharing: states, engine)
      }
    }
    return collected.map { $0.embeddings }
  }

  /// Scores the pairs of a window, in their order.
  ///
  /// - Parameters:
  ///   - window: The pairs.
  ///   - groups: The pairs of each query, which together are all.
  ///   - activation: What is done to the logits.
  /// - Returns: A score for each pair.
  /// - Throws: 78 for tokens that the model does not have.
  package func score(
    _ window: TokenWindow, _ groups: [PairGroup], _ activation: ScoreActivation
  ) throws(Failure) -> [PairScore] {
    let output = FloatRows(rows: window.count, columns: 2)
    let body: @Sendable (PackedBatch, [Int], Inference) -> Void = {
      [self] batch, members, engine in
      computed.add(batch.tokens, ordering: .relaxed)
      for (member, score) in zip(members, model.score(batch, activation, engine)) {
        output.set(member, score)
      }
    }
    if let set = model.description.head.pairs?.set {
      try runSets(window, PairGroup.sets(groups, depth: set.depth), set, body)
    } else if let groups = PrefixGroup.all(groups, window, model) {
      try run(window, groups, body)
    } else {
      try run(window, body)
    }
    let values = output.values
    return (0..<window.count).map { PairScore(score: values[2 * $0], logit: values[2 * $0 + 1]) }
  }

  /// Runs the sets of a window, as many at a time as fit a batch.
  private func runSets(
    _ window: TokenWindow, _ sets: [PairGroup], _ settings: PairSettings.SetSettings,
    _ body: @escaping @Sendable (PackedBatch, [Int], Inference) -> Void
  ) throws(Failure) {
    try check(window)
    let watched = watch.map { WatchedWindow(window, $0) }
    let lengths = sets.map { $0.pairs.reduce(0) { $0 + window.range($1).count } }
    let batches = Packing.batches(lengths: lengths, tokens: batchTokens)
    try pool.forEach(batches.count) { [engines] index, worker throws(Failure) in
      var batch = PackedBatch()
      let together = batches[index].map { sets[$0] }
      for set in together { for pair in set.pairs { batch.append(window, pair) } }
      batch.makeSets(
        together.map { set in
          let drawn = set.seed == nil ? 0 : settings.depth - set.pairs.count
          return (count: set.pairs.count, drawn: drawn, seed: set.seed ?? 0)
        }, sharedToken: settings.sharedToken)
      let members = batches[index].flatMap { Array(sets[$0].pairs) }
      engines.with(worker) { engine in body(batch, members, engine) }
      watched?.finished(members)
    }
  }

  /// Agreement so far of each layer's products of bytes with those in single precision, in the order
  /// in which they are computed; none unless the model is `LayerPrecisions.calibrating`.
  ///
  /// - Precondition: Nothing is being encoded.
  package func agreements() -> [LayerAgreement] {
    var all: [String: LayerAgreement] = [:]
    for worker in 0..<pool.threads {
      for (layer, agreement) in engines.with(worker, { $0.agreements }) {
        if all[layer]?.add(agreement) == nil { all[layer] = agreement }
      }
    }
    return all.values.sorted { $0.place < $1.place }
  }

  /// Runs every batch of a window; `body` gets the batch and the window's indices of its members.
  private func run(
    _ window: TokenWindow, _ body: @escaping @Sendable (PackedBatch, [Int], Inference) -> Void
  ) throws(Failure) {
    let lengths = (0..<window.count).map { window.range($0).count }
    let batches = Packing.batches(lengths: lengths, tokens: batchTokens)
    try check(window)
    let watched = watch.map { WatchedWindow(window, $0) }
    try pool.forEach(batches.count) { [engines] index, worker throws(Failure) in
      var batch = PackedBatch()
      for member in batches[index] { batch.append(window, member) }
      engines.with(worker) { engine in body(batch, batches[index], engine) }
      watched?.finished(batches[index])
    }
  }

  /// Token ids and lengths may come from a stream: they must fit the model.
  func check(_ window: TokenWindow) throws(Failure) {
    let vocabulary = Int32(model.backbone.vocabularySize)
    let aliases = model.description.aliases.rows
    let unknown = window.ids.first { ($0 < 0 || $0 >= vocabulary) && aliases[$0] == nil }
    if let unknown {
      throw .config(
        model.description.folder.path,
        "token id \(unknown) is outside of the model's vocabulary of \(vocabulary)")
    }
    if let type = window.typeIDs.first(where: { Int($0) >= model.backbone.segmentCount }) {
      throw .config(
        model.description.folder.path,
        "type id \(type) is outside of the model's \(model.backbone.segmentCount) segments")
    }
    for index in 0..<window.count {
      let range = window.range(index)
      if range.isEmpty || window.attended[range].contains(where: { $0 != 0 }) { continue }
      throw .config(
        model.description.folder.path, "a text of \(range.count) tokens, none of them attended to")
    }
    for index in 0..<window.count where window.range(index).count > model.backbone.maximumTokens {
      throw .config(
        model.description.folder.path,
        "a text of \(window.range(index).count) tokens, the model has "
          + "\(model.backbone.maximumTokens) positions", hint: "use --max-length")
    }
  }
}

/// The pairs of one query in a window.
package struct PairGroup: Sendable {
  package var pairs: Range<Int>
  /// Seed of the states that stand for missing documents; nil where none are drawn.
  package var seed: UInt64?

  package init(pairs: Range<Int>, seed: UInt64? = nil) {
    self.pairs = pairs
    self.seed = seed
  }

  /// Sets of at most `depth` pairs: a query with more is cut into as few as possible, in order, whose
  /// sizes differ by one at most.
  package static func sets(_ groups: [PairGroup], depth: Int) -> [PairGroup] {
    groups.flatMap { group in
      let count = (group.pairs.count + depth - 1) / depth
      return (0..<count).map { part in
        let start = group.pairs.lowerBound
        return PairGroup(
          pairs: start + group.pairs.count * part / count..<start
            + group.pairs.count * (part + 1) / count,
          seed: group.seed.map { $0 &+ UInt64(part) })
      }
    }
  }
}

extension PackedBatch {
  /// Appends a text of a window.
  mutating func append(_ window: TokenWindow, _ index: Int) {
    let range = window.range(index)
    append(
      ids: window.ids[range], typeIDs: window.typeIDs[range], attended: window.attended[range])
  }
}
