import Failures
import Tokenizers

/// A key of PEFT's `rank_pattern` and `alpha_pattern`, and the like: a regular expression for the last
/// parts of the names of layers.
package struct LayerPattern: Sendable {
  /// The key as it was written.
  package let text: String
  private let regex: Regex

  /// - Parameters:
  ///   - text: The expression.
  ///   - key: Path of what has it, for messages.
  ///   - place: The file that has it.
  /// - Throws: 78 where it is no regular expression.
  package init(_ text: String, _ key: String, at place: String?) throws(Failure) {
    self.text = text
    regex = try Self.compile("(?:.*\\.)?(?:\(text))", key, text, place)
  }

  /// Whether a layer's name, or its last parts, are what the key says.
  package func matches(_ layer: some StringProtocol) -> Bool { regex.isFound(in: String(layer)) }

  /// A regular expression for whole names.
  ///
  /// - Parameters:
  ///   - text: The expression.
  ///   - key: Path of what has it, for messages.
  ///   - place: The file that has it.
  /// - Returns: The expression.
  /// - Throws: 78 where it is none.
  package static func whole(
    _ text: String, _ key: String, at place: String?
  ) throws(Failure) -> Regex { try compile(text, key, text, place) }

  private static func compile(
    _ pattern: String, _ key: String, _ text: String, _ place: String?
  ) throws(Failure) -> Regex {
    do throws(RegexError) { return try Regex(whole: pattern) } catch {
      throw .config(place, "\(key): \(text) is no regular expression: \(error.reason)")
    }
  }
}
