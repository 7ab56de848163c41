import Failures
import JSON

/// Fields of `config.json` with what the user added to it: numbers within ranges, all else by its type.
extension ModelFolder {
  /// Path of `config.json`, for messages.
  package var configPlace: String { "\(modelPath)/config.json" }

  func invalid(_ key: String, expected: String) -> Failure {
    .config(
      configPlace, "\(key): expected \(expected), found \(config[key]?.excerpt ?? "nothing")")
  }

  private func number(_ key: String) -> NumberField {
    NumberField(key, of: config, at: configPlace)
  }

  /// An integer that has to be there.
  package func integer(_ key: String, in range: ClosedRange<Int>) throws(Failure) -> Int {
    try number(key).integer(in: range)
  }

  package func integer(
    _ key: String, in range: ClosedRange<Int>, default fallback: Int
  ) throws(Failure) -> Int {
    config[key] == nil ? fallback : try integer(key, in: range)
  }

  /// An integer or null; `fallback` where the key is absent.
  package func optionalInteger(
    _ key: String, in range: ClosedRange<Int>, default fallback: Int?
  ) throws(Failure) -> Int? {
    config[key] == nil ? fallback : try number(key).optionalInteger(in: range)
  }

  package func double(
    _ key: String, in range: ClosedRange<Double>, default fallback: Double
  ) throws(Failure) -> Double {
    config[key] == nil ? fallback : try number(key).double(in: range)
  }

  /// A number or null; `fallback` where the key is absent.
  package func optionalDouble(
    _ key: String, in range: ClosedRange<Double>, default fallback: Double?
  ) throws(Failure) -> Double? {
    config[key] == nil ? fallback : try number(key).optionalDouble(in: range)
  }

  package func bool(_ key: String, default fallback: Bool) throws(Failure) -> Bool {
    guard let value = config[key] else { return fallback }
    guard let bool = value.bool else { throw invalid(key, expected: "true or false") }
    return bool
  }

  /// A string or null; `fallback` where the key is absent.
  package func string(_ key: String, default fallback: String?) throws(Failure) -> String? {
    guard let value = config[key] else { return fallback }
    if value.isNull { return nil }
    guard let string = value.string else { throw invalid(key, expected: "a string or null") }
    return string
  }

  /// A string of a fixed set, or null where `nullMeans` names a case for it.
  package func choice<T: RawRepresentable & CaseIterable>(
    _ key: String, default fallback: T, nullMeans: T? = nil
  ) throws(Failure) -> T where T.RawValue == String {
    guard let value = config[key] else { return fallback }
    if value.isNull, let nullMeans { return nullMeans }
    guard let choice = value.string.flatMap(T.init(rawValue:)) else {
      let names = T.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
      throw invalid(key, expected: "one of \(names)")
    }
    return choice
  }

  package var architectures: [String] { config["architectures"]?.array?.compactMap(\.string) ?? [] }
  package var modelType: String? { config["model_type"]?.string }

  /// Backbone of a name; nil where this release has none of that name.
  ///
  /// On the hub jina's XLM-RoBERTa, whose positions turn, and jina's BERT, whose scores fall with the
  /// distance, have the names of the others.
  func backbone(_ name: String?) -> Backbones.Row? {
    if name == "xlm-roberta", config["position_embedding_type"]?.string == "rotary" {
      return backbones["jina_embeddings_v3"]
    }
    if name == "bert", config["position_embedding_type"]?.string == "alibi" {
      return backbones["jina_bert_v2"]
    }
    return name.flatMap { backbones[$0] }
  }

  /// `model_max_length` of the tokenizer; nil for no limit.
  package func tokenizerLength() throws(Failure) -> Int? {
    try Self.tokenizerLength(try json("tokenizer_config.json"), in: modelPath)
  }

  /// `model_max_length` of a tokenizer's configuration; nil for no limit.
  static func tokenizerLength(_ config: JSON?, in folder: String) throws(Failure) -> Int? {
    guard let length = config?["model_max_length"] else { return nil }
    // transformers writes 10^30 for "no limit".
    if let number = length.double, number >= 1e9 { return nil }
    return try NumberField("model_max_length", length, at: "\(folder)/tokenizer_config.json")
      .optionalInteger(in: FieldRanges.length)
  }
}
