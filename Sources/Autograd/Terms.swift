import Kernels

// Values over the vocabulary, of heads that weight a text's own terms.

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

extension Inference {
  package func scatter(_ x: Matrix, _ batch: PackedBatch, columns: Int) -> Matrix {
    precondition(x.columns == 1 && x.rows == batch.tokens, "scatter: not [T,1]")
    let values = x.elements
    return rows(batch, columns) { token, _, _ in values[token] }
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
  package func scatter(_ x: Recorded, _ batch: PackedBatch, columns: Int) -> Recorded {
    precondition(x.value.columns == 1 && x.value.rows == batch.tokens, "scatter: not [T,1]")
    let out = zeros(batch.sequences, columns)
    forEach(batch.sequences) { sequence, _ in
      batch.scatter(sequence, into: out.mutableRow(sequence)) { token, _ in
        x.value.elements[token]
      }
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
