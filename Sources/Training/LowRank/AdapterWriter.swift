import Autograd
import Failures
import Glibc
import JSON
import Kernels
import Streams
import Tensors

/// Writes low-rank updates as PEFT does, into the folder `adapter` of a model's.
///
/// Where the model's weights kept only a rest when training began, the adapter is one of the model as it
/// was: twice the rank, [A; A₀] and [B, −B₀], as PEFT converts it.
struct AdapterWriter {
  private static let folder = "adapter"
  private static let configFile = "\(folder)/adapter_config.json"
  private static let weightsFile = "\(folder)/adapter_model.safetensors"

  private let config: String
  /// Tensors of the file, sorted by their names.
  private let tensors: [AdapterTensor]

  init(_ lowRank: LowRankUpdates, _ naming: WeightNaming) throws(Failure) {
    let updated = Set(lowRank.layers.map(\.full))
    var tensors: [AdapterTensor] = []
    for parameter in lowRank.parameters + lowRank.saved {
      let (module, name) = try naming.written(parameter.name)
      guard module == nil else {
        throw .config(nil, "lora: an adapter cannot hold the module of \(parameter.name)")
      }
      // A bias beside an update is within what PEFT puts around the layer.
      let isInside =
        name.hasSuffix(".bias") && !lowRank.has(parameter.name)
        && updated.contains(LayerNames(parameter.name).full)
      let place = isInside ? name.dropLast("bias".count) + "base_layer.bias" : name
      tensors.append(
        AdapterTensor(
          name: "base_model.model.\(place)", parameter: parameter,
          start: lowRank.starts[parameter.name]))
    }
    self.tensors = tensors.sorted { $0.name < $1.name }
    var layers: [String] = []
    for weight in lowRank.weights {
      layers.append(LayerNames(try naming.written(weight.name).name).full)
    }
    config = lowRank.configuration.adapterConfig(updated: layers).indented() + "\n"
  }

  /// Names of the folder that is written and of the files in it, the folder first.
  var contents: [String] { [Self.folder, Self.configFile, Self.weightsFile] }

  func write(into folder: String) throws(Failure) {
    let own = "\(folder)/\(Self.folder)"
    guard WholeFile.isDirectory(own) || mkdir(own, 0o777) == 0 else {
      throw SystemError.cannotCreate(own)
    }
    let writer = try ByteWriter("\(folder)/\(Self.configFile)", compression: Compression.none)
    try writer.write(config)
    try writer.finish()
    let written = tensors.map { ($0.name, $0.written) }
    try SafeTensorsWriter.write(
      "\(folder)/\(Self.weightsFile)", metadata: ["format": "pt"],
      written.map { ModelFolderWriter.tensor($0.0, $0.1) })
    withExtendedLifetime(written) {}
  }

  /// Takes A, B and the modules that are trained whole from a folder that `write` has filled.
  func read(from folder: String) throws(Failure) {
    let file = try SafeTensorsFile("\(folder)/\(Self.weightsFile)")
    for tensor in tensors {
      guard let values = tensor.parameter.training?.values else { continue }
      guard let start = tensor.start else {
        try file.copy(tensor.name, to: values)
        continue
      }
      let both = AlignedBuffer(count: 2 * values.count)
      try file.copy(tensor.name, to: both)
      tensor.take(both, values, start)
    }
  }
}

/// A tensor of an adapter's file.
private struct AdapterTensor {
  let name: String
  let parameter: Parameter
  /// What A or B began with, if the adapter has to undo it.
  let start: AlignedBuffer?

  private var isDown: Bool { name.hasSuffix(".lora_A.weight") }

  var written: Parameter {
    guard let start else { return parameter }
    let both = AlignedBuffer(count: 2 * parameter.count)
    forEachPlace { place, old, i in
      both.pointer[place] = parameter.values[i]
      both.pointer[old] = isDown ? start.pointer[i] : -start.pointer[i]
    }
    let (rows, columns) = (parameter.shape[0], parameter.shape[1])
    return Parameter(
      name: name, shape: isDown ? [2 * rows, columns] : [rows, 2 * columns],
      values: UnsafePointer(both.pointer), owner: both)
  }

  func take(_ both: AlignedBuffer, _ values: AlignedBuffer, _ start: AlignedBuffer) {
    forEachPlace { place, old, i in
      values.pointer[i] = both.pointer[place]
      start.pointer[i] = isDown ? both.pointer[old] : -both.pointer[old]
    }
  }

  /// Calls with the places of an element and of its beginning in the file, and its own.
  private func forEachPlace(_ body: (Int, Int, Int) -> Void) {
    let (count, columns) = (parameter.count, parameter.shape[1])
    for i in 0..<count {
      if isDown {
        body(i, count + i, i)
      } else {
        let place = i / columns * 2 * columns + i % columns
        body(place, place + columns, i)
      }
    }
  }
}

extension LoRAConfiguration {
  /// `adapter_config.json` of PEFT.
  ///
  /// - Parameter updated: Names of the layers that are, in PEFT's model.
  /// - Returns: The file's content.
  fileprivate func adapterConfig(updated: [String]) -> JSON {
    // A product of twice the rank has the same factor.
    let times = start.changesWeights ? 2 : 1
    let factor = scalesByRoot ? Double(times).squareRoot() : Double(times)
    let json: JSON = [
      "alpha_pattern": .object(
        alphas.map { JSON.Member($0.layers.text, .double($0.value * factor)) }),
      "base_model_name_or_path": .null, "bias": .string(biases.rawValue), "fan_in_fan_out": false,
      "inference_mode": true,
      "init_lora_weights": start.changesWeights ? true : start.json,
      "lora_alpha": .double(alpha * factor), "lora_bias": .bool(hasBias),
      "lora_dropout": .double(dropout),
      "modules_to_save": saved.isEmpty ? .null : .array(saved.map { .string($0) }),
      "peft_type": "LORA", "r": .integer(times * rank),
      "rank_pattern": .object(
        ranks.map { JSON.Member($0.layers.text, .integer(times * $0.value)) }),
      "task_type": task.map { .string($0) } ?? .null, "use_dora": .bool(usesLengths),
      "use_rslora": .bool(scalesByRoot),
    ]
    let members = (json.members ?? []) + targets.fields(updated: updated)
    return .object(members.sorted { $0.key < $1.key })
  }
}

extension SafeTensorsFile {
  /// Copies a tensor in single precision to where its values belong.
  ///
  /// - Throws: 65 where it is missing or of another size.
  func copy(_ name: String, to values: AlignedBuffer) throws(Failure) {
    guard let entry = entry(name), entry.type == .f32, entry.elements == values.count else {
      throw .data(path, "damaged: no \(name) of \(values.count) numbers")
    }
    UnsafeMutableRawBufferPointer(start: values.pointer, count: 4 * values.count)
      .copyMemory(from: bytes(entry))
  }
}
