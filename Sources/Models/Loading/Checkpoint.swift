import Autograd
import Failures
import JSON
import Kernels
import Streams
import Tensors

/// The weights of a model folder, by name.
///
/// Not thread-safe: it notes which tensors were asked for.
package final class Checkpoint {
  private let files: [SafeTensorsFile]
  private var places: [String: Int] = [:]
  private var used: Set<String> = []
  package let path: String
  /// Where weights go that training is to change; nil where they stay as they are.
  private let store: ParameterStore?

  /// Opens `model.safetensors`, or the shards that `model.safetensors.index.json` names.
  ///
  /// - Parameters:
  ///   - folder: Where they are.
  ///   - store: Gets copies of the weights that are asked for, to be trained.
  /// - Throws: 78 where the folder holds weights in another format only.
  package init(_ folder: String, trainingIn store: ParameterStore? = nil) throws(Failure) {
    path = folder
    self.store = store
    let single = folder + "/model.safetensors"
    let index = folder + "/model.safetensors.index.json"
    var names: [String] = []
    if WholeFile.exists(single) {
      names = [single]
    } else if WholeFile.exists(index) {
      names = try Self.shards(index).map { "\(folder)/\($0)" }
    } else {
      throw Self.noWeights(folder)
    }
    var files: [SafeTensorsFile] = []
    for name in names { files.append(try SafeTensorsFile(name)) }
    self.files = files
    for (i, file) in files.enumerated() {
      for entry in file.header.entries {
        if places.updateValue(i, forKey: entry.name) != nil {
          throw .data(file.path, "tensor \(entry.name) is in another shard as well")
        }
      }
    }
  }

  private static func shards(_ index: String) throws(Failure) -> [String] {
    let json = try JSONFile.read(index)
    guard let map = json["weight_map"]?.members else {
      throw .data(index, "expected an object with a weight_map")
    }
    return Set(map.compactMap { $0.value.string }).sorted()
  }

  private static func noWeights(_ folder: String) -> Failure {
    for name in ["pytorch_model.bin", "pytorch_model.bin.index.json", "model.pt"]
    where WholeFile.exists("\(folder)/\(name)") {
      return .config(
        folder, "expected model.safetensors, found \(name), a pickle that may run code",
        hint: "convert it once: python3 -c \"import transformers as t; "
          + "t.AutoModel.from_pretrained('DIR').save_pretrained('DIR', safe_serialization=True)\" "
          + "(with the class of your model in place of AutoModel)")
    }
    return .config(folder, "expected model.safetensors, found no weights")
  }

  package func has(_ name: String) -> Bool { resolve(name) != nil }

  /// All names, sorted.
  package var names: [String] { places.keys.sorted() }

  /// Names that nobody asked for, sorted.
  package var unused: [String] { places.keys.filter { !used.contains($0) }.sorted() }

  /// Marks tensors as known and not needed.
  package func ignore(where known: (String) -> Bool) {
    used.formUnion(places.keys.filter(known))
  }

  /// The name under which a tensor is stored: older checkpoints call LayerNorm's `gamma`, `beta`.
  private func resolve(_ name: String) -> String? {
    if places[name] != nil { return name }
    for (new, old) in [
      ("LayerNorm.weight", "LayerNorm.gamma"), ("LayerNorm.bias", "LayerNorm.beta"),
    ]
    where name.hasSuffix(new) {
      let other = name.dropLast(new.count) + old
      if places[String(other)] != nil { return String(other) }
    }
    return nil
  }

  /// The shape of a tensor; nil if there is none of that name.
  package func shape(_ name: String) -> [Int]? {
    resolve(name).flatMap { name in places[name].flatMap { files[$0].entry(name)?.shape } }
  }

  /// A weight in single precision: mapped where it is stored so, else converted.
  ///
  /// - Throws: 78 where it is missing or has another shape.
  package func parameter(_ name: String, _ shape: [Int]) throws(Failure) -> Parameter {
    guard let stored = resolve(name), let place = places[stored],
      let entry = files[place].entry(stored)
    else {
      throw .config(path, "tensor \(name) of shape \(shape) is missing")
    }
    guard entry.shape == shape else {
      throw .config(
        path, "tensor \(name): expected shape \(shape), found \(entry.shape)")
    }
    used.insert(stored)
    // Layers that share a weight share its training.
    if let known = store?[stored] { return known }
    let file = files[place]
    let bytes = file.bytes(entry)
    if store == nil, entry.type == .f32, let base = bytes.baseAddress,
      Int(bitPattern: base) % MemoryLayout<Float>.alignment == 0
    {
      try checkFinite(
        UnsafeBufferPointer(
          start: base.assumingMemoryBound(to: Float.self), count: entry.elements), name)
      return Parameter(
        name: name, shape: shape, values: base.assumingMemoryBound(to: Float.self), owner: file)
    }
    let buffer = AlignedBuffer(count: entry.elements)
    try Self.convert(bytes, entry, into: buffer, path: path)
    try checkFinite(UnsafeBufferPointer(start: buffer.pointer, count: entry.elements), name)
    if let store { return store.add(stored, shape: shape, buffer) }
    return Parameter(
      name: name, shape: shape, values: UnsafePointer(buffer.pointer), owner: buffer)
  }

  /// Weights of a training run that went wrong would make every embedding NaN.
  private func checkFinite(
    _ values: UnsafeBufferPointer<Float>, _ name: String
  ) throws(Failure) {
    // The largest magnitude as an integer: NaN and infinities have the exponent 255.
    var largest: UInt32 = 0
    for value in values { largest = max(largest, value.bitPattern & 0x7FFF_FFFF) }
    if largest >= 0x7F80_0000 {
      throw .config(path, "tensor \(name) holds NaN or infinite values")
    }
  }

  private static func convert(
    _ bytes: UnsafeRawBufferPointer, _ entry: SafeTensorsHeader.Entry, into buffer: AlignedBuffer,
    path: String
  ) throws(Failure) {
    let target = UnsafeMutableBufferPointer(start: buffer.pointer, count: entry.elements)
    switch entry.type {
    case .f32: UnsafeMutableRawBufferPointer(target).copyMemory(from: bytes)
    case .f16, .bf16:
      // The tensor may lie at an odd address: through an aligned copy.
      let halves = [UInt16](unsafeUninitializedCapacity: entry.elements) { copy, count in
        UnsafeMutableRawBufferPointer(copy).copyMemory(from: bytes)
        count = entry.elements
      }
      halves.withUnsafeBufferPointer {
        Kernels().widen($0, entry.type == .f16 ? .float16 : .bfloat16, into: target)
      }
    case .f64:
      for i in 0..<entry.elements {
        target[i] = Float(bytes.loadUnaligned(fromByteOffset: 8 * i, as: Double.self))
      }
    default:
      throw .config(
        path, "tensor \(entry.name): expected floating point, found \(entry.type.rawValue)")
    }
  }
}

