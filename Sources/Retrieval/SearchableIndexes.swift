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
  package static func floats(
    _ segment: TensorSegment, _ index: Int, _ kernels: Kernels
  ) -> [Float] {
    switch segment.schema.columns[0].type {
    case .f16, .bf16:
      let halves = segment.values(index, column: 0, as: UInt16.self)
      var floats = [Float](repeating: 0, count: halves.count)
      halves.withUnsafeBufferPointer { source in
        floats.withUnsafeMutableBufferPointer {
          kernels.widen(
            source, segment.schema.columns[0].type == .f16 ? .float16 : .bfloat16, into: $0)
        }
      }
      return floats
    case .i8:
      let scale = segment.values(index, column: 1, as: Float.self).first ?? 0
      return segment.values(index, column: 0, as: Int8.self).map { Float($0) * scale }
    default: return segment.values(index, column: 0, as: Float.self)
    }
  }
}
