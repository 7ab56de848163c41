import Kernels

/// Queries, keys and values of the tokens, and keys and queries of the distances, as matrices.
private struct DisentangledCall {
  let kernels: Kernels
  let options: DisentangledOptions
  let qkv: Matrix
  let keys: Matrix?
  let queries: Matrix?
  let batch: PackedBatch
  let rows: [Int]

  init(
    _ kernels: Kernels, _ options: DisentangledOptions, _ qkv: Matrix, _ keys: Matrix?,
    _ queries: Matrix?, _ batch: PackedBatch
  ) {
    precondition(batch.sets.isEmpty, "distances between sequences")
    self.kernels = kernels
    self.options = options
    self.qkv = qkv
    self.keys = keys
    self.queries = queries
    self.batch = batch
    rows = options.buckets.rows(max(batch.longest, 1))
  }

  var width: Int { qkv.columns / 3 }
  var headWidth: Int { width / options.heads }

  func columns(_ head: Int, of part: Int = 0) -> Range<Int> {
    part * width + head * headWidth..<part * width + (head + 1) * headWidth
  }

  func head(_ index: Int, _ sequence: Int) -> DisentangledHead {
    let tokens = batch.range(sequence)
    let (count, longest) = (tokens.count, (rows.count + 1) / 2)
    let own = columns(index)
    return DisentangledHead(
      kernels: kernels, options: options, queries: qkv.view.view[tokens, own],
      keys: qkv.view.view[tokens, columns(index, of: 1)],
      values: qkv.view.view[tokens, columns(index, of: 2)],
      keysOfDistances: keys?.view.view.columns(own),
      queriesOfDistances: queries?.view.view.columns(own),
      keep: batch.hidesTokens ? batch.attended[tokens] : nil,
      rows: Array(rows[longest - count..<longest + count - 1]))
  }
}

extension Inference {
  package func disentangledAttention(
    _ qkv: Matrix, keys: Matrix?, queries: Matrix?, _ batch: PackedBatch,
    _ options: DisentangledOptions
  ) -> Matrix {
    let call = DisentangledCall(kernels, options, qkv, keys, queries, batch)
    let out = matrix(batch.tokens, call.width)
    for sequence in 0..<batch.sequences {
      for index in 0..<options.heads {
        let head = call.head(index, sequence)
        head.weights().withRows(head.length) { weights in
          head.product(
            weights, plain: head.values,
            into: out.view[batch.range(sequence), call.columns(index)])
        }
      }
    }
    return out
  }
}

extension Tape {
  package func disentangledAttention(
    _ qkv: Recorded, keys: Recorded?, queries: Recorded?, _ batch: PackedBatch,
    _ options: DisentangledOptions
  ) -> Recorded {
    let call = DisentangledCall(kernels, options, qkv.value, keys?.value, queries?.value, batch)
    let masks = nextMasks(options.dropout, batch)
    let out = matrix(batch.tokens, call.width)
    forEach(batch.sequences) { [self] sequence, _ in
      for index in 0..<options.heads {
        let head = call.head(index, sequence)
        var weights = head.weights()
        drop(masks?[sequence], index, head.length, &weights)
        weights.withRows(head.length) {
          head.product(
            $0, plain: head.values, into: out.view[batch.range(sequence), call.columns(index)])
        }
      }
    }
    let inputs = [qkv, keys, queries].compactMap { $0 }
    return record(out, from: inputs) { [unowned self] derivative in
      adjoint(call, masks, derivative)
    }
  }

  /// Drops weights[L,L] of a head, row by row.
  private func drop(_ mask: Dropout?, _ head: Int, _ length: Int, _ weights: inout [Float]) {
    guard var mask else { return }
    let (first, stride) = (mask.index, UInt64((length + 63) / 64 * 64))
    weights.withUnsafeMutableBufferPointer { weights in
      for row in 0..<length {
        mask.index = first + UInt64(head * length + row) * stride
        let part = UnsafeMutableBufferPointer(
          rebasing: weights[row * length..<(row + 1) * length])
        kernels.applyDropout(mask, to: UnsafeBufferPointer(part), into: part)
      }
    }
  }

