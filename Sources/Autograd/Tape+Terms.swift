import Kernels

/// Values over the vocabulary, of models that weigh a text's own terms.
extension Tape {
  /// x[t] in the column ids[t] of its sequence's row, 0 elsewhere: [T,1] to [B,V].
  ///
  /// Of a token that occurs again the last one counts, but each gets the derivative: both as torch's
  /// `scatter` has it.
  package func scatter(_ x: Recorded, _ batch: PackedBatch, columns: Int) -> Recorded {
    precondition(x.value.columns == 1 && x.value.rows == batch.tokens, "scatter: not [T,1]")
    let out = zeros(batch.sequences, columns)
    forEach(batch.sequences) { sequence, _ in
      let row = out.mutableRow(sequence)
      for token in batch.range(sequence) { row[Int(batch.ids[token])] = x.value.elements[token] }
    }
    return record(out, from: [x]) { [unowned self] derivative in
      let dx = matrix(batch.tokens, 1)
      forEach(batch.sequences) { sequence, _ in
        let row = derivative.row(sequence)
        for token in batch.range(sequence) { dx.elements[token] = row[Int(batch.ids[token])] }
      }
      return [dx]
    }
  }

  /// x[B,V] where a column is a token of the sequence, 0 elsewhere.
  package func ownTerms(_ x: Recorded, _ batch: PackedBatch) -> Recorded {
    func keep(_ all: Matrix) -> Matrix {
      let kept = zeros(all.rows, all.columns)
      forEach(batch.sequences) { sequence, _ in
        let (row, target) = (all.row(sequence), kept.mutableRow(sequence))
        for token in batch.range(sequence) {
          let id = Int(batch.ids[token])
          target[id] = row[id]
        }
      }
      return kept
    }
    return record(keep(x.value), from: [x]) { [keep(_: $0)] }
  }
}
