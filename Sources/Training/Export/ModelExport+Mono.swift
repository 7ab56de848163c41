import Autograd
import Failures
import JSON
import Kernels
import Models
import Tensors

extension ModelExport {
  /// A classifier of transformers with one label, or, for sentence-transformers, the modules of a
  /// CrossEncoder where no such class is the model.
  mutating func add(_ head: MonoHead.Settings) throws(Failure) {
    guard format != .pylate else { throw refusal("the model scores pairs") }
    guard let pairs = head.pairs, pairs.set == nil, pairs.pattern == nil else {
      throw refusal("the model reads pairs as no other library does")
    }
    if description.family?.answersInWords == true {
      throw refusal("the model answers in words")
    }
    if let answers = head.answers { return try add(answers, pairs) }
    if format == .transformers { try checkPrompts() }
    warnOfLengths(pairs)
    let activation = pairs.activation == .logit && head.scoring == .rank ? "Identity" : "Sigmoid"
    let path =
      "torch.nn.modules." + (activation == "Identity" ? "linear.Identity" : "activation.Sigmoid")
    if let names = head.transformersNames(description) {
      try addClassifier(names, head, activation: path)
    } else {
      guard format == .sentenceTransformers else {
        throw refusal(
          "no classifier of transformers is this model", hint: "--format sentence-transformers")
      }
      try addModules(of: head, activation: path)
    }
  }

  /// What Lightning IR cuts before it makes a pair.
  private mutating func warnOfLengths(_ pairs: PairSettings) {
    guard pairs.cutsTextsFirst else { return }
    let lengths = [(Role.query, "queries"), (.doc, "documents")].compactMap { role, name in
      description.roles[role]?.maximumLength.map { "\(name) to \($0) tokens" }
    }
    if !lengths.isEmpty {
      warn("other libraries cut pairs, not \(lengths.joined(separator: " and ")) before")
    }
  }

  // MARK: A class of transformers

  private mutating func addClassifier(
    _ names: [(stored: String, written: String)], _ head: MonoHead.Settings, activation: String
  ) throws(Failure) {
    try addBackbone(prefix: transformers.prefix) { name in
      names.contains { name.hasPrefix($0.stored + ".") }
    }
    let outputs = names.last?.stored
    for (stored, written) in names {
      for part in ["weight", "bias"] {
        guard let parameter = trained.store["\(stored).\(part)"] else { continue }
        let isLast = stored == outputs
        folder.add(
          isLast && head.scoring == .mono ? Self.difference(parameter) : parameter,
          as: "\(written).\(part)")
      }
      if stored == outputs, trained.store["\(stored).bias"] == nil {
        folder.add(Self.zero, as: "\(written).bias")
      }
    }
    addConfiguration(
      "ForSequenceClassification",
      [
        JSON.Member("id2label", ["0": "LABEL_0"]), JSON.Member("label2id", ["LABEL_0": 0]),
        JSON.Member("num_labels", 1),
        JSON.Member("sentence_transformers", ["activation_fn": .string(activation)]),
      ])
    try addTokenizer(lowersItself: format != .transformers)
    guard format == .sentenceTransformers else { return }
    let transformer: [JSON.Member] = [
      JSON.Member("transformer_task", "sequence-classification"),
      JSON.Member(
        "modality_config", ["text": ["method": "forward", "method_output_name": "logits"]]),
      JSON.Member("module_output_name", "scores"),
    ]
    try addModules(
      [.transformer], transformer: transformer + pairLength(),
      settings: crossEncoder(activation))
  }

  /// The second row less the first: two logits as the one that tells them apart.
  private static func difference(_ parameter: Parameter) -> Parameter {
    let count = parameter.count / 2
    let buffer = AlignedBuffer(count: count)
    for i in 0..<count { buffer.pointer[i] = parameter.values[count + i] - parameter.values[i] }
    return Parameter(
      name: parameter.name, shape: [1] + parameter.shape.dropFirst(),
      values: UnsafePointer(buffer.pointer), owner: buffer)
  }

  private static var zero: Parameter {
    let buffer = AlignedBuffer(count: 1)
    buffer.pointer[0] = 0
    return Parameter(name: "bias", shape: [1], values: UnsafePointer(buffer.pointer), owner: buffer)
  }

  func pairLength() -> [JSON.Member] {
    description.roles[.pair]?.maximumLength.map { [JSON.Member("max_seq_length", .integer($0))] }
      ?? []
  }

  func crossEncoder(_ activation: String) -> [JSON.Member] {
    let prompt = description.roles[.pair]?.prompt ?? ""
    var prompts = description.prompts
    let name = prompts.filter { $0.value == prompt }.keys.min() ?? "query"
    if !prompt.isEmpty { prompts[name] = prompt }
    return [
      JSON.Member("model_type", "CrossEncoder"),
      JSON.Member("activation_fn", .string(activation)),
      JSON.Member("default_prompt_name", prompt.isEmpty ? .null : .string(name)),
      JSON.Member(
        "prompts",
        .object(
          prompts.sorted { $0.key < $1.key }.map { JSON.Member($0.key, .string($0.value)) })),
    ]
  }

  // MARK: Modules

  private mutating func addModules(
    of head: MonoHead.Settings, activation: String
  ) throws(Failure) {
    guard let pooling = Self.name(head.pooling) else {
      throw refusal("sentence-transformers has no pooling \(head.pooling.rawValue)")
    }
    let width = trained.model.backbone.width
    let own = head.modules?.paths ?? ["bert_pool.0", "linear"]
    try addBackbone(prefix: "") { name in own.contains { name.hasPrefix($0 + ".") } }
    addConfiguration(transformers.bareClass)
    try addTokenizer(lowersItself: true)
    folder.add(
      "1_Pooling/config.json",
      [
        "embedding_dimension": .integer(width), "pooling_mode": .string(pooling),
        "include_prompt": true,
      ])
    var modules = [
      Module.transformer,
      Module(type: "sentence_transformers.models.Pooling", name: "Pooling"),
    ]
    var layers = head.modules ?? []
    if head.modules == nil {
      if head.hasPooler {
        layers.append(
          .linear(
            Projection(
              WeightPlace("bert_pool.0"), outputs: width, bias: .required, activation: "Tanh")))
      }
      layers.append(.linear(Projection(WeightPlace("linear"), outputs: 1, bias: .optional)))
    }
    var inputs = width
    for (place, layer) in layers.enumerated() {
      let isLast = place == layers.count - 1
      let (module, outputs) = try add(
        layer, number: modules.count, reading: "sentence_embedding",
        writing: isLast ? "scores" : nil, inputs: inputs)
      modules.append(module)
      inputs = outputs
    }
    if head.scoring == .mono {
      folder.change("\(modules.count - 1)_Dense/model.safetensors", Self.difference)
    }
    try addModules(
      modules,
      transformer: [JSON.Member("transformer_task", "feature-extraction")] + pairLength(),
      settings: crossEncoder(activation))
  }
}
