import JSON

/// What transformers' tokenizer classes do on top of `tokenizer.json`.
///
/// Source: `models/*/tokenization_*_fast.py` and `models/auto/tokenization_auto.py` of
/// transformers 4.57, each class of which was given a folder of each kind (WordPiece, BPE of bytes,
/// Unigram) to see what it changes.
struct TokenizerClass: Sendable {
  enum NormalizerOverride: Sendable {
    /// `do_lower_case`, `strip_accents` and `tokenize_chinese_chars` win over `tokenizer.json`.
    case all
    /// `do_lower_case` and `strip_accents` win, `tokenize_chinese_chars` does not.
    case caseAndAccents
    case none
  }

  enum Wrapping: Sendable {
    /// As plain strings.
    case none
    /// With flags, `normalized` among them.
    case all
    /// The mask token with `lstrip`, and `normalized` or not.
    case mask(normalized: Bool)
    /// Where a SentencePiece file is converted, the unknown token with `normalized`.
    case unknown
  }

  /// Without `Fast` at the end.
  let name: String
  let override: NormalizerOverride
  /// Special tokens where the configuration names none, by attribute.
  let defaults: [String: String]
  /// How default special tokens, and those given as strings, are made.
  let wrapping: Wrapping
  /// Whether the post-processor is made anew, from `add_bos_token` and `add_eos_token`.
  let buildsPostProcessor: Bool
  /// `add_bos_token` where the configuration does not say.
  let addsStart: Bool
  /// Which of `<extra_id_0>`… become special tokens is up to the configuration: T5.
  var hasExtraIDs: Bool { sentencePiece == .t5 }
  /// How the class's SentencePiece file is converted; nil where it has none.
  let sentencePiece: SentencePieceLayout?
  /// Special tokens besides, where the configuration names none.
  let additional: [String]
  /// Whether `vocab.json` and `merges.txt` are converted.
  let convertsMerges: Bool
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
    "RealmTokenizer", "RetriBertTokenizer",
  ]

  /// Classes that do not read `tokenizer.json`, or more than texts: whatever lies in a folder, these
  /// would make other tokens of a text than its `tokenizer.json` says.
  private static let unsupported: Set = [
    "BartphoTokenizer", "BertGenerationTokenizer", "BertJapaneseTokenizer", "BertweetTokenizer",
    "BioGptTokenizer", "ByT5Tokenizer", "CTRLTokenizer", "CanineTokenizer", "ClvpTokenizer",
    "CodeLlamaTokenizer", "CpmAntTokenizer", "CpmTokenizer", "DiaTokenizer", "ErnieMTokenizer",
    "EsmTokenizer", "FSMTTokenizer", "FastSpeech2ConformerTokenizer", "FlaubertTokenizer",
    "GPTNeoXJapaneseTokenizer", "GPTSanJapaneseTokenizer", "GPTSw3Tokenizer", "JukeboxTokenizer",
    "LayoutLMv2Tokenizer", "LayoutLMv3Tokenizer", "LayoutXLMTokenizer", "LukeTokenizer",
    "M2M100Tokenizer", "MBart50Tokenizer", "MLukeTokenizer", "MarianTokenizer",
    "MarkupLMTokenizer", "MgpstrTokenizer", "MyT5Tokenizer", "NllbTokenizer", "PLBartTokenizer",
    "PerceiverTokenizer", "PhobertTokenizer", "Pop2PianoTokenizer", "ProphetNetTokenizer",
    "RoCBertTokenizer", "RoFormerTokenizer", "SeamlessM4TTokenizer", "SiglipTokenizer",
    "Speech2Text2Tokenizer", "Speech2TextTokenizer", "SpeechT5Tokenizer", "SplinterTokenizer",
    "TapasTokenizer", "TapexTokenizer", "TransfoXLTokenizer", "UdopTokenizer", "VitsTokenizer",
    "Wav2Vec2CTCTokenizer", "Wav2Vec2PhonemeCTCTokenizer", "Wav2Vec2Tokenizer",
    "XLMProphetNetTokenizer", "XLMTokenizer",
  ]

  /// Whether texts can be tokenised as the class does.
  var isSupported: Bool { !Self.unsupported.contains(name) }

  /// The tokenizer classes of model types, as `AutoTokenizer` knows them.
  private static let byModelType = [
    "bert": "BertTokenizer", "distilbert": "DistilBertTokenizer", "electra": "ElectraTokenizer",
    "mobilebert": "MobileBertTokenizer", "convbert": "ConvBertTokenizer",
    "squeezebert": "SqueezeBertTokenizer", "lxmert": "LxmertTokenizer",
    "layoutlm": "LayoutLMTokenizer", "mpnet": "MPNetTokenizer",
    "dpr": "DPRQuestionEncoderTokenizer", "megatron-bert": "BertTokenizer",
    "nezha": "BertTokenizer", "ernie": "BertTokenizer", "roberta": "RobertaTokenizer",
    "roberta-prelayernorm": "RobertaTokenizer", "longformer": "LongformerTokenizer",
    "bart": "BartTokenizer", "led": "LEDTokenizer", "gpt2": "GPT2Tokenizer",
    "gpt_neox": "GPTNeoXTokenizer", "mpt": "GPTNeoXTokenizer", "qwen2": "Qwen2Tokenizer",
    "qwen3": "Qwen2Tokenizer", "t5": "T5Tokenizer", "mt5": "T5Tokenizer",
    "xlm-roberta": "XLMRobertaTokenizer", "xlm-roberta-xl": "XLMRobertaTokenizer",
    "camembert": "CamembertTokenizer", "deberta-v2": "DebertaV2Tokenizer",
    "albert": "AlbertTokenizer", "mbart": "MBartTokenizer",
  ]

  /// The class that transformers would load: the one that is named first.
  ///
  /// Classes that are not in a list here take `tokenizer.json` as it is.
  ///
  /// - Parameters:
  ///   - configured: `tokenizer_class` of tokenizer_config.json.
  ///   - model: config.json, whose `tokenizer_class` and model type are asked next. Classes and
  ///     model types of Lightning IR give way to `backbone_model_type`.
  init(configured: String?, model: JSON?) {
    let backbone = model?["backbone_model_type"]?.string.flatMap { Self.byModelType[$0] }
    let named = configured ?? model?["tokenizer_class"]?.string
    if let named, let known = Self.known(Self.withoutFast(named)) {
      self = known
      return
    }
    let name =
      backbone ?? named ?? model?["model_type"]?.string.flatMap { Self.byModelType[$0] }
      ?? "PreTrainedTokenizer"
    self =
      Self.known(Self.withoutFast(name))
      ?? TokenizerClass(name: Self.withoutFast(name), override: .none, defaults: [:])
  }

  static func withoutFast(_ name: String) -> String {
    name.hasSuffix("Fast") ? String(name.dropLast(4)) : name
  }

  private static let robertaNames = [
    "RobertaTokenizer", "LongformerTokenizer", "BartTokenizer", "LEDTokenizer",
    "BlenderbotTokenizer", "MvpTokenizer",
  ]

  private static func known(_ name: String) -> TokenizerClass? {
    if bertNames.contains(name) {
      return TokenizerClass(
        name: name, override: .all,
        defaults: [
          "unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]",
          "mask_token": "[MASK]",
        ], converted: { PostProcessor.bert(cls: $0, sep: $1) })
    }
    if robertaNames.contains(name) {
      return TokenizerClass(
        name: name, override: .none,
        defaults: [
          "bos_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "cls_token": "<s>",
          "unk_token": "<unk>", "pad_token": "<pad>", "mask_token": "<mask>",
        ],
        wrapping: .mask(
          normalized: ["BartTokenizer", "LEDTokenizer", "MvpTokenizer"].contains(name)),
        convertsMerges: name != "BlenderbotTokenizer")
    }
    switch name {
    case "FunnelTokenizer":
      return TokenizerClass(
        name: name, override: .all,
        defaults: [
          "bos_token": "<s>", "eos_token": "</s>", "sep_token": "<sep>", "cls_token": "<cls>",
          "unk_token": "<unk>", "pad_token": "<pad>", "mask_token": "<mask>",
        ])
    case "T5Tokenizer", "MT5Tokenizer":
      return TokenizerClass(
        name: name, override: .none,
        defaults: ["eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"],
        sentencePiece: .t5)
    case "XLMRobertaTokenizer":
      return TokenizerClass(
        name: name, override: .none,
        defaults: [
          "bos_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "cls_token": "<s>",
          "unk_token": "<unk>", "pad_token": "<pad>", "mask_token": "<mask>",
        ], wrapping: .mask(normalized: true), sentencePiece: .xlmRoberta)
    case "MPNetTokenizer":
      return TokenizerClass(
        name: name, override: .caseAndAccents,
        defaults: [
          "bos_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "cls_token": "<s>",
          "unk_token": "[UNK]", "pad_token": "<pad>", "mask_token": "<mask>",
        ], wrapping: .all, converted: { PostProcessor.mpnet(cls: $0, sep: $1) })
    default: return ofPieces(name) ?? ofDecoder(name)
    }
  }

  /// The classes of other models that have a SentencePiece file.
  private static func ofPieces(_ name: String) -> TokenizerClass? {
    let fairseq = [
      "bos_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "cls_token": "<s>",
      "unk_token": "<unk>", "pad_token": "<pad>", "mask_token": "<mask>",
    ]
    let google = [
      "bos_token": "[CLS]", "eos_token": "[SEP]", "sep_token": "[SEP]", "cls_token": "[CLS]",
      "unk_token": "<unk>", "pad_token": "<pad>", "mask_token": "[MASK]",
    ]
    switch name {
    case "CamembertTokenizer":
      return TokenizerClass(
        name: name, override: .none, defaults: fairseq, wrapping: .mask(normalized: false),
        sentencePiece: .camembert,
        additional: ["<s>NOTUSED", "</s>NOTUSED", "<unk>NOTUSED"])
    case "MBartTokenizer":
      return TokenizerClass(
        name: name, override: .none, defaults: fairseq, wrapping: .mask(normalized: true),
        sentencePiece: .mbart, additional: SentencePieceLayout.languages)
    case "AlbertTokenizer":
      return TokenizerClass(
        name: name, override: .none, defaults: google, wrapping: .mask(normalized: false),
        sentencePiece: .albert)
    case "DebertaV2Tokenizer":
      return TokenizerClass(
        name: name, override: .none,
        defaults: google.merging(["unk_token": "[UNK]", "pad_token": "[PAD]"]) { $1 },
        wrapping: .unknown, sentencePiece: .deberta)
    default: return nil
    }
  }

  /// The classes of models that write texts.
  private static func ofDecoder(_ name: String) -> TokenizerClass? {
    let end = "<|endoftext|>"
    switch name {
    case "LlamaTokenizer":
      return TokenizerClass(
        name: name, override: .none,
        defaults: ["bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"],
        buildsPostProcessor: true, addsStart: true)
    case "GemmaTokenizer":
      return TokenizerClass(
        name: name, override: .none,
        defaults: [
          "bos_token": "<bos>", "eos_token": "<eos>", "unk_token": "<unk>", "pad_token": "<pad>",
        ], buildsPostProcessor: true, addsStart: true)
    case "CohereTokenizer":
      return TokenizerClass(
        name: name, override: .none,
        defaults: [
          "bos_token": "<BOS_TOKEN>", "eos_token": "<|END_OF_TURN_TOKEN|>", "unk_token": "<UNK>",
        ], buildsPostProcessor: true, addsStart: true)
    case "GPT2Tokenizer", "GPTNeoXTokenizer":
      return TokenizerClass(
        name: name, override: .none,
        defaults: ["bos_token": end, "eos_token": end, "unk_token": end],
        buildsPostProcessor: name == "GPTNeoXTokenizer")
    case "Qwen2Tokenizer":
      return TokenizerClass(
        name: name, override: .none,
        defaults: ["eos_token": end, "unk_token": end, "pad_token": end])
    default: return nil
    }
  }

  private init(
    name: String, override: NormalizerOverride, defaults: [String: String],
    wrapping: Wrapping = .none, buildsPostProcessor: Bool = false, addsStart: Bool = false,
    sentencePiece: SentencePieceLayout? = nil, additional: [String] = [],
    convertsMerges: Bool = false,
    converted: (@Sendable (Int32, Int32) -> PostProcessor)? = nil
  ) {
    self.name = name
    self.override = override
    self.defaults = defaults
    self.wrapping = wrapping
    self.buildsPostProcessor = buildsPostProcessor
    self.addsStart = addsStart
    self.sentencePiece = sentencePiece
    self.additional = additional
    self.convertsMerges = convertsMerges
    self.converted = converted
  }
}
