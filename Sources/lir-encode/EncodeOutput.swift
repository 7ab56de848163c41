import Encoding
import Failures
import Vectors

/// The output of a run of `lir-encode`: it is opened with the first embeddings, so that a model that
/// cannot run leaves nothing behind.
struct EncodeOutput {
  private let open: () throws(Failure) -> any EmbeddingSink
  private var sink: (any EmbeddingSink)?

  /// - Parameter open: Opens the output.
  init(_ open: @escaping () throws(Failure) -> any EmbeddingSink) { self.open = open }

  mutating func append(ids: [[UInt8]], _ embeddings: Embeddings) throws(Failure) {
    if sink == nil { sink = try open() }
    try sink?.append(ids: ids, embeddings)
  }

  mutating func flush() throws(Failure) { try sink?.flush() }

  /// Ends the output, which is empty where nothing was appended.
  mutating func finish() throws(Failure) {
    if sink == nil { sink = try open() }
    try sink?.finish()
  }
}
