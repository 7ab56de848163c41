import Failures
import Kernels
import Tensors
import Vectors

/// Queries of a tensor stream that are read beside others, in the same order.
final class QueryStream {
  let operand: String
  /// What the stream says of itself; nil where it holds nothing.
  let first: TensorSegment?
  private let reader: TensorStreamReader
  private let kernels: Kernels
  private var segment: TensorSegment?
  /// The record of the segment that comes next.
  private var place = 0

  /// - Throws: 65 and 66 as reading does.
  init(_ operand: String, _ kernels: Kernels) throws(Failure) {
    self.operand = operand
    self.kernels = kernels
    reader = try TensorStreamReader(operand)
    first = try reader.next()
    segment = first
  }

  /// The ids of the queries that follow, those of one segment at most; none at the end.
  func nextIDs() throws(Failure) -> [[UInt8]] {
    while let found = segment, place == found.records {
      segment = try reader.next()
      place = 0
      _ = found
    }
    guard let segment else { return [] }
    return (place..<segment.records).map { segment.id($0) }
  }

  /// Reads the queries of some ids, which must be those that follow.
  ///
  /// - Throws: 65 where another query follows, or none.
  func take(_ ids: [[UInt8]]) throws(Failure) -> Embeddings? {
    var taken: Embeddings?
    var done = 0
    while done < ids.count {
      let next = try nextIDs().prefix(ids.count - done)
      guard let segment, !next.isEmpty else {
        throw .data(operand, "expected query \(Self.text(ids[done])), found the end")
      }
      for (id, other) in zip(next, ids[done...]) where id != other {
        throw .data(
          operand, "expected query \(Self.text(other)), found \(Self.text(id))",
          hint: "streams of the same queries in the same order can be searched together")
      }
      let part = try Embeddings(
        segment, Array(place..<place + next.count), operand, kernels)
      taken = taken.map { $0.appending(part) } ?? part
      place += next.count
      done += next.count
    }
    return taken
  }

  /// - Throws: 65 where queries are left.
  func checkEnd() throws(Failure) {
    guard let id = try nextIDs().first else { return }
    throw .data(operand, "expected the end, found query \(Self.text(id))")
  }

  private static func text(_ id: [UInt8]) -> String { String(decoding: id, as: UTF8.self) }
}
