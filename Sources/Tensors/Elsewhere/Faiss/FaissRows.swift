import Failures

/// The vectors of a faiss index, mapped: those that it keeps, or what its codes stand for.
struct FaissRows: NumberRows {
  let file: MappedFile
  private let index: FaissIndex

  /// - Parameter path: The file.
  /// - Throws: 65 and 66 for a file that is damaged or not there, 78 for a kind of index that is not
  ///   read.
  init(_ path: String) throws(Failure) {
    file = try MappedFile(path)
    var reader = FaissReader(file)
    index = try reader.index()
    guard reader.place == file.bytes.count else {
      throw .data(path, "expected the file's end at byte \(reader.place), found more")
    }
  }

  var count: Int { index.count }
  var dimension: Int { index.dimension }

  /// Distances of vectors of unit length rank as cosines do.
  var similarity: String? {
    index.isNormalized ? "cosine" : index.metric == .distance ? "l2" : "dot"
  }

  var hasNumbers: Bool { index.ids != nil }

  func number(_ row: Int) -> Int64 {
    guard let ids = index.ids else { preconditionFailure("an index without numbers") }
    return file.bytes.loadUnaligned(fromByteOffset: ids.lowerBound + 8 * row, as: Int64.self)
  }

  func row(_ row: Int) -> [Float] { index.vector(row, file.bytes) }
}
