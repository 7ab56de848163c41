import Autograd
import Failures
import JSON
import Kernels
import Streams
import Tensors

/// Low-rank updates of a model's weights: W + s · B · A, s being α/r, or α/√r (LoRA,
/// arXiv:2106.09685; rsLoRA, arXiv:2312.03732), perhaps with the lengths of its rows (DoRA,
/// arXiv:2402.09353), as PEFT stores them.
package final class Adapter {
  private let path: String
  private let weights: Checkpoint
  /// Names of the layers that are updated, as the adapter has them, without `base_model.model.`.
  private let layers: [String: String]
  /// Names of the tables that are updated, likewise.
  private let tables: [String: String]
  /// Tensors that the adapter has whole, by the model's names.
  private let wholes: [String: String]
  private let rank: Int
  private let alpha: Double
  private let scalesByRoot: Bool
  private let ranks: [(layers: LayerPattern, value: Int)]
  private let alphas: [(layers: LayerPattern, value: Double)]
  private let transposes: Bool
  /// Whether rows get lengths of their own.
  private let hasLengths: Bool

  /// - Throws: 66 where there is no adapter; 78 for settings that change more than this knows.
  package init(_ path: String) throws(Failure) {
    self.path = path
    let place = "\(path)/adapter_config.json"
    let config: JSON = .object(try JSONFile.readObject(place))
    try Self.refuse(config, place)
    rank = try NumberField("r", of: config, at: place).integer(in: FieldRanges.rank)
    alpha = try NumberField("lora_alpha", of: config, at: place).double(in: FieldRanges.alpha)
    scalesByRoot = try Self.flag("use_rslora", config, place)
    hasLengths = try Self.flag("use_dora", config, place)
    transposes = try Self.flag("fan_in_fan_out", config, place)
    ranks = try Self.pattern("rank_pattern", config, place) {
      value, name throws(Failure) in
      try NumberField(name, value, at: place).integer(in: FieldRanges.rank)
    }
    alphas = try Self.pattern("alpha_pattern", config, place) {
      value, name throws(Failure) in
      try NumberField(name, value, at: place).double(in: FieldRanges.alpha)
    }
    let file = ["adapter_model.safetensors", "adapter_model.bin"].map { "\(path)/\($0)" }
      .first { WholeFile.exists($0) }
    guard let file else {
      throw .config(path, "expected adapter_model.safetensors, found no weights")
    }
    weights = try Checkpoint(file)
    (layers, tables, wholes) = try Self.sort(weights.names, path)
  }

  private static let unsupported = [
    "layer_replication", "alora_invocation_tokens", "trainable_token_indices", "target_parameters",
    "use_qalora", "use_bdlora", "arrow_config", "kasa_config", "monteclora_config",
    "velora_config",
  ]

  private static func flag(
    _ name: String, _ config: JSON, _ place: String
  ) throws(Failure) -> Bool {
    guard let value = config[name], !value.isNull else { return false }
    guard let flag = value.bool else {
      throw .config(place, "\(name): expected true or false, found \(value.excerpt)")
    }
    return flag
  }

  /// Values for the layers whose names a key matches.
  private static func pattern<Value>(
    _ name: String, _ config: JSON, _ place: String,
    _ read: (JSON, String) throws(Failure) -> Value
  ) throws(Failure) -> [(layers: LayerPattern, value: Value)] {
    guard let pattern = config[name], !pattern.isNull else { return [] }
    guard let members = pattern.members else {
      throw .config(place, "\(name): expected an object, found \(pattern.excerpt)")
    }
    var values: [(LayerPattern, Value)] = []
    for member in members {
      let pattern = try LayerPattern(member.key, name, at: place)
      values.append((pattern, try read(member.value, "\(name).\(member.key)")))
    }
    return values
  }

  /// Settings under which the update is not the product of two matrices, or touches more.
  private static func refuse(_ config: JSON, _ place: String) throws(Failure) {
    let type = config["peft_type"]?.string ?? "none"
    guard type == "LORA" else { throw .config(place, "peft_type \(type) is not supported") }
    if let bias = config["bias"]?.string, !["none", "all", "lora_only"].contains(bias) {
      throw .config(place, "bias \(bias) is not supported")
    }
    for key in unsupported {
      if let value = config[key], !value.isNull, value.bool != false {
        throw .config(place, "\(key) is not supported")
      }
    }
    // Some ways of beginning a training change the model's own weights.
    if let start = config["init_lora_weights"]?.string,
      !["gaussian", "eva", "orthogonal"].contains(start)
    {
      throw .config(place, "init_lora_weights \(start) is not supported")
    }
  }

  /// Endings of the tensors that belong to an update.
  private static let (endings, tableEndings) = (
    [
      ".lora_A.weight", ".lora_B.weight", ".lora_B.bias", ".lora_magnitude_vector",
      ".lora_magnitude_vector.weight",
    ],
    [".lora_embedding_A", ".lora_embedding_B"]
  )

  private static func sort(
    _ names: [String], _ path: String
  ) throws(Failure) -> (
    layers: [String: String], tables: [String: String], wholes: [String: String]
  ) {
    var (layers, tables, wholes): ([String: String], [String: String], [String: String]) =
      ([:], [:], [:])
    for name in names {
      var bare = name
      if bare.hasPrefix("base_model.model.") { bare.removeFirst("base_model.model.".count) }
      if let ending = endings.first(where: { bare.hasSuffix($0) }) {
        layers[String(bare.dropLast(ending.count))] = String(name.dropLast(ending.count))
      } else if let ending = tableEndings.first(where: { bare.hasSuffix($0) }) {
        tables[String(bare.dropLast(ending.count))] = String(name.dropLast(ending.count))
      } else if bare.contains(".lora_") {
        throw .config(path, "tensor \(name) is not supported")
      } else {
        // `modules_to_save`: PEFT leaves out its own part of the name, older versions do not. A bias that
        // was trained beside an update has another part.
        wholes[
          bare.replacing(".modules_to_save.", with: ".").replacing(".default.", with: ".")
            .replacing(".base_layer.", with: ".")] = name
      }
    }
    return (layers, tables, wholes)
  }

  /// The update of a tensor of the model; nil where there is none.
  ///
  /// - Throws: 78 where its shapes do not fit.
  func update(of name: String, shape: [Int]) throws(Failure) -> Update? {
    if let whole = Self.match(name, wholes) {
      let parameter = try weights.parameter(whole.value, shape)
      guard let bias = try biasUpdate(of: name, shape: shape) else {
        return Update(.whole(parameter))
      }
      return Update(.wholeAnd(parameter, bias.vector, scale: bias.scale))
    }
    if let bias = try biasUpdate(of: name, shape: shape) {
      return Update(.vector(bias.vector, scale: bias.scale))
    }
    guard name.hasSuffix(".weight"), shape.count == 2 else { return nil }
    let layer = String(name.dropLast(".weight".count))
    if let table = Self.match(layer, tables) {
      guard !hasLengths else {
        throw .config(path, "use_dora is not supported for a table, \(name)")
      }
      let (rank, scale) = settings(table.key)
      // A table's row is a column of A, so that both are turned.
      let down = try weights.parameter(table.value + ".lora_embedding_A", [rank, shape[0]])
      let up = try weights.parameter(table.value + ".lora_embedding_B", [shape[1], rank])
      return Update(.product(Self.turned(down), Self.turned(up), scale: scale))
    }
    guard let layer = Self.match(layer, layers) else { return nil }
    let (rank, scale) = settings(layer.key)
    guard !transposes else { throw .config(path, "fan_in_fan_out of \(name) is not supported") }
    let down = try weights.parameter(layer.value + ".lora_A.weight", [rank, shape[1]])
    let up = try weights.parameter(layer.value + ".lora_B.weight", [shape[0], rank])
    let names = Self.endings.suffix(2).map { layer.value + $0 }
    let stored = names.first { weights.has($0) }
    guard hasLengths else {
      if let stored { throw .config(path, "tensor \(stored) is not supported without use_dora") }
      return Update(.product(up, down, scale: scale))
    }
    let lengths = try weights.parameter(stored ?? names[0], [shape[0]])
    return Update(.turned(up, down, scale: scale, lengths: lengths))
  }

  /// Rank and factor of a layer's update.
  private func settings(_ layer: String) -> (rank: Int, scale: Double) {
    let rank = Self.value(ranks, layer) ?? rank
    let alpha = Self.value(alphas, layer) ?? alpha
    return (rank, alpha / (scalesByRoot ? Double(rank).squareRoot() : Double(rank)))
  }

  /// What B's own bias adds to that of a layer; nil for nothing.
  private func biasUpdate(
    of name: String, shape: [Int]
  ) throws(Failure) -> (vector: Parameter, scale: Double)? {
    guard name.hasSuffix(".bias"),
      let layer = Self.match(String(name.dropLast(".bias".count)), layers),
      weights.has(layer.value + ".lora_B.bias")
    else { return nil }
    return (
      try weights.parameter(layer.value + ".lora_B.bias", shape), settings(layer.key).scale
    )
  }

  private static func turned(_ matrix: Parameter) -> Parameter {
    let (rows, columns) = (matrix.shape[0], matrix.shape[1])
    let buffer = AlignedBuffer(count: rows * columns)
    for row in 0..<rows {
      for column in 0..<columns {
        buffer.pointer[column * rows + row] = matrix.values[row * columns + column]
      }
    }
    return Parameter(
      name: matrix.name, shape: [columns, rows], values: UnsafePointer(buffer.pointer),
      owner: buffer)
  }

  /// Matrices of an update from which training goes on.
  package struct Factors {
    package let down: Parameter
    package let up: Parameter
    /// Lengths of the sum's rows, if they have some.
    package let lengths: Parameter?
  }

  /// A and B of the adapter's update of a tensor, from which training goes on.
  ///
  /// - Throws: 78 where the adapter has none, or one of another rank or factor.
  package func factors(
    of name: String, shape: [Int], rank: Int, scale: Double
  ) throws(Failure) -> Factors {
    let (up, down, own): (Parameter, Parameter, Double)
    var rowLengths: Parameter?
    switch try update(of: name, shape: shape)?.kind {
    case .product(let left, let right, let factor)?: (up, down, own) = (left, right, factor)
    case .turned(let left, let right, let factor, let lengths)?:
      (up, down, own) = (left, right, factor)
      rowLengths = lengths
    default: throw .config(path, "the adapter has no update of \(name)")
    }
    guard down.shape[0] == rank, own == scale else {
      throw .config(
        path,
        "\(name): expected rank \(rank) and factor \(scale), found \(down.shape[0]) and \(own)",
        hint: "r, alpha and use_rslora must be the adapter's")
    }
    return Factors(down: down, up: up, lengths: rowLengths)
  }

  /// The bias of B that belongs to the update of a layer.
  ///
  /// - Throws: 78 where it has none.
  package func ownBias(of name: String, shape: [Int]) throws(Failure) -> Parameter {
    guard let bias = try biasUpdate(of: name, shape: shape) else {
      throw .config(path, "the adapter has no lora_B.bias for \(name)")
    }
    return bias.vector
  }

  /// A tensor that the adapter has whole.
  ///
  /// - Throws: 78 where it has none.
  package func whole(_ name: String, shape: [Int]) throws(Failure) -> Parameter {
    switch try update(of: name, shape: shape)?.kind {
    case .whole(let parameter)?, .wholeAnd(let parameter, _, _)?: return parameter
    default: throw .config(path, "the adapter has no \(name)")
    }
  }

  /// Checkpoints and adapters differ in what they put in front, such as `bert.`.
  private static func match(
    _ name: String, _ names: [String: String]
  ) -> (key: String, value: String)? {
    if let value = names[name] { return (name, value) }
    let ending = "." + name
    if let key = names.keys.filter({ $0.hasSuffix(ending) }).min() {
      return (key, names[key] ?? "")
    }
    if let key = names.keys.filter({ name.hasSuffix("." + $0) }).max(by: { $0.count < $1.count }) {
      return (key, names[key] ?? "")
    }
    return nil
  }

  /// The value for a layer whose name the first of a pattern's keys matches.
  private static func value<Value>(
    _ pattern: [(layers: LayerPattern, value: Value)], _ layer: String
  ) -> Value? {
    pattern.first { $0.layers.matches(layer) }?.value
  }

  /// Updates that belong to none of a checkpoint's tensors, sorted.
  package func strangers(to names: [String]) -> [String] {
    var found: Set<String> = []
    for name in names {
      if let whole = Self.match(name, wholes) { found.insert(whole.key) }
      if name.hasSuffix(".weight"),
        let layer = Self.match(String(name.dropLast(".weight".count)), layers)
      {
        found.insert(layer.key)
      }
      if name.hasSuffix(".weight"),
        let table = Self.match(String(name.dropLast(".weight".count)), tables)
      {
        found.insert(table.key)
      }
    }
    for (layer, value) in layers
    where weights.has(value + ".lora_B.bias")
      && !names.contains(where: { $0.hasSuffix(".bias") && layer.hasSuffix(String($0.dropLast(5))) }
      )
    {
      found.remove(layer)
    }
    return (Array(layers.keys) + tables.keys + wholes.keys).filter { !found.contains($0) }.sorted()
  }
}

