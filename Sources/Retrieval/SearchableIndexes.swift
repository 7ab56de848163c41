import Failures
import IndexFormat
import Kernels
import Tensors
import Workers

/// Opens indexes of every type.
package enum SearchableIndexes {
  package static func open(
    _ folder: IndexFolder, _ kernels: Kernels, _ pool: WorkerPool
  ) throws(Failure) -> any SearchableIndex {
    switch folder.manifest.kind {
    case .flat: return try FlatIndex(folder, kernels, pool)
    case .sparse: return try SparseIndex(folder, pool)
    }
  }
}

/// Vectors of dense streams in single precision.
package enum StoredVectors {
  /// The embedding of record `index`.
  ///
  /// `column`: the embeddings' place among the columns; scales of int8 stand behind it.
  package static func floats(
    _ segment: TensorSegment, _ index: Int, column: Int = 0, _ kernels: Kernels
  ) -> [Float] {
    let form = segment.schema.columns[column]
    switch form.type {
    case .f16, .bf16:
      let halves = segment.values(index, column: column, as: UInt16.self)
      var floats = [Float](repeating: 0, count: halves.count)
      halves.withUnsafeBufferPointer { source in
        floats.withUnsafeMutableBufferPointer {
          kernels.widen(
            source, form.type == .f16 ? .float16 : .bfloat16, into: $0)
        }
      }
      return floats
    case .i8:
      let scales = segment.values(index, column: column + 1, as: Float.self)
      let width = form.width ?? 1
      return segment.values(index, column: column, as: Int8.self).enumerated().map {
        Float($1) * scales[$0 / width]
      }
    default: return segment.values(index, column: column, as: Float.self)
    }
  }
}
