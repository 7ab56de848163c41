import Kernels
import Workers

/// A value on a tape, and where the derivative of the loss by it gathers.
package struct Recorded {
  package let value: Matrix
  /// Nil where nothing that is trained went into it.
  let slot: GradientSlot?
}

/// The derivative by one value, as far as it is known.
final class GradientSlot {
  fileprivate(set) var matrix: Matrix?

  /// The derivative, which then is no longer here.
  func take() -> Matrix? {
    defer { matrix = nil }
    return matrix
  }
}

/// Records the operations of a forward pass and runs their adjoints backwards.
///
/// Work is split over a pool's threads so that every number is summed by one thread in one order:
/// results are the same bytes for any number of threads. Weights are packed when they are used, so
/// that no copy of the model stays in memory.
package final class Tape: Operations {
  package typealias Value = Recorded

  let kernels: Kernels
  private let pool: WorkerPool
  let arena = Arena(limit: 512)
  /// Memory of each worker.
  let scratch: WorkerLocal<ScratchBuffer>
  /// Memory of each worker for rows in bfloat16.
  let narrowed: WorkerLocal<AlignedBuffer>
  /// Memory for one packed weight, and for its parts laid end to end.
  var packed = ScratchBuffer()
  var stacked = ScratchBuffer()
  /// Memory for inputs and derivatives of some tokens, for products over tokens.
  var packedTokens = ScratchBuffer()
  var turned = ScratchBuffer()

  private var adjoints: [Adjoint] = []
  /// Called after each step of a backward pass.
  package var afterAdjoint: (() -> Void)?
  /// Whether adjoints are recorded; a tape without them computes what inference computes.
  package var isRecording = true
  /// Whether `layer` keeps its input only and computes the rest again.
  package let recomputesLayers: Bool
  private var masks: DropoutMasks?
  /// What went into layers, where somebody asks for it.
  private var entered: [Recorded]?
  /// A tape on the same threads, for what is derived before this one runs backwards.
  package private(set) lazy var apart = Tape(kernels, pool)

  package init(_ kernels: Kernels, _ pool: WorkerPool, recomputesLayers: Bool = false) {
    self.kernels = kernels
    self.pool = pool
    self.recomputesLayers = recomputesLayers
    scratch = WorkerLocal(pool) { ScratchBuffer() }
    narrowed = WorkerLocal(pool) { AlignedBuffer(count: 0) }
  }

  func matrix(_ rows: Int, _ columns: Int) -> Matrix {
    Matrix(rows: rows, columns: columns, arena: arena)
  }

  func zeros(_ rows: Int, _ columns: Int) -> Matrix {
    let matrix = matrix(rows, columns)
    matrix.elements.update(repeating: 0)
    return matrix
  }

  /// Matrices of the same width on top of each other; the only one itself.
  package func matrix(joining parts: [Matrix]) -> Matrix {
    precondition(!parts.isEmpty, "nothing to join")
    if parts.count == 1 { return parts[0] }
    let joined = matrix(parts.reduce(0) { $0 + $1.rows }, parts[0].columns)
    var row = 0
    for part in parts {
      joined.view.rows(row..<row + part.rows).copy(part.view.view)
      row += part.rows
    }
    return joined
  }

  /// A copy of some rows.
  package func matrix(rows range: Range<Int>, of x: Matrix) -> Matrix {
    let part = matrix(range.count, x.columns)
    part.view.copy(x.view.view.rows(range))
    return part
  }

  /// A copy of some numbers, [rows,columns].
  package func matrix(_ values: some Collection<Float>, rows: Int, columns: Int) -> Matrix {
    precondition(values.count == rows * columns, "\(values.count) values, \(rows) × \(columns)")
    let matrix = matrix(rows, columns)
    _ = matrix.elements.update(fromContentsOf: values)
    return matrix
  }

  // MARK: Recording

  /// An operation of the backward pass.
  private struct Adjoint {
    /// Weights whose derivatives it adds to.
    let weights: [TrainedValues]
    let body: () -> Void

    func run() {
      body()
      drop()
    }

    func drop() { for weight in weights { weight.uses -= 1 } }
  }

  /// Notes a result of weights and other values.
  ///
  /// `adjoint` gets the derivative by it, may change that, and adds to those of what went in; it is
  /// not noted where nothing there is trained.
  func record(
    _ value: Matrix, of weights: [Parameter], _ inputs: Recorded...,
    adjoint: @escaping (Matrix) -> Void
  ) -> Recorded {
    let trained = weights.filter(\.isTrained).compactMap(\.training)
    let isTrained = !trained.isEmpty || inputs.contains { $0.slot != nil }
    return record(value, isTrained, weights: trained, adjoint)
  }

  /// Notes a result, as far as something that went in is trained.
  func record(
    _ value: Matrix, _ isTrained: Bool, weights: [TrainedValues] = [],
    _ adjoint: @escaping (Matrix) -> Void
  ) -> Recorded {
    guard isRecording, isTrained else { return Recorded(value: value, slot: nil) }
    let slot = GradientSlot()
    for weight in weights { weight.uses += 1 }
    adjoints.append(
      Adjoint(weights: weights) {
        if let derivative = slot.take() { adjoint(derivative) }
      })
    return Recorded(value: value, slot: slot)
  }

  /// Notes a result that was computed elsewhere.
  ///
  /// - Parameters:
  ///   - value: What came out.
  ///   - inputs: What went in.
  ///   - adjoint: From the derivative by `value` to those by the inputs, of their shapes.
  /// - Returns: `value`, with its place on the tape.
  package func record(
    _ value: Matrix, from inputs: [Recorded], _ adjoint: @escaping (Matrix) -> [Matrix]
  ) -> Recorded {
    let slots = inputs.map(\.slot)
    return record(value, slots.contains { $0 != nil }) { [unowned self] derivative in
      for (slot, matrix) in zip(slots, adjoint(derivative)) { add(matrix, to: slot) }
    }
  }

  /// A value that nothing is derived by.
  package func constant(_ value: Matrix) -> Recorded { Recorded(value: value, slot: nil) }

  /// A value whose derivative is asked for.
  package func variable(_ value: Matrix) -> Recorded {
    Recorded(value: value, slot: GradientSlot())
  }

  /// The derivative by a `variable` after `backward`; nil where the loss does not depend on it.
  package func gradient(of variable: Recorded) -> Matrix? { variable.slot?.matrix }

  /// Runs the adjoints of everything recorded, from derivatives by some values, and forgets them.
  ///
  /// Derivatives by weights are added to those that their store has.
  package func backward(from derivatives: [(value: Recorded, derivative: Matrix)]) {
    for (value, derivative) in derivatives { add(derivative, to: value.slot) }
    runAdjoints()
  }

  /// Forgets what was recorded.
  package func forget() {
    for adjoint in adjoints { adjoint.drop() }
    adjoints.removeAll()
  }

  private func runAdjoints() {
    while let adjoint = adjoints.popLast() {
      adjoint.run()
      afterAdjoint?()
    }
  }

  /// Adds a derivative to those of a slot, which takes it over.
  func add(_ derivative: Matrix, to slot: GradientSlot?) {
    guard let slot else { return }
    guard let sum = slot.matrix else {
      slot.matrix = derivative
      return
    }
    precondition(
      sum.rows == derivative.rows && sum.columns == derivative.columns, "derivatives differ")
    add(derivative, to: sum, firstRow: 0)
  }

  /// Adds the derivative by some rows of a value with `rows` rows.
  func add(_ derivative: Matrix, to slot: GradientSlot?, firstRow: Int, of rows: Int) {
    guard let slot else { return }
    let sum = slot.matrix ?? zeros(rows, derivative.columns)
    slot.matrix = sum
    add(derivative, to: sum, firstRow: firstRow)
  }

  private func add(_ derivative: Matrix, to sum: Matrix, firstRow: Int) {
    let offset = firstRow * sum.columns
    forElements(derivative.rows * derivative.columns) { [kernels] range in
      kernels.addScaled(
        UnsafeBufferPointer(rebasing: derivative.elements[range]), by: 1,
        to: UnsafeMutableBufferPointer(
          start: sum.buffer.pointer + offset + range.lowerBound, count: range.count))
    }
  }

  /// The sum that a slot has so far, to add to in place.
  func sum(of slot: GradientSlot) -> Matrix? { slot.matrix }

  package func entering(_ x: Recorded) -> Recorded {
    entered?.append(x)
    return x
  }

  package func states(_ body: () -> Recorded) -> [Recorded] {
    entered = []
    defer { entered = nil }
    let last = body()
    return (entered ?? []) + [last]
  }

  package func layer(_ x: Recorded, _ body: @escaping (Recorded) -> Recorded) -> Recorded {
    let x = entering(x)
    guard isRecording, recomputesLayers else { return body(x) }
    let masks = masks
    isRecording = false
    let y = body(Recorded(value: x.value, slot: nil)).value
    isRecording = true
    return record(y, true) { [unowned self] derivative in
      let (outer, later) = (adjoints, self.masks)
      adjoints = []
      self.masks = masks
      let input = Recorded(value: x.value, slot: x.slot.map { _ in GradientSlot() })
      add(derivative, to: body(input).slot)
      runAdjoints()
      (adjoints, self.masks) = (outer, later)
      if let gradient = input.slot?.take() { add(gradient, to: x.slot) }
    }
  }

  // MARK: Dropout

  /// Begins a forward pass with dropout.
  ///
  /// The same arguments give the same masks, whatever else runs before, beside or between.
  ///
  /// - Parameters:
  ///   - seed: Seed of the training run.
  ///   - step: Number of the step, below 2⁴⁰.
  ///   - records: Number in the step, below 2²⁴, of each sequence of the batch.
  ///   - batch: The sequences that the pass is about.
  package func startDropout(seed: UInt64, step: Int, records: [Int], _ batch: PackedBatch) {
    precondition(step >= 0 && step < 1 << 40 && records.allSatisfy { $0 >= 0 && $0 < 1 << 24 })
    masks = DropoutMasks(seed: seed, step: UInt64(step), records: records, batch)
  }

  /// Ends dropout: from here on nothing is dropped.
  package func stopDropout() { masks = nil }

  /// The masks of the next operation, one a sequence; nil where nothing is dropped.
  func nextMasks(_ rate: Float, _ batch: PackedBatch) -> [Dropout]? {
    guard rate > 0 else { return nil }
    return masks?.next(rate, batch.sequences)
  }

  /// The masks of the next operation on a value whose rows are tokens, drawn states or sequences, as
  /// `DropoutMasks.next` tells them apart by their number; nil where nothing is dropped.
  func nextMasks(_ rate: Float, rows: Int) -> [RowMask]? {
    guard rate > 0 else { return nil }
    return masks?.next(rate, rows: rows)
  }

  // MARK: Loops

  /// Runs `body(index, worker)` on the pool.
  func forEach(_ count: Int, _ body: (Int, Int) -> Void) {
    pool.forEachUnchecked(count, body)
  }

  /// Runs `body` on ranges of at most `grain` of `count`, whatever the number of threads.
  func forRanges(_ count: Int, by grain: Int, _ body: (Range<Int>, Int) -> Void) {
    forEach((count + grain - 1) / grain) { index, worker in
      body(index * grain..<min((index + 1) * grain, count), worker)
    }
  }

  /// Runs `body` on ranges of elements of which each is computed by itself, so that the size of the
  /// ranges does not change a result.
  func forElements(_ count: Int, _ body: (Range<Int>) -> Void) {
    forRanges(count, by: 1 << 15) { range, _ in body(range) }
  }
}

/// Memory that grows.
struct ScratchBuffer {
  private var buffer = AlignedBuffer(count: 0)

  mutating func take(_ count: Int) -> AlignedBuffer {
    if buffer.count < count { buffer = AlignedBuffer(count: count) }
    return buffer
  }
}
