import Autograd
import Failures
import Glibc
import JSON
import Kernels

/// The angles that `rope_parameters` asks for, rounded where the reference rounds: transformers 5.24
/// `modeling_rope_utils.py`.
struct RotaryScaling {
  private let parameters: JSON?
  private let name: String
  private let base: Double
  private let share: Double
  private let headWidth: Int
  private let positions: Int
  private let originalPositions: Int
  private let place: String

  private static let known: Set<String> = [
    "rope_type", "type", "rope_theta", "partial_rotary_factor", "factor",
    "original_max_position_embeddings", "attention_factor", "beta_fast", "beta_slow",
    "short_factor", "long_factor", "low_freq_factor", "high_freq_factor", "mscale",
    "mscale_all_dim", "truncate",
  ]

  /// - Parameters:
  ///   - parameters: The field; nil for the angles of the paper.
  ///   - name: Its name, for messages.
  ///   - base: θ where the field has none.
  ///   - share: Share of a head that turns, where the field says nothing.
  ///   - headWidth: E.
  ///   - positions: Positions that the model has.
  ///   - originalPositions: Positions that it had before it was extended; nil where the field says it.
  ///   - place: The file of the field.
  /// - Throws: 78 for a field that is no object, or has members that are not known.
  init(
    _ parameters: JSON?, _ name: String, base: Double, share: Double, headWidth: Int,
    positions: Int, originalPositions: Int?, place: String
  ) throws(Failure) {
    self.parameters = parameters
    self.name = name
    self.headWidth = headWidth
    self.positions = positions
    self.place = place
    guard parameters?.members != nil || parameters == nil else {
      throw .config(place, "\(name): expected an object, found \(parameters?.excerpt ?? "nothing")")
    }
    for member in parameters?.members ?? [] where !Self.known.contains(member.key) {
      throw .config(place, "\(name).\(member.key) is not supported")
    }
    func number(_ key: String, in range: ClosedRange<Double>) throws(Failure) -> Double? {
      guard let value = parameters?[key], !value.isNull else { return nil }
      return try NumberField("\(name).\(key)", value, at: place).double(in: range)
    }
    self.base = try number("rope_theta", in: FieldRanges.angleBase) ?? base
    self.share = try number("partial_rotary_factor", in: FieldRanges.share) ?? share
    var original = originalPositions
    if original == nil, let value = parameters?["original_max_position_embeddings"], !value.isNull {
      original = try NumberField(
        "\(name).original_max_position_embeddings", value, at: place
      ).integer(in: FieldRanges.turns)
    }
    self.originalPositions = original ?? positions
  }

  /// - Throws: 78 for a kind that is not supported, or a number that is missing.
  func frequencies() throws(Failure) -> RotaryFrequencies {
    let kind = (parameters?["rope_type"] ?? parameters?["type"])
    let type = kind?.string ?? "default"
    guard kind == nil || kind?.string != nil else {
      throw .config(place, "\(name).rope_type: expected a string, found \(kind?.excerpt ?? "")")
    }
    if share != 1, type != "proportional" {
      throw .config(place, "partial_rotary_factor: expected 1, found \(share)")
    }
    switch type {
    // Scaling by a text's length begins behind the positions that the model has.
    case "default", "dynamic": return RotaryFrequencies(plain)
    case "linear":
      let factor = try float("factor")
      return RotaryFrequencies(plain.map { $0 / factor })
    // Not of transformers, but of gte's encoders on the hub.
    case "ntk": return RotaryFrequencies(try extended())
    case "llama3": return RotaryFrequencies(try llama3())
    case "yarn": return try yarn()
    case "longrope": return try long()
    case "proportional": return RotaryFrequencies(try proportional())
    default: throw .config(place, "\(name).rope_type: \(type) is not supported")
    }
  }

  /// θ^(2e/E) of each pair e.
  private var powers: [Float] {
    (0..<headWidth / 2).map { Float(pow(base, Double(Float(2 * $0) / Float(headWidth)))) }
  }

  private var plain: [Float] { powers.map { 1 / $0 } }

  private func double(_ key: String) throws(Failure) -> Double? {
    guard let value = parameters?[key], !value.isNull else { return nil }
    return try NumberField("\(name).\(key)", value, at: place).double(in: FieldRanges.rotary)
  }

  /// A number that has to be there.
  private func required(_ key: String) throws(Failure) -> Double {
    guard let number = try double(key) else {
      throw .config(place, "\(name).\(key): expected a number, found nothing")
    }
    return number
  }

