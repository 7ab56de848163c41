import Failures
import Streams

/// How far a tensor stream was written before the process that wrote it ended.
package struct ResumePoint: Sendable, Equatable {
  /// Segments that are whole.
  package var finished = FinishedSegments()
  /// Bytes that they take in the file.
  package var bytes = 0
  /// Whether the end segment is there too: nothing is left but the rename.
  package var isComplete = false

  package init() {}

  /// Reads what is whole of the stream at `path`; what comes after is not looked at.
  package static func find(in path: String) throws(Failure) -> ResumePoint {
    let input = try ByteReader(path, allowingEmpty: true)
    let reader = TensorStreamReader(input)
    var points = Points()
    var isComplete = false
    do throws(Failure) {
      while try reader.next() != nil {
        points.append(reader.finished, bytes: reader.wholeBytes)
      }
      isComplete = true
    } catch {
      // A cut or torn end is what a killed process leaves; anything else is a real failure.
      guard error.status == .data else { throw error }
    }
    if isComplete {
      var point = points.point(points.count)
      point.isComplete = true
      return point
    }
    guard input.isCompressed else { return points.point(points.count) }
    // A segment is a frame: it is whole once its frame is, with the checksum behind the data.
    let whole = min(input.frameBoundaries.count, points.count)
    var point = points.point(whole)
    point.bytes = whole == 0 ? 0 : input.frameBoundaries[whole - 1]
    return point
  }

  /// The points behind all segments: three numbers each, for their checksums are one list.
  package struct Points {
    private var places: [(records: Int, segments: Int, bytes: Int)] = []
    private var checksums: [UInt8] = []

    private static let checksumSize = 16

    /// Segments so far.
    package var count: Int { places.count }

    package init() {}

    /// Adds the point behind one segment more.
    package mutating func append(_ finished: FinishedSegments, bytes: Int) {
      places.append((finished.records, finished.segments, bytes))
      checksums += finished.checksums.suffix(Self.checksumSize)
    }

    /// The point behind the first `segments` segments of the stream.
    package func point(_ segments: Int) -> ResumePoint {
      var point = ResumePoint()
      if segments == 0 { return point }
      let place = places[segments - 1]
      point.bytes = place.bytes
      point.finished.records = place.records
      point.finished.segments = place.segments
      // Those of the member that the segment belongs to.
      let range = (segments - place.segments)..<segments
      point.finished.checksums = Array(
        checksums[Self.checksumSize * range.lowerBound..<Self.checksumSize * range.upperBound])
      return point
    }

    /// Bytes that the points take.
    package var size: Int { checksums.count + places.count * MemoryLayout<(Int, Int, Int)>.stride }
  }
}
