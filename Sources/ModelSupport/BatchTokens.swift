import Failures

/// `--batch-tokens`, which every command that runs a model has.
package enum BatchTokens {
  /// - Throws: 64 where there is no room for a token.
  package static func check(_ count: Int) throws(Failure) {
    guard count >= 1 else { throw .usage("--batch-tokens: expected at least 1") }
  }
}
