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
    let input = try ByteReader(path)
    let reader = TensorStreamReader(input)
    // One for every segment, and one for none.
    var points = [ResumePoint()]
    var isComplete = false
    do throws(Failure) {
      while try reader.next() != nil {
        var point = ResumePoint()
        point.finished = reader.finished
        point.bytes = reader.wholeBytes
        points.append(point)
      }
      isComplete = true
    } catch {
      // A cut or torn end is what a killed process leaves; anything else is a real failure.
      guard error.status == .data else { throw error }
    }
    if isComplete {
      var point = points[points.count - 1]
      point.isComplete = true
      return point
    }
    guard input.isCompressed else { return points[points.count - 1] }
    // A segment is a frame: it is whole once its frame is, with the checksum behind the data.
    let whole = min(input.frameBoundaries.count, points.count - 1)
    points[whole].bytes = whole == 0 ? 0 : input.frameBoundaries[whole - 1]
    return points[whole]
  }
}
