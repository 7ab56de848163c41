import JSON

/// What tokenizer classes of transformers 5 make of a folder that this release saved, beside what its
/// `tokenizer.json` says.
///
/// A class with an `__init__` of its own builds normalizer, pre-tokenizer and model anew, from the
/// vocabulary of the file and the configuration. As saving wrote what it had built, that is what the file
/// says, but for options that are not saved. The post-processor is mostly that of the file, whatever
/// `add_bos_token` says.
///
/// Source: `tokenization_utils_tokenizers.py` and `models/*/tokenization_*.py` of transformers 5.24.
struct Release5Class {
  let name: String

  init(_ tokenizerClass: TokenizerClass) { name = tokenizerClass.name }

  /// Classes of Unigram that build their model anew: its scores go through Python.
  private static let unigram: Set = [
    "AlbertTokenizer", "BarthezTokenizer", "BigBirdTokenizer", "CamembertTokenizer",
    "DebertaV2Tokenizer", "LasrTokenizer", "PegasusTokenizer", "RemBertTokenizer", "T5Tokenizer",
    "XGLMTokenizer", "XLMRobertaTokenizer", "XLNetTokenizer",
  ]

  /// Whether scores of pieces are the nearest numbers to their texts.
  var scoresAreExact: Bool { Self.unigram.contains(name) }

  /// The pre-tokenizer: Llama's depends on `legacy`, which is not saved.
  ///
  /// - Parameters:
  ///   - preTokenizer: The file's.
  ///   - config: `tokenizer_config.json`.
  /// - Returns: The one that the class builds.
  func preTokenizer(_ preTokenizer: PreTokenizer, _ config: JSON) -> PreTokenizer {
    guard name == "LlamaTokenizer" else { return preTokenizer }
    let scheme: Metaspace.PrependScheme =
      switch (config["add_prefix_space"]?.bool, config["legacy"]?.bool) {
      case (false, _): .never
      case (_, true): .always
      default: .first
      }
    let space = Metaspace(
      replacement: Array("\u{2581}".utf8), prependScheme: scheme, splits: false)
    return PreTokenizer(steps: [.metaspace(space)])
  }

  /// The post-processor: the file's, but for GPT-NeoX, which puts nothing around texts.
  func postProcessor(_ postProcessor: PostProcessor) -> PostProcessor {
    guard name == "GPTNeoXTokenizer" else { return postProcessor }
    return PostProcessor(
      single: [.first(typeID: 0)], pair: [.first(typeID: 0), .second(typeID: 1)])
  }
}
