import Kernels

// The maximum over the tokens of each token's largest products with a vocabulary's weights: what top-k
// masking leaves of them (SpaDE, arXiv:2209.05917).

/// The largest numbers of a row.
private struct LargestOfRow {
  /// Most that are kept.
  let count: Int
  /// A heap whose first is the one that a larger number puts out: the smallest, of equal ones the last.
  private(set) var kept: [(value: Float, place: Int32)] = []

  init(_ count: Int) { self.count = count }

  /// Takes the numbers above 0; of equal ones those that stand in front.
  mutating func take(_ row: UnsafeBufferPointer<Float>) {
    kept.removeAll(keepingCapacity: true)
    var least: Float = 0
    for place in 0..<row.count where row[place] > least {
      let item = (value: row[place], place: Int32(truncatingIfNeeded: place))
      if kept.count < count {
        kept.append(item)
        rise(kept.count - 1)
      } else {
        kept[0] = item
        sink()
      }
      if kept.count == count { least = kept[0].value }
    }
  }

  private func leaves(_ x: Int, before y: Int) -> Bool {
    let (x, y) = (kept[x], kept[y])
    return x.value < y.value || (x.value == y.value && x.place > y.place)
  }

  private mutating func rise(_ index: Int) {
    var index = index
    while index > 0, leaves(index, before: (index - 1) / 2) {
      kept.swapAt(index, (index - 1) / 2)
      index = (index - 1) / 2
    }
  }

  private mutating func sink() {
    var index = 0
    while true {
      var next = 2 * index + 1
      guard next < kept.count else { return }
      if next + 1 < kept.count, leaves(next + 1, before: next) { next += 1 }
      guard leaves(next, before: index) else { return }
      kept.swapAt(index, next)
      index = next
    }
  }
}

extension Inference {
  /// Rows of logits that exist at a time.
  private static let blockRows = 16

  package func linearTop(
    _ x: Matrix, _ layer: Linear, keeping count: Int, _ batch: PackedBatch
  ) -> Matrix {
    let out = matrix(batch.sequences, layer.outputs)
    out.elements.update(repeating: 0)
    var largest = LargestOfRow(count)
    for sequence in 0..<batch.sequences {
      let (range, row) = (batch.range(sequence), out.mutableRow(sequence))
      for start in stride(from: range.lowerBound, to: range.upperBound, by: Self.blockRows) {
        let tokens = start..<min(start + Self.blockRows, range.upperBound)
        let logits = linear(rows(x, tokens), layer, .none)
        for token in 0..<tokens.count {
          largest.take(logits.row(token))
          for (value, place) in largest.kept where value > row[Int(place)] {
            row[Int(place)] = value
          }
        }
      }
    }
    return out
  }

  package func largestBesideOwn(_ x: Matrix, _ batch: PackedBatch, count: Int) -> Matrix {
    let out = ownTerms(x, batch)
    var largest = LargestOfRow(count)
    for sequence in 0..<batch.sequences {
      var others = Array(x.row(sequence))
      for id in batch.ids[batch.range(sequence)] { others[Int(id)] = 0 }
      others.withUnsafeBufferPointer { largest.take($0) }
      for (value, place) in largest.kept { out.mutableRow(sequence)[Int(place)] = value }
    }
    return out
  }

  package func without(_ x: Matrix, columns: [Int]) -> Matrix {
    if columns.isEmpty { return x }
    let out = matrix(x.rows, x.columns)
    out.view.copy(x.view.view)
    for row in 0..<x.rows {
      for column in columns { out.elements[row * x.columns + column] = 0 }
    }
    return out
  }
}

extension Tape {
  /// Rows of logits that exist at a time.
  private static let blockRows = 256

