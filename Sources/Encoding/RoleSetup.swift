import Failures
import Models
import Tensors
import Tokenizers

/// What a tool changes about a model's role before it tokenises: `--max-length` and `--prompt`.
package enum RoleSetup {
  /// The length in force; nil where neither the user nor the model has a limit.
  ///
  /// - Throws: 78 where the model's configuration does not say it.
  package static func maximumLength(
    _ description: ModelDescription, _ role: Role, _ option: Int?
  ) throws(Failure) -> Int? {
    let length = option ?? description.roles[role]?.maximumLength
    guard let longest = description.longestText else { return length }
    return min(length ?? longest, longest)
  }

  /// The tokenizer of a role, with what the options change.
  ///
  /// - Parameters:
  ///   - tokenizer: The model's.
  ///   - description: The model's.
  ///   - role: Whose texts will be tokenised.
  ///   - maxLength: `--max-length`.
  ///   - prompt: `--prompt`: the name of one of the model's prompts, or a text.
  /// - Returns: What tokenises the texts.
  /// - Throws: 64 for a length below that of the special tokens; 78 where the model's own is, for one
  ///   that the model cannot have, and for a role that it has not.
  package static func tokenizer(
    _ tokenizer: Tokenizer, _ description: ModelDescription, _ role: Role, maxLength: Int?,
    prompt: String?
  ) throws(Failure) -> RoleTokenizer {
    if let maxLength, maxLength < 1 {
      throw .usage("--max-length: expected at least 1, found \(maxLength)")
    }
    if let maxLength, let longest = description.longestText, maxLength > longest {
      throw .config(
        description.folder.path,
        "--max-length \(maxLength) is more than the model's \(longest) positions")
    }
    guard var settings = description.roles[role] else {
      throw .config(description.folder.path, "the model has no role \(role.rawValue)")
    }
    if let prompt { settings.prompt = description.prompts[prompt] ?? prompt }
    let made = try RoleTokenizer(
      tokenizer, settings, maximumLength: try maximumLength(description, role, maxLength))
    try description.require(
      room: made.specialTokenCount, in: made.maximumLength, option: maxLength)
    return made
  }
}
