import Failures

/// A value that an option does not take: what other programs call one that it takes.
enum ValueHabits {
  /// Words for the same thing; which of them an option takes, its message says.
  private static let same: [Set<String>] = [
    ["doc", "document", "docs", "documents", "passage", "passages", "corpus", "d", "p"],
    ["query", "queries", "question", "q"],
    ["f32", "fp32", "float32", "float", "single", "full"],
    ["f16", "fp16", "float16", "half"],
    ["bf16", "bfloat16"],
    // Where there is the one, and not the other.
    ["fp16", "float16", "half", "bf16"],
    ["int8", "i8", "uint8", "u8", "8bit", "quantized"],
    ["sum", "combsum"],
    ["mnz", "combmnz"],
    ["borda", "bordafuse"],
    ["minmax", "min-max", "min_max"],
    ["zscore", "z-score", "zmuv", "zmuv_norm"],
    ["jsonl", "json", "jsonlines", "ndjson"],
    ["npy", "numpy"],
    ["tensor", "lirt", "safetensors", "bin", "binary"],
    ["trec", "run", "txt"],
  ]

  /// Which of the values that a message lists is likely meant; nil where none is.
  ///
  /// - Parameter message: The argument parser's: `The value 'x' is invalid for '--role <role>'. Please
  ///   provide one of 'query' and 'doc'.`, or with a line for each value.
  /// - Returns: A hint that names the option and the value.
  static func hint(_ message: String) -> String? {
    guard message.hasPrefix("The value '"),
      let middle = message.firstRange(of: "' is invalid for '"),
      let end = message[middle.upperBound...].firstIndex(where: { $0 == "'" || $0 == " " })
    else { return nil }
    let option = message[middle.upperBound..<end]
    let typed = message[..<middle.lowerBound].dropFirst("The value '".count).lowercased()
    guard let list = message[end...].firstRange(of: "one of") else { return nil }
    let values = message[list.upperBound...].split(whereSeparator: { "' ,.\n:".contains($0) })
      .map(String.init).filter { !["and", "or", "the", "following", "-"].contains($0) }
    for words in same.filter({ $0.contains(typed) }) + [[typed]] {
      if let meant = values.first(where: { words.contains($0.lowercased()) }) {
        return "did you mean \(option) \(meant)?"
      }
    }
    return NearestName.find(typed, in: values).map { "did you mean \(option) \($0)?" }
  }
}
