import Failures
import JSON
import Vectors

/// An index that can say what scores are made of.
package protocol ExplainingIndex: SearchableIndex {
  /// What the scores of some documents for one query are made of, in their order.
  ///
  /// - Parameters:
  ///   - queries: Some queries.
  ///   - query: Place of the one that is meant.
  ///   - ordinals: The documents.
  ///   - name: Gives the text of a token or term, where somebody knows it.
  /// - Returns: Members of a JSON object for each document, in words that the manual of the type
  ///   explains; numbers that are single precision are written as the runs write them.
  /// - Throws: As `search` does.
  func explanations(
    _ queries: Embeddings, _ query: Int, of ordinals: [Int], naming name: (Int32) -> String?
  ) throws(Failure) -> [[JSON.Member]]
}

extension JSON {
  /// A number of single precision, whose text is the shortest that reads back to it; null for what is
  /// none to JSON, such as a maximum over nothing.
  package static func number(_ value: Float) -> JSON {
    guard value.isFinite else { return .null }
    return .double(Double(value.description) ?? Double(value))
  }
}
