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
  ///   - out: Room for S times N to the next multiple of 16, in rows of so many; -∞ of a sequence
  ///     without rows.
  package func largest(
    _ rows: ByteRows, _ queries: NarrowMatrix, byError: [Float], byNorm: [Float], starts: [Int],
    into out: AlignedBuffer
  ) {
    let width = (queries.rows + 15) / 16 * 16
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
            ld: queries.columns, scales: rows.scales, errors: rows.errors, norms: rows.norms,
            offsets: rows.offsets, by_error: byError.baseAddress, by_norm: byNorm.baseAddress,
            out: out.pointer, ldo: width)
          withExtendedLifetime(queries) { table.pointee.most_s8(&call, &weights) }
        }
      }
    }
  }
}
