import JSON

/// What transformers' tokenizer classes do on top of `tokenizer.json`.
///
/// Source: `models/*/tokenization_*_fast.py` and `models/auto/tokenization_auto.py` of
/// transformers 4.57.
struct TokenizerClass: Sendable {
  enum NormalizerOverride: Sendable {
    /// `do_lower_case`, `strip_accents` and `tokenize_chinese_chars` win over `tokenizer.json`.
    case all
    /// The same without `tokenize_chinese_chars`.
    case caseAndAccents
    case none
  }

  /// Without `Fast` at the end.
  let name: String
  let override: NormalizerOverride
  /// Special tokens where the configuration names none, by attribute.
  let defaults: [String: String]
  /// Whether default special tokens, and those given as strings, are made with `normalized` true.
  let wrapsSpecialTokens: Bool
  /// What a folder without `tokenizer.json` is converted to; nil where that is not supported.
  let converted: (@Sendable (_ cls: Int32, _ sep: Int32) -> PostProcessor)?

  /// The attributes of special tokens, in the order in which transformers adds them.
  static let attributes = [
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
  ]

  private static let bertNames = [
    "BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "MobileBertTokenizer",
    "ConvBertTokenizer", "SqueezeBertTokenizer", "LxmertTokenizer", "LayoutLMTokenizer",
    "DPRContextEncoderTokenizer", "DPRQuestionEncoderTokenizer", "DPRReaderTokenizer",
  ]

  /// The tokenizer classes of model types, as `AutoTokenizer` knows them.
  private static let byModelType = [
    "bert": "BertTokenizer", "distilbert": "DistilBertTokenizer", "electra": "ElectraTokenizer",
    "mobilebert": "MobileBertTokenizer", "convbert": "ConvBertTokenizer",
    "squeezebert": "SqueezeBertTokenizer", "lxmert": "LxmertTokenizer",
    "layoutlm": "LayoutLMTokenizer", "mpnet": "MPNetTokenizer",
    "dpr": "DPRQuestionEncoderTokenizer", "megatron-bert": "BertTokenizer",
    "nezha": "BertTokenizer", "ernie": "BertTokenizer",
  ]

  /// The class that transformers would load.
  ///
  /// - Parameters:
  ///   - configured: `tokenizer_class` of tokenizer_config.json.
  ///   - model: config.json, whose `tokenizer_class` and model type are asked next. A model type
  ///     that is no backbone's gives way to `backbone_model_type`.
  init(configured: String?, model: JSON?) {
    let names = [
      configured, model?["tokenizer_class"]?.string,
      model?["backbone_model_type"]?.string.flatMap { Self.byModelType[$0] },
      model?["model_type"]?.string.flatMap { Self.byModelType[$0] },
    ]
    for case let name? in names {
      if let found = Self.known(name.hasSuffix("Fast") ? String(name.dropLast(4)) : name) {
        self = found
        return
      }
    }
    name = configured ?? "PreTrainedTokenizerFast"
    override = .none
    defaults = [:]
    wrapsSpecialTokens = false
    converted = nil
  }

  private static func known(_ name: String) -> TokenizerClass? {
    if bertNames.contains(name) {
      return TokenizerClass(
        name: name, override: .all,
        defaults: [
          "unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]",
          "mask_token": "[MASK]",
        ], wrapsSpecialTokens: false, converted: { PostProcessor.bert(cls: $0, sep: $1) })
    }
    if name == "MPNetTokenizer" {
      return TokenizerClass(
        name: name, override: .caseAndAccents,
        defaults: [
          "bos_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "cls_token": "<s>",
          "unk_token": "[UNK]", "pad_token": "<pad>", "mask_token": "<mask>",
        ], wrapsSpecialTokens: true, converted: { PostProcessor.mpnet(cls: $0, sep: $1) })
    }
    return nil
  }

  private init(
    name: String, override: NormalizerOverride, defaults: [String: String],
    wrapsSpecialTokens: Bool, converted: (@Sendable (Int32, Int32) -> PostProcessor)?
  ) {
    self.name = name
    self.override = override
    self.defaults = defaults
    self.wrapsSpecialTokens = wrapsSpecialTokens
    self.converted = converted
  }
}
