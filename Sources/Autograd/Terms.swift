import Kernels

// Values over the vocabulary, of heads that weight a text's own terms.

/// Which value counts of a token that occurs again, and which tokens have none.
package enum ScatterRule: Sendable {
  /// The last one, but each gets the derivative: both as torch's `scatter` has it.
  case last
  /// The largest one, if it is above 0: the first of them gets the derivative. Tokens that are `silent`
  /// have none.
  case largest(silent: Set<Int32>)
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
    guard case .largest(let silent) = rule else { return Array(range(sequence)) }
    var best: [Int32: Int] = [:]
    for token in range(sequence) where values[token] > 0 && !silent.contains(ids[token]) {
      if let other = best[ids[token]], values[other] >= values[token] { continue }
      best[ids[token]] = token
    }
    return best.values.sorted()
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
      let row = out.mutableRow(sequence)
      for token in batch.winners(sequence, x.elements, rule) {
        row[Int(batch.ids[token])] = x.elements[token]
      }
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
      let row = out.mutableRow(sequence)
      for token in batch.winners(sequence, x.value.elements, rule) {
        row[Int(batch.ids[token])] = x.value.elements[token]
      }
    }
    return record(out, from: [x]) { [unowned self] derivative in
      let dx = zeros(batch.tokens, 1)
      forEach(batch.sequences) { sequence, _ in
        let row = derivative.row(sequence)
        for token in batch.winners(sequence, x.value.elements, rule) {
          dx.elements[token] = row[Int(batch.ids[token])]
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
