import Autograd
import Failures
import Kernels
import Tensors
import Tokenizers
import Workers

/// Some texts as tokens, laid end to end.
package struct TokenWindow: Sendable {
  package var ids: [Int32] = []
  package var typeIDs: [UInt8] = []
  /// Where each text starts, count + 1.
  package var offsets: [Int] = [0]
  /// Texts that were cut.
  package var truncated = 0

  package init() {}

  package var count: Int { offsets.count - 1 }
  package func range(_ index: Int) -> Range<Int> { offsets[index]..<offsets[index + 1] }

  /// The texts behind the first `number`.
  package func dropFirst(_ number: Int) -> TokenWindow {
    let start = offsets[number]
    var rest = TokenWindow()
    rest.ids = Array(ids[start...])
    rest.typeIDs = Array(typeIDs[start...])
    rest.offsets = offsets[number...].map { $0 - start }
    rest.truncated = truncated
    return rest
  }

  package mutating func append(_ other: TokenWindow) {
    let start = ids.count
    ids += other.ids
    typeIDs += other.typeIDs
    offsets += other.offsets.dropFirst().map { $0 + start }
    truncated += other.truncated
  }
}

/// Embeddings of a window's texts, in their order.
package enum EmbeddingWindow: Sendable {
  /// values[count, dimension]
  case dense([Float], dimension: Int)
  case sparse([SparseVector])
}

/// Runs a model over windows of texts on the pool's threads.
///
/// Results are the same bytes for every number of threads and tokens a batch: a sequence's values
/// depend on its own tokens alone, and are put where its text stood.
package final class BatchEncoder: Sendable {
  package let model: Model
  private let pool: WorkerPool
  private let engines: WorkerLocal<Inference>
  private let batchTokens: Int

  /// Tokens a batch unless somebody asks for another number: activations of this many stay in the
  /// second-level cache, and the kernels are at full speed from about a hundred.
  package static let defaultBatchTokens = 512

  package init(
    _ model: Model, _ pool: WorkerPool, _ kernels: Kernels,
    batchTokens: Int = BatchEncoder.defaultBatchTokens
  ) {
    self.model = model
    self.pool = pool
    self.batchTokens = batchTokens
    engines = WorkerLocal(pool) { Inference(kernels) }
  }

  /// Embeds the texts of a window, all of one role.
  package func encode(_ window: TokenWindow, role: Role) throws(Failure) -> EmbeddingWindow {
    switch model.head {
    case .dense(let head):
      let output = FloatRows(rows: window.count, columns: head.dimension)
      try run(window) { [model] batch, members, engine in
        guard case .dense(let rows) = model.encode(batch, role: role, engine) else { return }
        for (i, member) in members.enumerated() { output.set(member, rows.row(i)) }
      }
      return .dense(output.values, dimension: head.dimension)
    case .splade:
      let output = Results<SparseVector>(window.count)
      for index in 0..<window.count where window.range(index).isEmpty {
        output.set(index, SparseVector())
      }
      try run(window) { [model] batch, members, engine in
        guard case .sparse(let vectors) = model.encode(batch, role: role, engine) else { return }
        for (member, vector) in zip(members, vectors) { output.set(member, vector) }
      }
      return .sparse((0..<window.count).map { output.take($0) })
    case .mono:
      throw .config(
        model.description.folder.path, "a cross-encoder gives no embeddings",
        hint: "lir-rerank scores pairs with it")
    }
  }

  /// Scores the pairs of a window, in their order.
  package func score(
    _ window: TokenWindow, _ activation: ScoreActivation
  ) throws(Failure) -> [Float] {
    let output = FloatRows(rows: window.count, columns: 1)
    try run(window) { [model] batch, members, engine in
      for (member, score) in zip(members, model.score(batch, activation, engine)) {
        output.set(member, score)
      }
    }
    return output.values
  }

  /// Runs every batch of a window; `body` gets the batch and the window's indices of its members.
  private func run(
    _ window: TokenWindow, _ body: @escaping @Sendable (PackedBatch, [Int], Inference) -> Void
  ) throws(Failure) {
    let lengths = (0..<window.count).map { window.range($0).count }
    let batches = Packing.batches(lengths: lengths, tokens: batchTokens)
    try check(window)
    try pool.forEach(batches.count) { [engines] index, worker throws(Failure) in
      var batch = PackedBatch()
      for member in batches[index] {
        let range = window.range(member)
        batch.append(ids: window.ids[range], typeIDs: window.typeIDs[range])
      }
      engines.with(worker) { engine in body(batch, batches[index], engine) }
    }
  }

  /// Token ids and lengths may come from a stream: they must fit the model.
  private func check(_ window: TokenWindow) throws(Failure) {
    let vocabulary = Int32(model.backbone.vocabularySize)
    if let id = window.ids.first(where: { $0 < 0 || $0 >= vocabulary }) {
      throw .config(
        model.description.folder.path,
        "token id \(id) is outside of the model's vocabulary of \(vocabulary)")
    }
    if let type = window.typeIDs.first(where: { Int($0) >= model.backbone.segmentCount }) {
      throw .config(
        model.description.folder.path,
        "type id \(type) is outside of the model's \(model.backbone.segmentCount) segments")
    }
    for index in 0..<window.count where window.range(index).count > model.backbone.maximumTokens {
      throw .config(
        model.description.folder.path,
        "a text of \(window.range(index).count) tokens, the model has "
          + "\(model.backbone.maximumTokens) positions", hint: "use --max-length")
    }
  }
}

