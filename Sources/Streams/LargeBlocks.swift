import CSystem

/// Large blocks of memory, which come from the system and go back to it one by one.
package enum LargeBlocks {
  /// Bytes of the smallest.
  private static let fewestBytes: Int32 = 4 << 20

  /// Whether they do, from the first time on that somebody asks.
  ///
  /// Left to itself the C library keeps freed blocks of up to 32 MiB. What the layers of a model are packed
  /// from then stays between the packed layers: half as much again as the weights.
  package static let areReturned = mallopt(M_MMAP_THRESHOLD, fewestBytes) == 1
}
