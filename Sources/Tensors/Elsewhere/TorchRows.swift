import Failures
import Streams

/// The matrix that Lightning IR's exact index keeps: one tensor of single precision, mapped.
///
/// Format: Lightning IR `retrieve/pytorch/dense_indexer.py`, `torch.save(index, "index.pt")`.
struct TorchRows: NumberRows {
  private let tensors: TorchFile
  private let entry: SafeTensorsHeader.Entry

  /// - Parameter path: The file.
  /// - Throws: 65 and 66 for a file that is damaged or not there, 78 for one that holds anything but
  ///   one matrix of single precision.
  init(_ path: String) throws(Failure) {
    tensors = try TorchFile(path)
    guard let entry = tensors.entry("") else {
      throw .config(
        path, "expected one tensor, found \(tensors.entries.count) with names",
        hint: "weights of a model are no vectors; --model takes their folder")
    }
    guard entry.type == .f32, entry.shape.count == 2,
      (1...StreamLimits.maximumWidth).contains(entry.shape[1])
    else {
      throw .config(
        path, "expected a matrix of F32, found \(entry.type.rawValue) of shape \(entry.shape)")
    }
    self.entry = entry
  }

  var file: MappedFile { tensors.mapped }
  var count: Int { entry.shape[0] }
  var dimension: Int { entry.shape[1] }
  var similarity: String? { nil }
  var hasNumbers: Bool { false }
  func number(_ row: Int) -> Int64 { preconditionFailure("a matrix has no numbers of its rows") }

  func row(_ row: Int) -> [Float] {
    let bytes = tensors.bytes(entry)
    return (0..<dimension).map {
      bytes.loadUnaligned(fromByteOffset: 4 * (row * dimension + $0), as: Float.self)
    }
  }
}
