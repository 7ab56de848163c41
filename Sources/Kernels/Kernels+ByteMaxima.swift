internal import CKernels

extension Kernels {
  /// out[S,N] = what the rows of each sequence may be at most for each query.
  ///
  /// That of a row is product + (error · byError + norm · byNorm) + offset, the product as `scan` has
  /// it: the same bits on every instruction set. No product is stored.
  ///
  /// - Parameters:
  ///   - rows: codes[M,K] and what belongs to them.
  ///   - queries: Q[N,K] of bytes.
  ///   - byError: Of the queries, up to the next multiple of 16.
  ///   - byNorm: As many.
  ///   - starts: S + 1 row numbers, ascending from 0 to M.
  ///   - added: The scores of the centroids that the rows are left of; nil where they are whole.
  ///   - rowStride: Bytes from one row to the next; K where it is left out.
  ///   - out: Room for S times N to the next multiple of 16, in rows of so many; -∞ of a sequence
  ///     without rows.
  package func largest(
    _ rows: ByteRows, _ queries: NarrowMatrix, byError: [Float], byNorm: [Float], starts: [Int],
    adding added: AddedScores? = nil, rowStride: Int? = nil, into out: AlignedBuffer
  ) {
    let width = (queries.rows + 15) / 16 * 16
    precondition(rowStride ?? queries.columns >= queries.columns, "largest: rows")
    precondition(added.map { $0.stride >= width } ?? true, "largest: numbers to be added")
    precondition(queries.precision == .int8, "largest: queries of \(queries.precision)")
    precondition(byError.count >= width && byNorm.count >= width, "largest: bounds of queries")
    precondition(
      starts.first == 0 && starts.last == rows.count
        && zip(starts, starts.dropFirst()).allSatisfy { $0 <= $1 }, "largest: sequences")
    precondition(out.count >= (starts.count - 1) * width, "largest: room for \(starts.count - 1)")
    var weights = queries.weights
    starts.withUnsafeBufferPointer { starts in
      byError.withUnsafeBufferPointer { byError in
        byNorm.withUnsafeBufferPointer { byNorm in
          var call = ck_most(
            sequences: starts.count - 1, starts: starts.baseAddress, codes: rows.codes,
            ld: rowStride ?? queries.columns, scales: rows.scales, errors: rows.errors,
            norms: rows.norms,
            offsets: rows.offsets, by_error: byError.baseAddress, by_norm: byNorm.baseAddress,
            added: added?.scores, lines: added?.lines, factors: added?.factors,
            lda: added?.stride ?? 0, out: out.pointer, ldo: width)
          withExtendedLifetime(queries) { table.pointee.most_s8(&call, &weights) }
        }
      }
    }
  }
}

/// Scores of centroids, of which rows are what is left: (product + score) · factor + offset, with the
/// scores in the line that a row names.
///
/// The memory belongs to somebody else and must live as long as the view is used.
package struct AddedScores {
  /// scores[lines, stride].
  package var scores: UnsafePointer<Float>
  package var stride: Int
  /// The line of each row.
  package var lines: UnsafePointer<Int32>
  /// What each row's sum is multiplied by.
  package var factors: UnsafePointer<Float>

  package init(
    scores: UnsafePointer<Float>, stride: Int, lines: UnsafePointer<Int32>,
    factors: UnsafePointer<Float>
  ) {
    self.scores = scores
    self.stride = stride
    self.lines = lines
    self.factors = factors
  }
}
