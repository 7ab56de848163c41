import Failures
import Streams

/// A tensor stream that stands in the place of an output.
package struct FinishedStream {
  /// What it says of itself.
  package let description: StreamDescription
  package let isCompressed: Bool
  /// XXH3-128 of its records' ids.
  package let idsDigest: String

  /// Reads a stream through; nil where it is not whole, or not of one member.
  ///
  /// - Throws: 66 or 74 where it cannot be read.
  package static func read(_ path: String) throws(Failure) -> FinishedStream? {
    let input = try ByteReader(path)
    let reader = TensorStreamReader(input)
    var description: StreamDescription?
    let ids = RunningChecksum()
    do throws(Failure) {
      while let segment = try reader.next() {
        if segment.first == 0 {
          if description != nil { return nil }
          description = segment.description
        }
        ids.update(idsOf: segment, 0..<segment.records)
      }
    } catch {
      guard error.status == .data || error.status == .config else { throw error }
      return nil
    }
    return description.map {
      FinishedStream(description: $0, isCompressed: input.isCompressed, idsDigest: ids.longHex)
    }
  }

  /// XXH3-128 of the ids of some records of streams, which are read one after the other.
  package static func idsDigest(
    of operands: [String], _ records: Range<Int>? = nil
  ) throws(Failure) -> String {
    try idsDigest(of: VectorInputs(operands, as: .doc), records)
  }

  /// XXH3-128 of the ids of some records of vectors, which are read one after the other.
  package static func idsDigest(
    of inputs: VectorInputs, _ records: Range<Int>? = nil
  ) throws(Failure) -> String {
    let ids = RunningChecksum()
    var selection = SegmentSelection(records)
    for operand in inputs.operands.indices {
      let reader = try inputs.open(operand)
      while let segment = try reader.next() {
        ids.update(idsOf: segment, selection.next(segment.records))
      }
    }
    return ids.longHex
  }
}

extension RunningChecksum {
  fileprivate func update(idsOf segment: TensorSegment, _ records: Range<Int>) {
    for index in records { update(segment.id(index) + [0x0A]) }
  }
}
