import Failures
import Tensors

extension TensorSegment {
  /// Refuses single precision values of a record, of vectors or of scales, that are no finite numbers.
  ///
  /// - Throws: 65 for the first of them.
  func checkFinite(_ index: Int) throws(Failure) {
    for column in schema.columns.indices where schema.columns[column].type == .f32 {
      let notFinite: Float? = withValues(index, column: column) { bytes in
        for place in stride(from: 0, to: bytes.count, by: 4) {
          let value = bytes.loadUnaligned(fromByteOffset: place, as: Float.self)
          if !value.isFinite { return value }
        }
        return nil
      }
      if let notFinite {
        throw .data(
          "document \(String(decoding: id(index), as: UTF8.self))",
          "expected finite \(schema.columns[column].name), found \(notFinite)")
      }
    }
  }
}
