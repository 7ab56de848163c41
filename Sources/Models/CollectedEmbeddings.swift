import Autograd
import Failures
import Tensors
import Vectors
import Workers

/// What a model makes of a window's texts, put where each text stood by the workers that run its
/// batches.
struct CollectedEmbeddings: Sendable {
  private enum Output: Sendable {
    case dense(FloatRows, dimension: Int)
    case sparse(Results<SparseVector>)
    case vectors(Results<VectorSet>, VectorShape)
  }

  private let model: Model
  private let count: Int
  private let output: Output

  /// - Throws: 78 for a cross-encoder.
  init(of window: TokenWindow, by model: Model) throws(Failure) {
    self.model = model
    count = window.count
    // Texts without tokens are in no batch.
    func results<Value: Sendable>(_ empty: Value) -> Results<Value> {
      let results = Results<Value>(window.count)
      for index in 0..<window.count where window.range(index).isEmpty { results.set(index, empty) }
      return results
    }
    switch model.form {
    case .dense(let dimension):
      output = .dense(FloatRows(rows: window.count, columns: dimension), dimension: dimension)
    case .sparse: output = .sparse(results(SparseVector()))
    case .vectors(let shape):
      var empty = VectorSet()
      empty.cls = [Float](repeating: 0, count: shape.cls ?? 0)
      output = .vectors(results(empty), shape)
    case nil:
      throw .config(
        model.description.folder.path, "a cross-encoder gives no embeddings",
        hint: "lir-rerank scores pairs with it")
    }
  }

  /// Embeds a batch, whose texts have these places in the window.
  func add(
    _ batch: PackedBatch, _ members: [Int], _ role: Role, promptTokens: Int,
    sharing states: SharedStates<Matrix>?, _ engine: Inference
  ) {
    switch output {
    case .dense(let rows, _):
      let vectors = model.vectors(
        batch, role, promptTokens: promptTokens, sharing: states, engine
      ).parts[0].vectors
      for (i, member) in members.enumerated() { rows.set(member, vectors.row(i)) }
    case .sparse(let results):
      let vectors = model.sparseVectors(
        batch, role, promptTokens: promptTokens, sharing: states, engine)
      for (member, vector) in zip(members, vectors) { results.set(member, vector) }
    case .vectors(let results, let shape):
      let sets = model.vectorSets(
        batch, role, promptTokens: promptTokens, shape, sharing: states, engine)
      for (member, set) in zip(members, sets) { results.set(member, set) }
    }
  }

  /// The embeddings of all texts, once every batch has run.
  var embeddings: Embeddings {
    switch output {
    case .dense(let rows, let dimension): .dense(rows.values, dimension: dimension)
    case .sparse(let results): .sparse((0..<count).map { results.take($0) })
    case .vectors(let results, let shape): .vectors((0..<count).map { results.take($0) }, shape)
    }
  }
}

/// Rows that workers fill, each once.
///
/// Unchecked: a row is written by the one worker whose batch holds it, and read after the loop.
final class FloatRows: @unchecked Sendable {
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

  func set(_ row: Int, _ score: PairScore) {
    precondition(columns == 2 && (row + 1) * columns <= count, "row \(row)")
    buffer[2 * row] = score.score
    buffer[2 * row + 1] = score.logit
  }

  var values: [Float] { Array(buffer[..<count]) }
}
