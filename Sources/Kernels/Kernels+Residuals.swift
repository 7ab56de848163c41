internal import CKernels

/// Documents as the centroids of their vectors.
///
/// The memory belongs to somebody else and must live as
/// long as the view is used.
package enum CentroidNumbers {
  case narrow(UnsafePointer<UInt16>)
  case wide(UnsafePointer<Int32>)
}

/// Scores of centroids for the vectors of one query, as levels from 0 to 255.
package struct CentroidLevels {
  /// levels[centroids, width].
  package var levels: UnsafePointer<UInt8>
  /// A multiple of 16.
  package var width: Int
  /// For each centroid, whether its vectors count; nil where all do.
  package var kept: UnsafePointer<UInt8>?
  /// Whether a document's score is its largest level, and not the sum over the query's vectors.
  package var takesLargest: Bool

  package init(
    levels: UnsafePointer<UInt8>, width: Int, kept: UnsafePointer<UInt8>?, takesLargest: Bool
  ) {
    precondition(width % 16 == 0, "levels of \(width) columns")
    self.levels = levels
    self.width = width
    self.kept = kept
    self.takesLargest = takesLargest
  }
}

extension Kernels {
  /// Takes codes of a few bits a number apart: out[rows, size · 8 / bits], the bytes that they stand for.
  ///
  /// Byte j of a code holds the numbers j, j + size, j + 2 size and so on, the first in its lowest bits.
  ///
  /// - Parameters:
  ///   - rows: How many codes.
  ///   - bits: 1, 2 or 4.
  ///   - size: Bytes of a code.
  ///   - codes: codes[rows, size].
  ///   - values: What each code of `bits` bits stands for; sixteen bytes, of which the first count.
  ///   - out: Room for them.
  package func expand(
    rows: Int, bits: Int, size: Int, _ codes: UnsafePointer<UInt8>, _ values: [Int8],
    into out: UnsafeMutablePointer<Int8>
  ) {
    precondition([1, 2, 4].contains(bits) && values.count == 16, "expand: \(bits) bits")
    values.withUnsafeBufferPointer {
      table.pointee.expand(rows, Int32(bits), size, codes, $0.baseAddress, out)
    }
  }

  /// Codes of a few bits a number, which `expand` takes apart: of each number how many cutoffs it
  /// exceeds.
  ///
  /// - Parameters:
  ///   - rows: x[M,K], without room between rows.
  ///   - bits: 1, 2 or 4.
  ///   - cutoffs: 2^bits - 1 numbers, ascending.
  ///   - size: Bytes of a code.
  ///   - out: Room for codes[M, size].
  package func compress(
    _ rows: MatrixView, bits: Int, cutoffs: [Float], size: Int,
    into out: UnsafeMutablePointer<UInt8>
  ) {
    precondition(
      [1, 2, 4].contains(bits) && cutoffs.count == 1 << bits - 1 && rows.stride == rows.columns
        && size * 8 >= rows.columns * bits, "compress: \(bits) bits")
    cutoffs.withUnsafeBufferPointer {
      table.pointee.compress_f32(
        rows.rows, rows.columns, Int32(bits), rows.base, $0.baseAddress, size, out)
    }
  }

  /// out[rows, width] = (scores - lows) · inverse to the nearest, from 0 to 255; 0 behind the scores.
  ///
  /// - Parameters:
  ///   - scores: Of rows with a multiple of 16 columns.
  ///   - lows: What becomes 0, for each column.
  ///   - inverse: Levels of a difference of 1.
  ///   - width: At least the columns.
  ///   - out: Room for them.
  package func levels(
    _ scores: MatrixView, lows: [Float], inverse: Float, width: Int,
    into out: UnsafeMutablePointer<UInt8>
  ) {
    precondition(
      scores.columns % 16 == 0 && lows.count == scores.columns && width >= scores.columns,
      "levels of \(scores.columns) columns")
    lows.withUnsafeBufferPointer {
      table.pointee.levels_f32(
        scores.rows, scores.columns, scores.base, scores.stride, $0.baseAddress, inverse, width, out
      )
    }
  }

  /// The least and the largest number of each column; infinities of no rows.
  package func columnRanges(_ scores: MatrixView) -> (lows: [Float], highs: [Float]) {
    precondition(scores.columns % 16 == 0, "ranges of \(scores.columns) columns")
    var lows = [Float](repeating: 0, count: scores.columns)
    var highs = lows
    table.pointee.column_ranges_f32(
      scores.rows, scores.columns, scores.base, scores.stride, &lows, &highs)
    return (lows, highs)
  }

  /// out[row] = 1 where a number of the row is not below its column's threshold, else 0.
  package func reaching(
    _ scores: MatrixView, thresholds: [Float], into out: UnsafeMutablePointer<UInt8>
  ) {
    precondition(
      scores.columns % 16 == 0 && thresholds.count == scores.columns,
      "thresholds of \(scores.columns) columns")
    thresholds.withUnsafeBufferPointer {
      table.pointee.reaching_f32(
        scores.rows, scores.columns, scores.base, scores.stride, $0.baseAddress, out)
    }
  }

  /// What documents reach by the centroids of their vectors alone: for each vector of the query the
  /// largest level, summed, or the largest of all.
  ///
  /// - Parameters:
  ///   - numbers: The centroid of every vector.
  ///   - firsts: The first vector of each document.
  ///   - counts: Its vectors.
  ///   - levels: The centroids' levels.
  ///   - out: Room for a number a document.
  package func interact(
    _ numbers: CentroidNumbers, firsts: [Int64], counts: [Int64], _ levels: CentroidLevels,
    into out: inout [Int32]
  ) {
    precondition(firsts.count == counts.count && out.count >= firsts.count, "interact: room")
    var narrow: UnsafePointer<UInt16>?
    var wide: UnsafePointer<Int32>?
    switch numbers {
    case .narrow(let numbers): narrow = numbers
    case .wide(let numbers): wide = numbers
    }
    firsts.withUnsafeBufferPointer { firsts in
      counts.withUnsafeBufferPointer { counts in
        out.withUnsafeMutableBufferPointer { out in
          var call = ck_levels(
            documents: firsts.count, firsts: firsts.baseAddress, counts: counts.baseAddress,
            narrow: narrow, wide: wide, levels: levels.levels, width: levels.width,
            kept: levels.kept, takes_largest: levels.takesLargest ? 1 : 0, out: out.baseAddress)
          table.pointee.interact(&call)
        }
      }
    }
  }

  /// The rows with the largest numbers of each column, best first, of equal ones the first row.
  ///
  /// - Parameters:
  ///   - scores: scores[M,N].
  ///   - count: How many of each column, at least one.
  /// - Returns: places[N, count], -1 where there are fewer rows.
  package func leaders(_ scores: MatrixView, count: Int) -> [Int32] {
    precondition(count > 0, "leaders: none")
    var best = [Float](repeating: 0, count: scores.columns * count)
    return [Int32](unsafeUninitializedCapacity: scores.columns * count) { places, filled in
      best.withUnsafeMutableBufferPointer {
        table.pointee.leaders_f32(
          scores.rows, scores.columns, scores.base, scores.stride, count, places.baseAddress,
          $0.baseAddress)
      }
      filled = scores.columns * count
    }
  }
}
