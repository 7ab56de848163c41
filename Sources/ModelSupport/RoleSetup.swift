import Failures
import Models
import Streams
import Tensors
import Tokenizers

/// What a tool does to a model's role before it tokenises: `--max-length` and `--prompt`.
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
  ///   - description: What the model is.
  ///   - role: The role.
  ///   - maxLength: `--max-length`.
  ///   - prompt: `--prompt`: one of the model's names, or a text.
  /// - Returns: The tokenizer.
  /// - Throws: 64 for a length below 1, 78 for one beyond the model's, or a role that it has not.
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
    return try RoleTokenizer(
      tokenizer, settings, maximumLength: try maximumLength(description, role, maxLength))
  }
}

/// XXH3-128 over the sorted list of (name, XXH3-128 of content) of a tokenizer's files.
package enum TokenizerDigest {
  package static func of(_ tokenizer: Tokenizer) throws(Failure) -> String {
    var lines: [String] = []
    for file in tokenizer.files {
      lines.append("\(PathName.split(file).name)\t\(try FileDigest.of(file))\n")
    }
    return Checksum.xxh3Long(Array(lines.sorted().joined().utf8))
  }
}

/// Counting the records of streams.
package enum TokenStreams {
  package static func count(_ operand: String) throws(Failure) -> Int {
    guard operand != "-", WholeFile.isRegular(operand) || !WholeFile.exists(operand) else {
      throw .usage("--shard needs inputs that can be read twice, not a pipe")
    }
    let reader = try TensorStreamReader(operand)
    var count = 0
    while let segment = try reader.next() { count += segment.records }
    return count
  }
}