  package func linearTop(
    _ x: Recorded, _ layer: Linear, keeping count: Int, _ batch: PackedBatch
  ) -> Recorded {
    precondition(layer.weights.count == 1, "linearTop: \(layer.weights.count) weights")
    if layer.weights.contains(where: { $0.lowRank?.isProduct == false }) {
      // What is more than a product of two matrices is derived as a whole.
      return top(linear(x, layer, .none), count, batch)
    }
    let term = lowRankTerms(x, layer).first
    let out = zeros(batch.sequences, layer.outputs)
    var winners = TopWinners(batch, columns: layer.outputs)
    let wasRecording = isRecording
    isRecording = false
    for start in stride(from: 0, to: x.value.rows, by: Self.blockRows) {
      let tokens = start..<min(start + Self.blockRows, x.value.rows)
      let part = Recorded(value: matrix(rows: tokens, of: x.value), slot: nil)
      take(linear(part, layer, .none).value, tokens, count, batch, into: out, &winners)
    }
    isRecording = wasRecording
    let found = winners
    let parameters = layer.parameters + (term?.up.parameters ?? [])
    let adjoint: (Matrix) -> Void = { [unowned self] derivative in
      let slopes = found.slopes(derivative)
      maximumAdjoint(x, layer, batch, found.tokens, slopes)
      if let term { maximumAdjoint(term.inner, term.up, batch, found.tokens, slopes) }
    }
    if let term { return record(out, of: parameters, x, term.inner, adjoint: adjoint) }
    return record(out, of: parameters, x, adjoint: adjoint)
  }

  /// The maximum over the tokens of their largest logits above 0.
  private func top(_ logits: Recorded, _ count: Int, _ batch: PackedBatch) -> Recorded {
    let all = logits.value
    let out = zeros(batch.sequences, all.columns)
    var winners = TopWinners(batch, columns: all.columns)
    take(all, 0..<all.rows, count, batch, into: out, &winners)
    let found = winners
    return record(out, from: [logits]) { [unowned self] derivative in
      let dx = zeros(all.rows, all.columns)
      let slopes = found.slopes(derivative)
      for sequence in 0..<batch.sequences {
        for column in 0..<all.columns {
          let place = sequence * all.columns + column
          guard slopes.elements[place] != 0 else { continue }
          let token = batch.offsets[sequence] + Int(found.tokens[place])
          dx.elements[token * all.columns + column] = slopes.elements[place]
        }
      }
      return [dx]
    }
  }

  /// Takes the logits of some tokens, which stand behind those that were taken.
  private func take(
    _ logits: Matrix, _ tokens: Range<Int>, _ count: Int, _ batch: PackedBatch, into out: Matrix,
    _ winners: inout TopWinners
  ) {
    winners.tokens.withUnsafeMutableBufferPointer { places in
      let places = SharedPlaces(places)
      forEach(batch.sequences) { sequence, _ in
        let range = batch.range(sequence)
        var largest = LargestOfRow(count)
        for token in range.clamped(to: tokens) {
          largest.take(logits.row(token - tokens.lowerBound))
          for (value, column) in largest.kept {
            let place = sequence * out.columns + Int(column)
            guard value > out.elements[place] else { continue }
            out.elements[place] = value
            places.pointer[place] = Int32(token - range.lowerBound)
          }
        }
      }
    }
  }

  /// What inference gives; nothing is derived.
  package func largestBesideOwn(_ x: Recorded, _ batch: PackedBatch, count: Int) -> Recorded {
    let engine = Inference(kernels)
    return constant(engine.largestBesideOwn(x.value, batch, count: count))
  }

  package func without(_ x: Recorded, columns: [Int]) -> Recorded {
    if columns.isEmpty { return x }
    func clear(_ y: Matrix) {
      for row in 0..<y.rows {
        for column in columns { y.elements[row * y.columns + column] = 0 }
      }
    }
    let out = matrix(x.value.rows, x.value.columns)
    out.view.copy(x.value.view.view)
    clear(out)
    return record(out, from: [x]) { derivative in
      clear(derivative)
      return [derivative]
    }
  }
}

/// Places that workers write, each those of its own sequences.
private struct SharedPlaces: @unchecked Sendable {
  let pointer: UnsafeMutableBufferPointer<Int32>

  init(_ pointer: UnsafeMutableBufferPointer<Int32>) { self.pointer = pointer }
}

/// The token of each sequence that a term's weight is of; none for a term without a weight.
private struct TopWinners {
  private static let nobody: Int32 = -1
  /// Within its sequence, [B,V].
  var tokens: [Int32]

  init(_ batch: PackedBatch, columns: Int) {
    tokens = [Int32](repeating: Self.nobody, count: batch.sequences * columns)
  }

  /// The derivatives, 0 by what has no weight.
  func slopes(_ derivative: Matrix) -> Matrix {
    for place in tokens.indices where tokens[place] == Self.nobody {
      derivative.elements[place] = 0
    }
    return derivative
  }
}