  private func float(_ key: String) throws(Failure) -> Float { Float(try required(key)) }

  /// How many times as many positions there are as before.
  private func factor() throws(Failure) -> Double {
    try double("factor") ?? Double(positions) / Double(originalPositions)
  }

  /// A base that is larger by the factor, and waves that are longer by its power of 2/E.
  private func extended() throws(Failure) -> [Float] {
    let factor = try required("factor")
    let longer = Float(pow(factor, 2 / Double(headWidth)))
    return (0..<headWidth / 2).map { pair in
      1 / Float(pow(base * factor, Double(Float(2 * pair) / Float(headWidth)))) / longer
    }
  }

  /// Long waves are stretched, short ones stay, and those between are mixed (Llama 3.1).
  private func llama3() throws(Failure) -> [Float] {
    let (factor, low, high) = (
      try float("factor"), try required("low_freq_factor"), try required("high_freq_factor")
    )
    let length = Double(originalPositions)
    let (longest, shortest) = (Float(length / low), Float(length / high))
    return plain.map { frequency in
      let wave = Float(2 * Double.pi) / frequency
      if wave > longest { return frequency / factor }
      if wave < shortest { return frequency }
      let smooth = (Float(length) / wave - Float(low)) / Float(high - low)
      return (1 - smooth) * frequency / factor + smooth * frequency
    }
  }

  /// Peng et al., arXiv:2309.00071.
  private func yarn() throws(Failure) -> RotaryFrequencies {
    let factor = try factor()
    func growth(_ by: Double) -> Double { factor <= 1 ? 1 : 0.1 * by * log(factor) + 1 }
    let (scale, all) = (try double("mscale") ?? 0, try double("mscale_all_dim") ?? 0)
    let inferred = scale != 0 && all != 0 ? growth(scale) / growth(all) : growth(1)
    let attention = try double("attention_factor") ?? inferred
    func place(ofTurns turns: Double) -> Double {
      Double(headWidth) * log(Double(originalPositions) / (turns * 2 * Double.pi)) / (2 * log(base))
    }
    func nonzero(_ key: String, _ fallback: Double) throws(Failure) -> Double {
      let number = try double(key) ?? 0
      return number == 0 ? fallback : number
    }
    var low = place(ofTurns: try nonzero("beta_fast", 32))
    var high = place(ofTurns: try nonzero("beta_slow", 1))
    if parameters?["truncate"]?.bool ?? true {
      (low, high) = (low.rounded(.down), high.rounded(.up))
    }
    (low, high) = (max(low, 0), min(high, Double(headWidth - 1)))
    if low == high { high += 0.001 }
    let frequencies = powers.enumerated().map { pair, power in
      let ramp = min(max((Float(pair) - Float(low)) / Float(high - low), 0), 1)
      let kept = 1 - ramp
      return 1 / (Float(factor) * power) * (1 - kept) + 1 / power * kept
    }
    return RotaryFrequencies(frequencies, scale: Float(attention))
  }

  /// Ding et al., arXiv:2402.13753: other factors for texts of more tokens than before.
  private func long() throws(Failure) -> RotaryFrequencies {
    func factors(_ key: String) throws(Failure) -> [Float] {
      let numbers = parameters?[key]?.array?.compactMap(\.double) ?? []
      guard numbers.count == headWidth / 2, numbers.allSatisfy({ $0 > 0 }) else {
        throw .config(place, "\(name).\(key): expected \(headWidth / 2) numbers above 0")
      }
      return numbers.map { Float($0) }
    }
    let factor = try factor()
    let length = Double(originalPositions)
    let inferred = factor <= 1 ? 1 : (1 + log(factor) / log(length)).squareRoot()
    func frequencies(_ key: String) throws(Failure) -> [Float] {
      zip(powers, try factors(key)).map { 1 / ($1 * $0) }
    }
    return RotaryFrequencies(
      try frequencies("short_factor"), scale: Float(try double("attention_factor") ?? inferred),
      ofLongTexts: (try frequencies("long_factor"), from: originalPositions))
  }

  /// The first pairs turn, and the others do not.
  private func proportional() throws(Failure) -> [Float] {
    let factor = Float(try double("factor") ?? 1)
    let turning = Int(share * Double(headWidth) / 2)
    return plain.enumerated().map { $0 < turning ? $1 / factor : 0 }
  }
}
