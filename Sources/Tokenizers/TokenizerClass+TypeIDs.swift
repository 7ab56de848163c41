import Failures
import JSON

extension TokenizerClass {
  /// Classes whose `model_input_names` hold `token_type_ids` where a folder says nothing.
  ///
  /// Source: transformers 4.57, each class of which was given a pair. A class that it does not know is the
  /// general one of release 5, which gives none.
  private static let withTypeIDs: Set = [
    "AlbertTokenizer", "BertTokenizer", "ConvBertTokenizer", "DPRContextEncoderTokenizer",
    "DPRQuestionEncoderTokenizer", "DebertaTokenizer", "DebertaV2Tokenizer", "ElectraTokenizer",
    "FNetTokenizer", "FunnelTokenizer", "HerbertTokenizer", "LayoutLMTokenizer", "LxmertTokenizer",
    "MobileBertTokenizer", "PreTrainedTokenizer", "RealmTokenizer", "RemBertTokenizer",
    "SqueezeBertTokenizer", "XLNetTokenizer",
  ]

  /// Those of the classes that are general ones in release 5 (5.24), or give none there.
  private static let withoutInRelease5: Set = [
    "AlbertTokenizer", "FunnelTokenizer", "HerbertTokenizer", "PreTrainedTokenizer",
    "RealmTokenizer", "RemBertTokenizer", "XLNetTokenizer",
  ]

  /// Classes of Lightning IR (`bi_encoder_tokenizer.py`, `cross_encoder_tokenizer.py`).
  private static let wrappers: Set = [
    "BiEncoderTokenizer", "CrossEncoderTokenizer", "LightningIRTokenizer",
  ]

  /// Whether models get the segments of a pair's texts; else all is of segment 0.
  ///
  /// - Parameters:
  ///   - config: `tokenizer_config.json`.
  ///   - path: Its path.
  ///   - isOfRelease5: Whether transformers 5 saved the folder.
  /// - Returns: Whether they do.
  /// - Throws: 78 for `model_input_names` that are no list of names.
  func givesTypeIDs(
    _ config: JSON, _ path: String, isOfRelease5: Bool
  ) throws(Failure) -> Bool {
    guard let found = config["model_input_names"], !found.isNull else {
      // Classes of Lightning IR stand in front of another, which they name.
      let own =
        config["backbone_tokenizer_class"]?.string.map(Self.withoutFast)
        ?? (Self.wrappers.contains(name) ? "PreTrainedTokenizer" : name)
      return Self.withTypeIDs.contains(own)
        && !(isOfRelease5 && Self.withoutInRelease5.contains(own))
    }
    guard let names = found.array, names.allSatisfy({ $0.string != nil }) else {
      throw .config(
        path, "model_input_names: expected a list of names, found \(found.serialized())")
    }
    return names.contains { $0.string == "token_type_ids" }
  }
}
