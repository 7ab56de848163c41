import Autograd
import Failures
import Glibc
import JSON
import Kernels

/// Fields that say by which angles positions turn: `rope_parameters`, or `rope_scaling` and
/// `rope_theta` of before transformers 5.
struct RotaryFields {
  private let scaling: JSON?
  private let parameters: JSON?
  /// A number, or one for each layer.
  private let base: JSON?
  private let localBase: Double?
  private let share: Double
  private let originalPositions: Int?
  private let defaults: (base: Double, local: Double?)
  /// Fields that say which layers are local, where `rope_theta` has a number for each.
  private let layers: (kinds: JSON?, windows: JSON?)?
  /// Whether `rope_parameters` has to have every kind of attention that there is.
  private let isByKind: Bool
  private let place: String

  /// The fields of a family of `GatedTransformer`.
  ///
  /// - Parameters:
  ///   - fields: The fields.
  ///   - traits: The family's.
  ///   - byKind: Whether angles have to be given by kind of attention, where they are given.
  /// - Throws: 78 for a field of another type, and for angles that have to be given by kind of
  ///   attention and are not.
  init(
    _ fields: ConfigurationReader, _ traits: GatedTraits, byKind: Bool = false
  ) throws(Failure) {
    place = fields.place
    scaling = fields.json("rope_scaling").flatMap { $0.members?.isEmpty == true ? nil : $0 }
    parameters = fields.json("rope_parameters")
    if traits.windows == .twoOfThree {
      base = fields.json("rope_theta")
      layers = (fields.json("layer_types"), fields.json("attention_windows"))
    } else {
      let number = try fields.optionalDouble(
        "rope_theta", in: FieldRanges.angleBase, default: traits.angleBase)
      base = number.map { .double($0) }
      layers = nil
    }
    localBase = try traits.localAngleBase.map { fallback throws(Failure) in
      try fields.double("rope_local_base_freq", in: FieldRanges.angleBase, default: fallback)
    }
    share = try fields.double("partial_rotary_factor", in: FieldRanges.share, default: 1)
    originalPositions = try fields.optionalInteger(
      "original_max_position_embeddings", in: FieldRanges.turns)
    defaults = (traits.angleBase, traits.localAngleBase)
    isByKind = byKind || layers != nil
    guard isByKind else { return }
    if layers != nil, let scaling {
      throw .config(place, "rope_scaling: expected null, found \(scaling.excerpt)")
    }
    if let parameters, parameters["full_attention"] == nil {
      throw .config(
        place,
        "rope_parameters: expected full_attention and sliding_attention, found "
          + parameters.excerpt)
    }
  }

  /// The fields of a family whose layers all have the same angles.
  ///
  /// - Parameters:
  ///   - fields: The fields.
  ///   - base: θ where nothing says it.
  ///   - name: The field that says it.
  /// - Throws: 78 for a field of another type.
  init(
    _ fields: ConfigurationReader, base: Double, named name: String = "rope_theta"
  ) throws(Failure) {
    place = fields.place
    scaling = fields.json("rope_scaling").flatMap { $0.members?.isEmpty == true ? nil : $0 }
    parameters = fields.json("rope_parameters")
    self.base = .double(
      try fields.double(name, in: FieldRanges.angleBase, default: base))
    layers = nil
    isByKind = false
    localBase = nil
    share = try fields.double("partial_rotary_factor", in: FieldRanges.share, default: 1)
    originalPositions = try fields.optionalInteger(
      "original_max_position_embeddings", in: FieldRanges.turns)
    defaults = (base, nil)
  }

  /// Whether local attention has angles of its own.
  var differ: Bool { defaults.local != nil }

  /// Frequencies of global or of local attention.
  ///
  /// - Throws: 78 for a scaling that is not supported, or lacks a number.
  func frequencies(
    ofLocal isLocal: Bool, headWidth: Int, positions: Int
  ) throws(Failure) -> RotaryFrequencies {
    let kind = isLocal ? "sliding_attention" : "full_attention"
    guard differ else {
      let (name, given) =
        scaling == nil ? ("rope_parameters", parameters) : ("rope_scaling", scaling)
      return try scaled(
        given, name, base: number(base) ?? defaults.base, headWidth, positions,
        originalPositions: originalPositions)
    }
    var given = parameters?[kind]
    var name = "rope_parameters.\(kind)"
    if given?.isNull == true { given = nil }
    if isByKind, let parameters, given == nil {
      throw .config(place, "rope_parameters: expected \(kind), found \(parameters.excerpt)")
    }
    // Older releases scale the angles of global attention alone.
    if !isLocal, let scaling {
      given = .object(Self.merged(given?.members ?? [], scaling.members ?? []))
      name = "rope_scaling"
    }
    let own = isLocal ? localBase ?? defaults.base : try globalBase()
    let base = try ofLayers(kind) ?? own
    return try scaled(given, name, base: base, headWidth, positions, originalPositions: nil)
  }

  private func globalBase() throws(Failure) -> Double {
    try base?.array == nil ? number(base) ?? defaults.base : defaults.base
  }

  /// The number that `rope_theta` has for the last layer of a kind, where it has one for each.
  private func ofLayers(_ kind: String) throws(Failure) -> Double? {
    guard let bases = base?.array, parameters == nil else { return nil }
    func name(_ isLocal: Bool) -> String? { isLocal ? "sliding_attention" : "full_attention" }
    let names =
      layers?.kinds?.array?.map(\.string) ?? layers?.windows?.array?.map { name($0.integer != 0) }
      ?? bases.indices.map { name(($0 + 1) % 3 != 0) }
    guard let last = Array(zip(names, bases)).last(where: { $0.0 == kind }) else { return nil }
    return try number(last.1)
  }

  private func number(_ json: JSON?) throws(Failure) -> Double? {
    guard let json, !json.isNull else { return nil }
    return try NumberField("rope_theta", json, at: place).optionalDouble(in: FieldRanges.angleBase)
  }

  private static func merged(_ old: [JSON.Member], _ new: [JSON.Member]) -> [JSON.Member] {
    old.filter { member in !new.contains { $0.key == member.key } } + new
  }

  private func scaled(
    _ parameters: JSON?, _ name: String, base: Double, _ headWidth: Int, _ positions: Int,
    originalPositions: Int?
  ) throws(Failure) -> RotaryFrequencies {
    try RotaryScaling(
      parameters, name, base: base, share: share, headWidth: headWidth, positions: positions,
      originalPositions: originalPositions, place: place
    ).frequencies()
  }
}
