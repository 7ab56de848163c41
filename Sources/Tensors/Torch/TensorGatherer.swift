import Failures

/// Copies tensors whose elements do not lie in order, such as transposed ones.
///
/// Tensors may share a storage, so that a small file can name many large ones: equal ones share a
/// copy, and all copies together are bounded by the size of the file.
struct TensorGatherer {
  private let source: UnsafeRawBufferPointer
  /// Copies by the names of the tensors.
  private(set) var copies: [String: [UInt8]] = [:]
  private var known: [View: [UInt8]] = [:]
  private var total = 0

  /// Bytes of all copies, as a multiple of the file's: a file has each tensor once, some twice.
  private static let mostOfFile = 4

  /// What a tensor's elements depend on.
  private struct View: Hashable {
    let start: Int
    let size: Int
    let shape: [Int]
    let strides: [Int]
  }

  init(_ source: UnsafeRawBufferPointer) { self.source = source }

  /// Copies the elements in the order of their indices.
  ///
  /// - Parameters:
  ///   - name: The tensor's.
  ///   - tensor: The tensor, all of whose elements lie in its storage.
  ///   - start: Where its first element is in the file.
  ///   - path: The file.
  /// - Throws: 65 where the copies would be much larger than the file.
  mutating func gather(
    _ name: String, _ tensor: PickleTensor, from start: Int, at path: String
  ) throws(Failure) {
    let size = tensor.storage.type.size
    let view = View(start: start, size: size, shape: tensor.shape, strides: tensor.strides)
    if let copy = known[view] {
      copies[name] = copy
      return
    }
    // No more than the storage has, which lies in the file.
    let count = size * tensor.shape.reduce(1, *)
    total += count
    guard total <= Self.mostOfFile * source.count else {
      throw .data(
        path,
        "tensor \(name): tensors that share storages would take more than \(Self.mostOfFile) times "
          + "the file's \(source.count) bytes")
    }
    var copy: [UInt8] = []
    copy.reserveCapacity(count)
    var index = [Int](repeating: 0, count: tensor.shape.count)
    while copy.count < count {
      let place = start + size * zip(index, tensor.strides).reduce(0) { $0 + $1.0 * $1.1 }
      copy.append(contentsOf: source[place..<place + size])
      for axis in index.indices.reversed() {
        index[axis] += 1
        if index[axis] < tensor.shape[axis] { break }
        index[axis] = 0
      }
    }
    known[view] = copy
    copies[name] = copy
  }
}
