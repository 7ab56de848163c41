import Kernels

// Values over the vocabulary, of heads that weight a text's own terms.

/// Which value counts of a token that occurs again, and which tokens have none.
package enum ScatterRule: Sendable {
  /// The last one, but each gets the derivative: both as torch's `scatter` has it.
  case last
  /// The largest one, if it is above 0: the first of them gets the derivative. Tokens that are `silent`
  /// have none.
  case largest(silent: Set<Int32>)
  /// The first one. Tokens that are `silent` have none.
  case first(silent: Set<Int32>)
  /// The mean of all. Tokens that are `silent` have none.
  case mean(silent: Set<Int32>)
}

extension PackedBatch {
  /// Writes what the tokens of a sequence have into the columns of their ids; of a token that occurs
  /// again the last one counts, as torch's `scatter` leaves it.
  ///
  /// - Parameters:
  ///   - sequence: Which one.
  ///   - row: Its row over the vocabulary.
  ///   - value: What a token has, and the column of its id.
  fileprivate func scatter(
    _ sequence: Int, into row: UnsafeMutableBufferPointer<Float>,
    _ value: (_ token: Int, _ id: Int) -> Float
  ) {
    for token in range(sequence) {
      let id = Int(ids[token])
      row[id] = value(token, id)
    }
  }
}

extension PackedBatch {
  /// The tokens of a sequence that count by a rule, in order, of those with these values.
  fileprivate func winners(
    _ sequence: Int, _ values: UnsafeMutableBufferPointer<Float>, _ rule: ScatterRule
  ) -> [Int] {
    var best: [Int32: Int] = [:]
    switch rule {
    case .last: return Array(range(sequence))
    case .mean(let silent): return range(sequence).filter { !silent.contains(ids[$0]) }
    case .first(let silent):
      for token in range(sequence) where best[ids[token]] == nil && !silent.contains(ids[token]) {
        best[ids[token]] = token
      }
    case .largest(let silent):
      for token in range(sequence) where values[token] > 0 && !silent.contains(ids[token]) {
        if let other = best[ids[token]], values[other] >= values[token] { continue }
        best[ids[token]] = token
      }
    }
    return best.values.sorted()
  }

  /// Writes what tokens with these values give the terms of a sequence.
  fileprivate func scatter(
    _ sequence: Int, _ values: UnsafeMutableBufferPointer<Float>, _ rule: ScatterRule,
    into row: UnsafeMutableBufferPointer<Float>
  ) {
    let winners = winners(sequence, values, rule)
    guard case .mean = rule else {
      for token in winners { row[Int(ids[token])] = values[token] }
      return
    }
    let counts = counts(winners)
    for token in winners { row[Int(ids[token])] += values[token] / (counts[ids[token]] ?? 1) }
  }

  /// Numbers of the tokens of each id.
  fileprivate func counts(_ tokens: [Int]) -> [Int32: Float] {
    tokens.reduce(into: [:]) { $0[ids[$1], default: 0] += 1 }
  }
}

extension Inference {
  package func scatter(
    _ x: Matrix, _ batch: PackedBatch, columns: Int, _ rule: ScatterRule
  ) -> Matrix {
    precondition(x.columns == 1 && x.rows == batch.tokens, "scatter: not [T,1]")
    let out = matrix(batch.sequences, columns)
    out.elements.update(repeating: 0)
    for sequence in 0..<batch.sequences {
      batch.scatter(sequence, x.elements, rule, into: out.mutableRow(sequence))
    }
    return out
  }

  package func ownTerms(_ x: Matrix, _ batch: PackedBatch) -> Matrix {
    rows(batch, x.columns) { _, sequence, id in x.row(sequence)[id] }
  }

  /// A row over the vocabulary for each sequence, zero but for its own terms.
  private func rows(
    _ batch: PackedBatch, _ columns: Int,
    _ value: (_ token: Int, _ sequence: Int, _ id: Int) -> Float
  ) -> Matrix {
    let out = matrix(batch.sequences, columns)
    out.elements.update(repeating: 0)
    for sequence in 0..<batch.sequences {
      batch.scatter(sequence, into: out.mutableRow(sequence)) { value($0, sequence, $1) }
    }
    return out
  }
}

extension Tape {
  package func scatter(
    _ x: Recorded, _ batch: PackedBatch, columns: Int, _ rule: ScatterRule
  ) -> Recorded {
    precondition(x.value.columns == 1 && x.value.rows == batch.tokens, "scatter: not [T,1]")
    let out = zeros(batch.sequences, columns)
    forEach(batch.sequences) { sequence, _ in
      batch.scatter(sequence, x.value.elements, rule, into: out.mutableRow(sequence))
    }
    return record(out, from: [x]) { [unowned self] derivative in
      let dx = zeros(batch.tokens, 1)
      forEach(batch.sequences) { sequence, _ in
        let row = derivative.row(sequence)
        let winners = batch.winners(sequence, x.value.elements, rule)
        var counts: [Int32: Float] = [:]
        if case .mean = rule { counts = batch.counts(winners) }
        for token in winners {
          let id = batch.ids[token]
          dx.elements[token] = row[Int(id)] / (counts[id] ?? 1)
        }
      }
      return [dx]
    }
  }

  package func ownTerms(_ x: Recorded, _ batch: PackedBatch) -> Recorded {
    func keep(_ all: Matrix) -> Matrix {
      let kept = zeros(all.rows, all.columns)
      forEach(batch.sequences) { sequence, _ in
        let row = all.row(sequence)
        batch.scatter(sequence, into: kept.mutableRow(sequence)) { _, id in row[id] }
      }
      return kept
    }
    return record(keep(x.value), from: [x]) { [keep(_: $0)] }
  }
}
