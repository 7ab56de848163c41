import ArgumentParser
import Failures
import Tensors

/// What is said of vectors that other programs made.
package struct VectorOptions: ParsableArguments, OptionsWithoutEffect {
  package static let withoutEffect = ["ids"]

  /// The names of `Similarity`, which lies in a library that not all tools link.
  private static let similarities = ["dot", "cosine", "l2"]

  @Option(
    help: ArgumentHelp(
      "Ids of the vectors in the input, one a line; one file for each input. (default: the file itself, or FILE.ids)",
      valueName: "file"))
  package var ids: [String] = []

  @Option(
    help: ArgumentHelp(
      "Name of the tensor with the vectors, where a safetensors file has several matrices.",
      valueName: "name"))
  package var tensor: String?

  @Option(
    help: ArgumentHelp(
      "Name of the model of vectors that do not say it: both sides of a search must have the same.",
      valueName: "name"))
  package var modelLabel: String?

  @Option(
    help: ArgumentHelp(
      "Whose texts vectors are of that do not say it, query or doc. (default: as the tool needs them)",
      valueName: "role"), completion: .list(["query", "doc"]))
  package var role: String?

  @Option(
    help: ArgumentHelp(
      "How vectors are compared that do not say it: dot, cosine or l2. (default: dot)",
      valueName: "how"), completion: .list(Self.similarities))
  package var similarity: String?

  @Option(
    help: ArgumentHelp(
      "Numbers of the terms of sparse vectors in JSON lines: a file with a term a line, a tokenizer.json, or a model's folder.",
      valueName: "path"))
  package var vocabulary: String?

  package init() {}

  /// What the options say.
  ///
  /// - Throws: 64 for a role or a similarity that is none.
  package func claims() throws(Failure) -> VectorClaims {
    var claims = VectorClaims()
    claims.ids = ids
    claims.tensor = tensor
    claims.label = modelLabel
    claims.vocabulary = vocabulary
    if let modelLabel, modelLabel.isEmpty { throw .usage("--model-label: expected a name") }
    if let role {
      guard ["query", "doc"].contains(role) else {
        throw .usage("--role: expected query or doc, found '\(role)'")
      }
      claims.role = Role(rawValue: role)
    }
    if let similarity {
      guard Self.similarities.contains(similarity) else {
        throw .usage("--similarity: expected dot, cosine or l2, found '\(similarity)'")
      }
      claims.similarity = similarity
    }
    return claims
  }
}
