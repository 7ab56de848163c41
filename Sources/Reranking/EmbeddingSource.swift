import Encoding
import Failures
import Records
import Vectors

/// Where the embeddings of queries or documents come from.
package enum EmbeddingSource: Sendable {
  /// Texts that are embedded when they are scored.
  case texts(TextEmbedder)
  /// Tensor streams.
  case stored(StoredEmbeddings)

  package var readsTexts: Bool { if case .texts = self { true } else { false } }

  /// Embeddings, and the place of each id's among them.
  package struct Embedded: Sendable {
    package var embeddings: Embeddings
    package var places: [Int]
    /// Texts that were cut.
    package var truncated = 0
  }

  /// The embeddings of some ids.
  ///
  /// - Parameters:
  ///   - ids: Queries or documents.
  ///   - texts: Their texts, where these are embedded; one that occurs again is embedded once.
  ///   - place: Says where one of the texts came from, for messages.
  /// - Returns: The embeddings, and the places of the ids among them.
  /// - Throws: 65 where an id has no embedding, or the tokenizer refuses its text.
  package func embeddings(
    _ ids: [RecordID], texts: [[UInt8]], place: @escaping @Sendable (Int) -> String
  ) throws(Failure) -> Embedded {
    switch self {
    case .stored(let stored):
      var places: [Int] = []
      for id in ids { places.append(try stored.place(id)) }
      return Embedded(embeddings: stored.embeddings, places: places)
    case .texts(let embedder):
      let (distinct, places) = Self.distinct(texts)
      let (embeddings, truncated) = try embedder.embed(distinct) { index in
        place(places.firstIndex(of: index) ?? 0)
      }
      return Embedded(embeddings: embeddings, places: places, truncated: truncated)
    }
  }

  /// The texts without repetition, and the place of each among them.
  package static func distinct(_ texts: [[UInt8]]) -> (texts: [[UInt8]], places: [Int]) {
    var known: [[UInt8]: Int] = [:]
    var distinct: [[UInt8]] = []
    let places = texts.map { text in
      if let place = known[text] { return place }
      known[text] = distinct.count
      distinct.append(text)
      return distinct.count - 1
    }
    return (distinct, places)
  }
}
