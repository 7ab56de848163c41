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
