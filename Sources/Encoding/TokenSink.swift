import Failures
import Models
import Streams
import Tensors

/// Where the tokens of texts go.
package protocol TokenSink {
  /// Appends a block of texts.
  ///
  /// - Throws: 74 where it cannot be written, as the others.
  mutating func append(ids: [[UInt8]], _ tokens: TokenWindow) throws(Failure)
  /// Hands on what was appended so far.
  mutating func flush() throws(Failure)
  /// Ends the output, which appears in its place.
  mutating func finish() throws(Failure)
}

/// Tokens as a tensor stream.
package struct TokenStreamSink: TokenSink {
  private let output: ByteWriter
  private let writer: TensorStreamWriter

  /// - Parameters:
  ///   - output: Where the stream goes.
  ///   - description: What the stream says of its records.
  ///   - done: What an earlier run has written of it; nil where it is new.
  package init(
    _ output: ByteWriter, _ description: StreamDescription, after done: FinishedSegments? = nil
  ) {
    self.output = output
    writer = .resuming(output, schema: .tokens, description: description, after: done)
  }

  package mutating func append(ids: [[UInt8]], _ tokens: TokenWindow) throws(Failure) {
    for (i, id) in ids.enumerated() {
      let range = tokens.range(i)
      try writer.append(
        id: id, items: range.count,
        [
          tokens.ids[range].withUnsafeBytes { Array($0) },
          Array(tokens.attended[range]), Array(tokens.typeIDs[range]),
        ])
    }
  }

  package mutating func flush() throws(Failure) { try output.flush() }
  package mutating func finish() throws(Failure) { try writer.finish() }
}

extension TensorStreamWriter {
  /// A writer of a new stream, or of one that an earlier run has begun.
  static func resuming(
    _ output: ByteWriter, schema: StreamSchema, description: StreamDescription,
    after done: FinishedSegments?
  ) -> TensorStreamWriter {
    guard let done else {
      return TensorStreamWriter(output, schema: schema, description: description)
    }
    return TensorStreamWriter(output, schema: schema, description: description, after: done)
  }
}