  /// Derivatives by queries, keys and values, and by the keys and queries of distances.
  private func adjoint(
    _ call: DisentangledCall, _ masks: [Dropout]?, _ dy: Matrix
  ) -> [Matrix] {
    let (batch, width) = (call.batch, call.width)
    let dx = matrix(call.qkv.rows, call.qkv.columns)
    let span = 2 * call.options.buckets.span
    // Those by the tables, of each sequence by itself.
    let byKeys = call.keys.map { _ in zeros(batch.sequences * span, width) }
    let byQueries = call.queries.map { _ in zeros(batch.sequences * span, width) }
    forEach(batch.sequences) { [self] sequence, _ in
      let tables = sequence * span..<(sequence + 1) * span
      for index in 0..<call.options.heads {
        adjoint(
          call, index, sequence, masks?[sequence], dy, into: dx,
          byKeys?.view[tables, call.columns(index)], byQueries?.view[tables, call.columns(index)])
      }
    }
    return [dx] + [byKeys, byQueries].compactMap { $0 }.map { sum($0, rows: span) }
  }

  /// The sum of matrices on top of each other, in their order.
  private func sum(_ parts: Matrix, rows: Int) -> Matrix {
    let total = zeros(rows, parts.columns)
    for first in stride(from: 0, to: parts.rows, by: rows) {
      for row in 0..<rows {
        kernels.addScaled(parts.row(first + row), by: 1, to: total.mutableRow(row))
      }
    }
    return total
  }

  private func adjoint(
    _ call: DisentangledCall, _ index: Int, _ sequence: Int, _ mask: Dropout?, _ dy: Matrix,
    into dx: Matrix, _ byKeys: MutableMatrixView?, _ byQueries: MutableMatrixView?
  ) {
    let (head, tokens) = (call.head(index, sequence), call.batch.range(sequence))
    let (count, span) = (head.length, 2 * call.options.buckets.span)
    let output = dy.view.view[tokens, call.columns(index)]
    let weights = head.weights()
    var (kept, slopes) = (weights, head.product(output, head.values))
    drop(mask, index, count, &kept)
    drop(mask, index, count, &slopes)
    for i in 0..<count {
      var mean: Float = 0
      for j in 0..<count { mean += weights[i * count + j] * slopes[i * count + j] }
      for j in 0..<count {
        let place = i * count + j
        slopes[place] = weights[place] * (slopes[place] - mean) * call.options.scale
      }
    }
    func part(_ number: Int) -> MutableMatrixView {
      dx.view[tokens, call.columns(index, of: number)]
    }
    kept.turned(count).withRows(count) { head.product($0, plain: output, into: part(2)) }
    slopes.withRows(count) { head.product($0, plain: head.keys, into: part(0)) }
    slopes.turned(count).withRows(count) { head.product($0, plain: head.queries, into: part(1)) }
    let distances = head.byDistances(slopes)
    if let table = head.keysOfDistances, let byKeys {
      distances.queries.withRows(span) { accumulate(head, $0, plain: table, into: part(0)) }
      distances.queries.turned(span).withRows(count) {
        head.product($0, plain: head.queries, into: byKeys)
      }
    }
    if let table = head.queriesOfDistances, let byQueries {
      distances.keys.withRows(span) { accumulate(head, $0, plain: table, into: part(1)) }
      distances.keys.turned(span).withRows(count) {
        head.product($0, plain: head.keys, into: byQueries)
      }
    }
  }

  /// c += a[M,K] · b[K,N].
  ///
  /// Several workers do this at once: the memory is no matrix of the tape, whose arena is of one.
  private func accumulate(
    _ head: DisentangledHead, _ a: MatrixView, plain b: MatrixView, into c: MutableMatrixView
  ) {
    let more = AlignedBuffer(count: c.rows * c.columns)
    head.product(a, plain: b, into: more.matrix(rows: c.rows, columns: c.columns))
    for row in 0..<c.rows {
      kernels.addScaled(
        UnsafeBufferPointer(start: more.pointer + row * c.columns, count: c.columns), by: 1,
        to: UnsafeMutableBufferPointer(start: c.base + row * c.stride, count: c.columns))
    }
    withExtendedLifetime(more) {}
  }
}
