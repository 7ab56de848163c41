import Failures
import Kernels
import Tensors

extension StreamSchema {
  /// The schema of the same records with vectors of another type, of those that need no scales.
  package func storing(_ type: ElementType) -> StreamSchema {
    precondition(type != .i8, "vectors of bytes need scales")
    var schema = self
    for place in schema.columns.indices where schema.columns[place].name == "embeddings" {
      schema.columns[place].type = type
    }
    return schema
  }
}

extension TensorSegment {
  /// Some records with their vectors in half precision, each number rounded to the nearest.
  ///
  /// - Parameters:
  ///   - range: The records, of vectors in single precision.
  ///   - kernels: What rounds.
  /// - Returns: A segment of these alone.
  /// - Throws: 65 for a number that half precision does not have.
  package func halved(_ range: Range<Int>, _ kernels: Kernels) throws(Failure) -> TensorSegment {
    let halves = RowCodec(.f16, kernels)
    var builder = SegmentBuilder(
      schema.storing(.f16), description, first: first + range.lowerBound)
    for index in range {
      let columns = schema.columns.indices.map { column -> [UInt8] in
        guard schema.columns[column].name == "embeddings" else {
          return withValues(index, column: column) { Array($0) }
        }
        return halves.encode(values(index, column: column, as: Float.self)).values
      }
      for (column, bytes) in columns.enumerated()
      where schema.columns[column].name == "embeddings" {
        try checkHalves(bytes, index, column)
      }
      builder.append(id: id(index), items: items(index), columns)
    }
    return builder.segment
  }

  private func checkHalves(_ bytes: [UInt8], _ index: Int, _ column: Int) throws(Failure) {
    // All bits of the exponent are set in what is not finite.
    let bad = stride(from: 1, to: bytes.count, by: 2).first { bytes[$0] & 0x7C == 0x7C }
    guard let bad else { return }
    let value = values(index, column: column, as: Float.self)[bad / 2]
    throw .data(
      "document \(String(decoding: id(index), as: UTF8.self))",
      value.isFinite
        ? "\(value) is too large for two bytes a number"
        : "expected finite embeddings, found \(value)")
  }
}