/// Rows that workers fill, each once.
///
/// Unchecked: a row is written by the one worker whose batch holds it, and read after the loop.
private final class FloatRows: @unchecked Sendable {
  private let buffer: UnsafeMutableBufferPointer<Float>
  private let columns: Int

  init(rows: Int, columns: Int) {
    self.columns = columns
    buffer = .allocate(capacity: max(rows * columns, 1))
    buffer.initialize(repeating: 0)
    count = rows * columns
  }

  private let count: Int

  deinit { buffer.deallocate() }

  func set(_ row: Int, _ values: UnsafeBufferPointer<Float>) {
    precondition(values.count == columns && (row + 1) * columns <= count, "row \(row)")
    for i in 0..<columns { buffer[row * columns + i] = values[i] }
  }

  func set(_ row: Int, _ value: Float) { buffer[row] = value }

  var values: [Float] { Array(buffer[..<count]) }
}

/// Tokenises windows of texts on the pool's threads.
package final class WindowTokenizer: Sendable {
  private let pool: WorkerPool
  private let scratch: WorkerLocal<TokenizerScratch>

  /// Texts that a worker takes at a time.
  private static let chunk = 64

  package init(_ pool: WorkerPool) {
    self.pool = pool
    scratch = WorkerLocal(pool) { TokenizerScratch() }
  }

  /// Tokenises `count` texts.
  ///
  /// `append`: appends text `index` to the buffer and says what became of it.
  package func tokenize(
    _ count: Int,
    _ append:
      @escaping @Sendable (
        _ index: Int, _ buffer: inout TokenBuffer, _ scratch: inout TokenizerScratch
      ) throws(Failure) -> EncodedCounts
  ) throws(Failure) -> TokenWindow {
    let chunks = (count + Self.chunk - 1) / Self.chunk
    let results = Results<TokenWindow>(chunks)
    try pool.forEach(chunks) { [scratch] chunk, worker throws(Failure) in
      var buffer = TokenBuffer()
      var window = TokenWindow()
      try scratch.with(worker) { scratch throws(Failure) in
        for index in chunk * Self.chunk..<min((chunk + 1) * Self.chunk, count) {
          let counts = try append(index, &buffer, &scratch)
          if counts.removed > 0 { window.truncated += 1 }
          window.offsets.append(buffer.count)
        }
      }
      window.ids = buffer.ids
      window.typeIDs = buffer.typeIDs
      results.set(chunk, window)
    }
    var all = TokenWindow()
    for chunk in 0..<chunks { all.append(results.take(chunk)) }
    return all
  }
}
