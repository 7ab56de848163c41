internal import CKernels

extension Kernels {
  /// sums[blocks, 32] = what a query's tables say of the halves of each code's bytes, modulo 2^16.
  ///
  /// The sum of a code is Σ tables[g, 0, byte mod 16] + tables[g, 1, byte / 16] over its bytes g: with
  /// 16 combinations of four signs for codes of one bit a number, and with the 16 centroids of two
  /// subspaces for product quantisers of four bits. The bits are the same on every instruction set.
  /// Andre, Kermarrec and Le Scouarnec, "Quicker ADC", arXiv:1812.09162.
  ///
  /// - Parameters:
  ///   - blocks: Blocks of `BitRows.block` codes.
  ///   - depth: Bytes of a code.
  ///   - codes: codes[blocks, depth, 32]: byte g of a block's codes side by side.
  ///   - tables: tables[depth, 2, 16]: for the lower and for the upper half of byte g.
  ///   - most: At least the largest number of the tables; up to `BitTables.most` it is faster. Sums
  ///     are exact where 2 · depth · most is below 65536.
  ///   - sums: Room for 32 numbers a block.
  @inline(__always)
  package func lookUp(
    blocks: Int, depth: Int, codes: UnsafePointer<UInt8>, tables: UnsafePointer<UInt8>, most: Int,
    into sums: UnsafeMutablePointer<UInt16>
  ) {
    table.pointee.lookup_sums(blocks, depth, codes, tables, Int32(truncatingIfNeeded: most), sums)
  }
}
