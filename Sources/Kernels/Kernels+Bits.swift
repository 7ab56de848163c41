internal import CKernels

/// Documents of one bit a number, in blocks.
///
/// The score of document i for query j is (sum · steps[j] + bases[j]) · scales[i] + offsets[i]. The
/// memory belongs to somebody else and must live as long as the view is used.
package struct BitRows {
  package var count: Int
  /// Bytes of a code, an even number.
  package var depth: Int
  /// codes[blocks, depth, 32]: byte `g` of a block's documents side by side.
  package var codes: UnsafePointer<UInt8>
  package var scales: UnsafePointer<Float>
  package var offsets: UnsafePointer<Float>

  /// Documents of a block.
  package static var block: Int { Int(CK_BITS_BLOCK) }

  package init(
    count: Int, depth: Int, codes: UnsafePointer<UInt8>, scales: UnsafePointer<Float>,
    offsets: UnsafePointer<Float>
  ) {
    self.count = count
    self.depth = depth
    self.codes = codes
    self.scales = scales
    self.offsets = offsets
  }
}

/// Queries as tables: what each combination of four signs adds to a sum, at most `most`.
package struct BitTables: Sendable {
  package let depth: Int
  /// tables[queries, depth, 2, 16]: of the lower and of the upper half of a byte.
  package let tables: [UInt8]
  package let steps: [Float]
  package let bases: [Float]

  /// The largest number of a table.
  package static var most: Int { Int(CK_BITS_MOST) }

  package init(depth: Int, tables: [UInt8], steps: [Float], bases: [Float]) {
    precondition(depth % 2 == 0, "codes of \(depth) bytes")
    precondition(
      tables.count == 32 * depth * steps.count && bases.count == steps.count,
      "\(tables.count) numbers of \(steps.count) queries")
    self.depth = depth
    self.tables = tables
    self.steps = steps
    self.bases = bases
  }
}

extension Kernels {
  /// Finds documents whose scores by bits are not below the threshold of the only query, and those whose
  /// scores are no finite numbers.
  ///
  /// - Parameters:
  ///   - documents: codes[M] and what belongs to them; the first begins a block.
  ///   - query: One query.
  ///   - threshold: Its threshold.
  ///   - results: Room for M; what it holds is replaced.
  package func scan(
    _ documents: BitRows, _ query: BitTables, threshold: Float, into results: ScanResults
  ) {
    precondition(query.steps.count == 1, "scan: one threshold of \(query.steps.count) queries")
    precondition(documents.depth == query.depth, "scan: codes of \(documents.depth) bytes")
    precondition(documents.count <= results.capacity, "scan: room for what is found")
    var found = results.call(rows: documents.count)
    withUnsafePointer(to: (threshold, query.steps[0], query.bases[0])) { numbers in
      let numbers = UnsafeRawPointer(numbers).assumingMemoryBound(to: Float.self)
      query.tables.withUnsafeBufferPointer { tables in
        found.thresholds = numbers
        var call = ck_bits(
          found: found, n: 1, depth: documents.depth, codes: documents.codes,
          scales: documents.scales, offsets: documents.offsets, tables: tables.baseAddress,
          steps: numbers + 1, bases: numbers + 2)
        results.count = table.pointee.scan_bits(&call)
      }
    }
  }

  /// Finds documents whose scores by bits are not below a query's threshold, and those whose scores
  /// are no finite numbers.
  ///
  /// - Parameters:
  ///   - documents: codes[M] and what belongs to them; the first begins a block.
  ///   - queries: N queries.
  ///   - thresholds: [N].
  ///   - results: Room for M · N; what it holds is replaced.
  package func scan(
    _ documents: BitRows, _ queries: BitTables, thresholds: [Float], into results: ScanResults
  ) {
    let n = queries.steps.count
    precondition(documents.depth == queries.depth, "scan: codes of \(documents.depth) bytes")
    precondition(thresholds.count == n, "scan: thresholds of \(n) queries")
    precondition(documents.count * n <= results.capacity, "scan: room for what is found")
    thresholds.withUnsafeBufferPointer { thresholds in
      queries.tables.withUnsafeBufferPointer { tables in
        queries.steps.withUnsafeBufferPointer { steps in
          queries.bases.withUnsafeBufferPointer { bases in
            var found = results.call(rows: documents.count)
            found.thresholds = thresholds.baseAddress
            var call = ck_bits(
              found: found, n: n, depth: documents.depth, codes: documents.codes,
              scales: documents.scales, offsets: documents.offsets, tables: tables.baseAddress,
              steps: steps.baseAddress, bases: bases.baseAddress)
            results.count = table.pointee.scan_bits(&call)
          }
        }
      }
    }
  }
}
