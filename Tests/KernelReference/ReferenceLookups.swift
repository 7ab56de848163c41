extension Reference {
  /// Sums of what tables say of the halves of codes' bytes, modulo 2^16.
  ///
  /// - Parameters:
  ///   - codes: codes[blocks, depth, 32].
  ///   - tables: tables[depth, 2, 16].
  ///   - depth: Bytes of a code.
  /// - Returns: sums[blocks, 32].
  package static func lookUpSums(_ codes: [UInt8], _ tables: [UInt8], depth: Int) -> [UInt16] {
    (0..<codes.count / depth).map { document in
      let first = document / 32 * depth * 32 + document % 32
      var sum = 0
      for g in 0..<depth {
        let byte = Int(codes[first + 32 * g])
        sum += Int(tables[32 * g + byte % 16]) + Int(tables[32 * g + 16 + byte / 16])
      }
      return UInt16(truncatingIfNeeded: sum)
    }
  }
}