extension Adapter {
  /// A change to a tensor of the model: another one in its place, or what is added.
  struct Update {
    enum Kind {
      case whole(Parameter)
      case product(Parameter, Parameter, scale: Double)
      /// The product is added, and then each row gets its length.
      case turned(Parameter, Parameter, scale: Double, lengths: Parameter)
      case vector(Parameter, scale: Double)
      case wholeAnd(Parameter, Parameter, scale: Double)
    }

    fileprivate let kind: Kind

    init(_ kind: Kind) { self.kind = kind }

    func add(to weights: AlignedBuffer) {
      switch kind {
      case .whole(let parameter):
        weights.pointer.update(from: parameter.values, count: parameter.count)
      case .product(let up, let down, let scale):
        LowRankUpdate.add(up: up, down: down, scale: scale, to: weights)
      case .turned(let up, let down, let scale, let lengths):
        LowRankUpdate.add(up: up, down: down, scale: scale, to: weights)
        LowRankUpdate.stretch(weights, to: lengths)
      case .vector(let vector, let scale): Self.add(vector, scale, to: weights)
      case .wholeAnd(let parameter, let vector, let scale):
        weights.pointer.update(from: parameter.values, count: parameter.count)
        Self.add(vector, scale, to: weights)
      }
    }

    private static func add(_ vector: Parameter, _ scale: Double, to weights: AlignedBuffer) {
      for i in 0..<vector.count {
        weights.pointer[i] = Float(Double(weights.pointer[i]) + scale * Double(vector.values[i]))
      }
    }
  }
}