/// Weights below a prefix, with the forms in which models need them.
package struct WeightScope {
  let checkpoint: Checkpoint
  let prefix: String

  package init(_ checkpoint: Checkpoint, prefix: String = "") {
    self.checkpoint = checkpoint
    self.prefix = prefix
  }

  package func callAsFunction(_ name: String) -> WeightScope {
    WeightScope(checkpoint, prefix: prefix + name + ".")
  }

  package func has(_ name: String) -> Bool { checkpoint.has(prefix + name) }

  package func parameter(_ name: String, _ shape: [Int]) throws(Failure) -> Parameter {
    try checkpoint.parameter(prefix + name, shape)
  }

  /// `NAME.weight` [outputs, inputs] and, unless it has none, `NAME.bias` [outputs].
  package func linear(
    _ name: String, inputs: Int, outputs: Int, bias: Bool = true
  ) throws(Failure) -> Linear {
    try linear([name], inputs: inputs, outputs: outputs, bias: bias)
  }

  /// Several linear layers of the same input, side by side.
  package func linear(
    _ names: [String], inputs: Int, outputs: Int, bias: Bool = true
  ) throws(Failure) -> Linear {
    var weights: [Parameter] = []
    var biases: [Parameter] = []
    for name in names {
      weights.append(try parameter(name + ".weight", [outputs, inputs]))
      if bias { biases.append(try parameter(name + ".bias", [outputs])) }
    }
    return Linear(weights: weights, biases: biases)
  }

  package func layerNorm(
    _ name: String, width: Int, epsilon: Double
  ) throws(Failure) -> LayerNorm {
    LayerNorm(
      weight: try parameter(name + ".weight", [width]),
      bias: try parameter(name + ".bias", [width]), epsilon: Float(epsilon))
  }
}
