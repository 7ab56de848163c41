internal import CKernels

/// Documents of bytes, ready to be compared with queries of bytes; and what bounds their scores.
///
/// Document i is `codes[i, K] * scales[i]`, and its score for query j is at most the product
/// + offsets[i] + errors[i] * byError[j] + norms[i] * byNorm[j] + byNone[j]. The memory belongs to
/// somebody else and must live as long as the view is used.
package struct ByteRows {
  package var count: Int
  package var codes: UnsafePointer<Int8>
  package var scales: UnsafePointer<Float>
  package var errors: UnsafePointer<Float>
  package var norms: UnsafePointer<Float>
  /// nil for zeros.
  package var offsets: UnsafePointer<Float>?

  package init(
    count: Int, codes: UnsafePointer<Int8>, scales: UnsafePointer<Float>,
    errors: UnsafePointer<Float>, norms: UnsafePointer<Float>, offsets: UnsafePointer<Float>?
  ) {
    self.count = count
    self.codes = codes
    self.scales = scales
    self.errors = errors
    self.norms = norms
    self.offsets = offsets
  }
}

/// What bounds the scores of documents whose products are known.
///
/// A score for query j is at most the product + offsets[i] + errors[i] * byError[j]
/// + norms[i] * byNorm[j] + byNone[j]. The memory belongs to somebody else and must live as long as
/// the view is used.
package struct RowBounds {
  package var errors: UnsafePointer<Float>
  package var norms: UnsafePointer<Float>
  /// nil for zeros.
  package var offsets: UnsafePointer<Float>?

  package init(
    errors: UnsafePointer<Float>, norms: UnsafePointer<Float>, offsets: UnsafePointer<Float>?
  ) {
    self.errors = errors
    self.norms = norms
    self.offsets = offsets
  }
}

/// What turns a document's error and norm into the bound of its score, for each query.
package struct ScoreBounds: Sendable {
  package var byError: [Float]
  package var byNorm: [Float]
  package var byNone: [Float]

  package init(byError: [Float], byNorm: [Float], byNone: [Float]) {
    self.byError = byError
    self.byNorm = byNorm
    self.byNone = byNone
  }
}

/// Rows and columns that a scan found, with their products; memory that is used again and again.
///
/// Not `Sendable`: a worker has its own.
package final class ScanResults {
  private(set) var capacity = 0
  private let rows: UnsafeMutablePointer<Int32>
  private let columns: UnsafeMutablePointer<Int32>
  private let scores: UnsafeMutablePointer<Float>
  package internal(set) var count = 0

  package init(capacity: Int) {
    self.capacity = capacity
    rows = .allocate(capacity: capacity)
    columns = .allocate(capacity: capacity)
    scores = .allocate(capacity: capacity)
  }

  deinit {
    rows.deallocate()
    columns.deallocate()
    scores.deallocate()
  }

  /// A call that writes its results here, of so many documents and nothing else.
  func call(rows count: Int) -> ck_scan {
    ck_scan(
      m: count, codes: nil, ld: 0, scales: nil, errors: nil, norms: nil, offsets: nil,
      by_error: nil, by_norm: nil, by_none: nil, thresholds: nil, found_rows: rows,
      found_columns: columns, found_scores: scores)
  }

  /// What was found at a place: of one column rows ascend.
  package subscript(index: Int) -> (row: Int, column: Int, score: Float) {
    precondition(index >= 0 && index < count, "result \(index) of \(count)")
    return (Int(rows[index]), Int(columns[index]), scores[index])
  }
}

extension Kernels {
  /// Finds documents whose scores may reach a query's threshold.
  ///
  /// A product is an exact sum of integers, converted and multiplied by the product of both scales
  /// in single precision: the same bits on every instruction set. A score that is no number is found.
  ///
  /// - Parameters:
  ///   - documents: codes[M,K] and what belongs to them.
  ///   - queries: Q[N,K] of bytes.
  ///   - bounds: Of the N queries.
  ///   - thresholds: [N]; documents that must be below them are not found.
  ///   - results: Room for M · N; what it holds is replaced.
  package func scan(
    _ documents: ByteRows, _ queries: NarrowMatrix, _ bounds: ScoreBounds, thresholds: [Float],
    into results: ScanResults
  ) {
    let n = queries.rows
    precondition(queries.precision == .int8, "scan: queries of \(queries.precision)")
    precondition(
      bounds.byError.count == n && bounds.byNorm.count == n && bounds.byNone.count == n
        && thresholds.count == n, "scan: bounds of \(n) queries")
    precondition(documents.count * n <= results.capacity, "scan: room for what is found")
    var weights = queries.weights
    var call = results.call(rows: documents.count)
    call.codes = documents.codes
    call.ld = queries.columns
    call.scales = documents.scales
    call.errors = documents.errors
    call.norms = documents.norms
    call.offsets = documents.offsets
    bounds.with(thresholds, &call) { call in
      results.count = withExtendedLifetime(queries) { table.pointee.scan_s8(&call, &weights) }
    }
  }

  /// Finds documents whose scores may reach a query's threshold, of products that are known.
  ///
  /// A score that is no number is found.
  ///
  /// - Parameters:
  ///   - products: products[M,N] of documents and queries.
  ///   - documents: What bounds the scores of the M documents.
  ///   - bounds: Of the N queries.
  ///   - thresholds: [N]; documents that must be below them are not found.
  ///   - results: Room for M · N; what it holds is replaced.
  package func select(
    _ products: MatrixView, _ documents: RowBounds, _ bounds: ScoreBounds, thresholds: [Float],
    into results: ScanResults
  ) {
    select(products, documents, bounds, thresholds, results)
  }

  /// Finds scores that are not below a query's threshold, and those that are no finite numbers.
  ///
  /// - Parameters:
  ///   - scores: scores[M,N] of documents and queries.
  ///   - thresholds: [N].
  ///   - results: Room for M · N; what it holds is replaced.
  package func select(_ scores: MatrixView, thresholds: [Float], into results: ScanResults) {
    select(
      scores, nil, ScoreBounds(byError: [], byNorm: [], byNone: []), thresholds, results)
  }

  private func select(
    _ products: MatrixView, _ documents: RowBounds?, _ bounds: ScoreBounds, _ thresholds: [Float],
    _ results: ScanResults
  ) {
    let n = products.columns
    precondition(thresholds.count == n, "select: thresholds of \(n) queries")
    precondition(
      documents == nil
        || bounds.byError.count == n && bounds.byNorm.count == n
          && bounds.byNone.count == n,
      "select: bounds of \(n) queries")
    precondition(products.rows * n <= results.capacity, "select: room for what is found")
    var call = results.call(rows: products.rows)
    call.errors = documents?.errors
    call.norms = documents?.norms
    call.offsets = documents?.offsets
    bounds.with(thresholds, &call) { call in
      results.count = table.pointee.select_f32(&call, products.base, products.stride, n)
    }
  }
}

extension ScoreBounds {
  /// Calls `body` with a call that has the bounds and thresholds of all queries.
  fileprivate func with(
    _ thresholds: [Float], _ call: inout ck_scan, _ body: (inout ck_scan) -> Void
  ) {
    byError.withUnsafeBufferPointer { byError in
      byNorm.withUnsafeBufferPointer { byNorm in
        byNone.withUnsafeBufferPointer { byNone in
          thresholds.withUnsafeBufferPointer { thresholds in
            call.by_error = byError.baseAddress
            call.by_norm = byNorm.baseAddress
            call.by_none = byNone.baseAddress
            call.thresholds = thresholds.baseAddress
            body(&call)
          }
        }
      }
    }
  }
}
