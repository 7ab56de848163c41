import Encoding
import Failures
import Vectors

/// The outputs of a run of `lir-encode`, one for each model: they are opened with the first embeddings,
/// so that a model that cannot run leaves nothing behind.
struct EncodeOutput {
  private let open: () throws(Failure) -> [any EmbeddingSink]
  private var sinks: [any EmbeddingSink]?

  /// - Parameter open: Opens the outputs.
  init(_ open: @escaping () throws(Failure) -> [any EmbeddingSink]) { self.open = open }

  mutating func append(ids: [[UInt8]], _ embeddings: [Embeddings]) throws(Failure) {
    var sinks = try opened()
    for i in sinks.indices { try sinks[i].append(ids: ids, embeddings[i]) }
    self.sinks = sinks
  }

  private func opened() throws(Failure) -> [any EmbeddingSink] {
    if let sinks { return sinks }
    return try open()
  }

  mutating func flush() throws(Failure) {
    guard var sinks else { return }
    for i in sinks.indices { try sinks[i].flush() }
    self.sinks = sinks
  }

  /// Ends the outputs, which are empty where nothing was appended.
  mutating func finish() throws(Failure) {
    var sinks = try opened()
    for i in sinks.indices { try sinks[i].finish() }
    self.sinks = sinks
  }
}
