import Failures
import Streams

/// What gives records segment by segment, whatever wrote them.
package protocol SegmentReader: AnyObject {
  /// The next segment; nil at the end.
  ///
  /// - Throws: 65 for an input that is cut or damaged, 78 for what is intact and unsuitable.
  func next() throws(Failure) -> TensorSegment?

  /// How far reading is, in bytes.
  var extent: InputExtent { get }

  /// What a user is to be told of the input, once it is open.
  var warnings: [String] { get }
}

extension TensorStreamReader: SegmentReader {
  package var warnings: [String] { [] }
}

/// Records of another program's vectors, one after the other.
protocol VectorRecordSource: AnyObject {
  /// What all records are.
  var schema: StreamSchema { get }
  var extent: InputExtent { get }
  /// Numbers of a vector, or terms of the vocabulary.
  var dimension: Int { get }
  /// What tells the vocabulary of sparse vectors from another one; nil of others.
  var vocabularyDigest: String? { get }

  /// Whether the next record would have to be waited for, in a pipe that somebody types into.
  var mustWait: Bool { get }

  /// Appends the next record; false where there is none.
  func appendNext(to segment: inout SegmentBuilder) throws(Failure) -> Bool
}

extension VectorRecordSource {
  var dimension: Int { schema.columns[0].width ?? 0 }
  var vocabularyDigest: String? { nil }
  var mustWait: Bool { false }
}

/// Makes segments of another program's vectors, as large as those of a stream.
final class VectorRecordReader: SegmentReader {
  private let source: any VectorRecordSource
  private let description: StreamDescription
  private let place: String
  /// How many records are read.
  var limit = Int.max
  private var records = 0
  private var isFinished = false
  let warnings: [String]

  /// - Parameters:
  ///   - source: Gives the records.
  ///   - description: What is said of them.
  ///   - place: The input, for messages.
  ///   - warnings: What a user is to be told.
  init(
    _ source: any VectorRecordSource, _ description: StreamDescription, _ place: String,
    warnings: [String]
  ) {
    self.source = source
    self.description = description
    self.place = place
    self.warnings = warnings
  }

  var extent: InputExtent { source.extent }

  func next() throws(Failure) -> TensorSegment? {
    if isFinished { return nil }
    var builder = SegmentBuilder(source.schema, description, first: records)
    while !builder.isFull, records + builder.records < limit {
      if builder.records > 0, source.mustWait { break }
      guard try source.appendNext(to: &builder) else {
        isFinished = true
        break
      }
    }
    // Like a stream, an input without records still says what they would have been.
    if builder.records == 0, records > 0 { return nil }
    let segment = builder.segment
    for index in 0..<segment.records {
      try StreamCheck.id(segment, index) { "\(place): record \(records + $0)" }
    }
    records += segment.records
    return segment
  }
}
