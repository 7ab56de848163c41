/// What a member's first segment says of all its records.
///
/// Values are the strings of the format; an absent key is nil.
package struct StreamDescription: Sendable, Equatable {
  package var role: Role
  /// Digest of the model's files.
  package var model: String?
  /// Digest of the tokenizer's files.
  package var tokenizer: String?
  package var similarity: String?
  /// How the similarities of several vectors a text become one score, where that is not the sum of
  /// the maxima.
  package var aggregation: String?
  package var dim: Int?
  package var precision: String?
  package var isa: String?
  package var maxLength: Int?
  package var prompt: String?
  package var shard: String?
  /// JSON list, one entry a stage so far.
  package var by: String?

  package init(role: Role) { self.role = role }

  static let keys = [
    "lir.model", "lir.tokenizer", "lir.similarity", "lir.dim", "lir.precision", "lir.isa",
    "lir.max_length", "lir.prompt", "lir.shard", "lir.by", "lir.aggregation",
  ]

  var metadata: [String: String] {
    let values = [
      model, tokenizer, similarity, dim.map(String.init), precision, isa,
      maxLength.map(String.init), prompt, shard, by, aggregation,
    ]
    var metadata: [String: String] = [:]
    for (key, value) in zip(Self.keys, values) { metadata[key] = value }
    return metadata
  }

  init(role: Role, metadata: (String) -> String?) {
    self.role = role
    model = metadata("lir.model")
    tokenizer = metadata("lir.tokenizer")
    similarity = metadata("lir.similarity")
    dim = metadata("lir.dim").flatMap { Int($0) }
    precision = metadata("lir.precision")
    isa = metadata("lir.isa")
    maxLength = metadata("lir.max_length").flatMap { Int($0) }
    prompt = metadata("lir.prompt")
    shard = metadata("lir.shard")
    by = metadata("lir.by")
    aggregation = metadata("lir.aggregation")
  }

  /// The first thing in which two members that follow each other must agree and do not.
  package func disagreement(with other: StreamDescription) -> (what: String, String, String)? {
    if role != other.role { return ("role", role.rawValue, other.role.rawValue) }
    if model != other.model { return ("model", model ?? "none", other.model ?? "none") }
    if dim != other.dim {
      return ("dim", dim.map(String.init) ?? "none", other.dim.map(String.init) ?? "none")
    }
    if aggregation != other.aggregation {
      return ("aggregation", aggregation ?? "sum,max", other.aggregation ?? "sum,max")
    }
    return nil
  }

  /// The first thing in which members were computed differently.
  ///
  /// They go together; but one run would not have written them.
  package func difference(from other: StreamDescription) -> (what: String, String, String)? {
    let (old, new) = (precision ?? "f32", other.precision ?? "f32")
    if old != new { return ("precision", old, new) }
    if isa != other.isa { return ("isa", isa ?? "none", other.isa ?? "none") }
    return nil
  }
}
