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
  private let files: [any WeightFile]
  private var places: [String: Int] = [:]
  /// Names in the files, of tensors that have others there.
  private var ownNames: [String: String] = [:]
  /// Updates by task of the tensors with other names; nil where there are none.
  private let tasks: TaskUpdates?
  private var used: Set<String> = []
  package let path: String
  private let adapter: Adapter?
  /// Store of the weights that training is to change; nil where they stay as they are.
  private let store: ParameterStore?
  /// Put before names in the store: the weights of a folder's modules are told apart.
  private let storePrefix: String
  /// Gathers the forms of weights that inference takes, or has them; nil where it does neither.
  private let packed: PackedWeights?
  /// Gives the values of weights that are missing; nil where none may be.
  var fresh: FreshWeights?
  /// Names of the weights that it has given values to.
  private(set) var freshNames: [String] = []

  /// Files that hold a folder's weights, or name those that do, in the order in which they are
  /// looked for.
  private static let fileNames = [
    "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
    "pytorch_model.bin.index.json",
  ]

  /// Whether there are weights: in a folder, or as a file.
  package static func exists(_ path: String) throws(Failure) -> Bool {
    if WholeFile.isDirectory(path) {
      return fileNames.contains { WholeFile.exists("\(path)/\($0)") }
    }
    return WholeFile.exists(path)
  }

  /// Opens the weights of a folder, or one file of weights.
  ///
  /// - Parameters:
  ///   - path: Where they are.
  ///   - adapter: Low-rank updates of them.
  ///   - tasks: Low-rank updates of a task, which lie beside them.
  ///   - store: Gets copies of the weights that are asked for, to be trained.
  ///   - storePrefix: Put before their names there, and in `packed`.
  ///   - packed: Gathers the forms of weights that inference takes, or has them.
  /// - Throws: 78 where the folder holds none; 65 where they are damaged.
  package init(
    _ path: String, adapter: Adapter? = nil, tasks: TaskUpdates? = nil,
    trainingIn store: ParameterStore? = nil, storePrefix: String = "",
    packed: PackedWeights? = nil
  ) throws(Failure) {
    _ = LargeBlocks.areReturned
    self.tasks = tasks
    self.packed = packed
    self.storePrefix = storePrefix
    self.path = path
    self.adapter = adapter
    self.store = store
    var files: [any WeightFile] = []
    for name in try Self.files(path) {
      if name.hasSuffix(".safetensors") {
        files.append(try SafeTensorsFile(name))
      } else {
        files.append(try TorchFile(name))
      }
    }
    self.files = files
    for (i, file) in files.enumerated() {
      for entry in file.entries {
        if entry.name.isEmpty {
          throw .data(file.path, "expected a dictionary of tensors, found one without a name")
        }
        if let name = own(entry.name) {
          if let name { places[name] = i }
          continue
        }
        if places.updateValue(i, forKey: entry.name) != nil {
          throw .data(file.path, "tensor \(entry.name) is in another shard as well")
        }
      }
    }
  }

  /// The name that a tensor with updates by task has here, nil for one of these updates; nil for another
  /// tensor.
  private func own(_ name: String) -> String?? {
    if name.hasSuffix(TaskUpdates.original) {
      let own = name.dropLast(TaskUpdates.original.count) + ".weight"
      ownNames[String(own)] = name
      return .some(String(own))
    }
    let isUpdate = name.hasSuffix(TaskUpdates.first) || name.hasSuffix(TaskUpdates.second)
    return isUpdate ? .some(nil) : nil
  }

  private static func files(_ path: String) throws(Failure) -> [String] {
    guard WholeFile.isDirectory(path) else { return [path] }
    guard let name = fileNames.first(where: { WholeFile.exists("\(path)/\($0)") }) else {
      throw .config(
        path, "expected model.safetensors or pytorch_model.bin, found no weights",
        hint: try ModelFolder.hintOfAdapter(path))
    }
    if name.hasSuffix(".json") { return try shards("\(path)/\(name)").map { "\(path)/\($0)" } }
    return ["\(path)/\(name)"]
  }

  private static func shards(_ index: String) throws(Failure) -> [String] {
    let json = try JSONFile.read(index)
    guard let map = json["weight_map"]?.members else {
      throw .data(index, "expected an object with a weight_map")
    }
    var names: Set<String> = []
    for member in map {
      guard let name = member.value.string, isBelow(name) else {
        throw .data(
          index,
          "weight_map.\(member.key): expected the name of a file, found \(member.value.excerpt)")
      }
      names.insert(name)
    }
    return names.sorted()
  }

  /// Whether a name is that of something in the folder.
  private static func isBelow(_ name: String) -> Bool {
    !name.isEmpty && name.first != "/" && !name.utf8.contains(0)
      && !name.split(separator: "/").contains("..")
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
    for (new, old) in [(".weight", ".gamma"), (".bias", ".beta")] where name.hasSuffix(new) {
      let other = name.dropLast(new.count) + old
      if places[String(other)] != nil { return String(other) }
    }
    return nil
  }

  /// The shape of a tensor; nil if there is none of that name.
  package func shape(_ name: String) -> [Int]? {
    resolve(name).flatMap { name in places[name].flatMap { entry(name, $0)?.shape } }
  }

  /// The entry of a tensor in one of the files.
  private func entry(_ stored: String, _ place: Int) -> SafeTensorsHeader.Entry? {
    files[place].entry(ownNames[stored] ?? stored)
  }

  /// What is added to a tensor, by an adapter or for a task; nil for nothing.
  private func update(of stored: String, shape: [Int]) throws(Failure) -> Adapter.Update? {
    if let update = try adapter?.update(of: stored, shape: shape) { return update }
    guard let tasks, ownNames[stored] != nil else { return nil }
    let factors = try tasks.factors(of: stored, shape: shape) { name, shape throws(Failure) in
      try factor(name, shape)
    }
    return factors.map { Adapter.Update(.product($0.up, $0.down, scale: tasks.scale)) }
  }

  private func factor(_ name: String, _ shape: [Int]) throws(Failure) -> Parameter {
    for file in files {
      guard let entry = file.entry(name) else { continue }
      guard entry.shape == shape else {
        throw .config(path, "tensor \(name): expected shape \(shape), found \(entry.shape)")
      }
      let buffer = AlignedBuffer(count: entry.elements)
      try Self.convert(file.bytes(entry), entry, into: buffer, path: path)
      return Parameter(
        name: name, shape: shape, values: UnsafePointer(buffer.pointer), owner: buffer)
    }
    throw .config(path, "tensor \(name) of shape \(shape) is missing")
  }

  /// A weight in single precision: mapped where it is stored so, else converted.
  ///
  /// - Parameters:
  ///   - name: The weight's.
  ///   - shape: The shape that it has to have.
  ///   - isOfLayer: Whether it is for one layer only, which packs it, so that its values are not
  ///     needed where the layer is packed already.
  /// - Returns: The weight, with its values unless they are packed.
  /// - Throws: 78 where it is missing or has another shape.
  package func parameter(
    _ name: String, _ shape: [Int], ofLayer isOfLayer: Bool = false
  ) throws(Failure) -> Parameter {
    guard let stored = resolve(name), let place = places[stored],
      let entry = entry(stored, place)
    else {
      guard let store, let fresh else {
        throw .config(path, "tensor \(name) of shape \(shape) is missing")
      }
      if let known = store[storePrefix + name] { return known }
      freshNames.append(name)
      return store.add(storePrefix + name, shape: shape, fresh.values(name, shape))
    }
    guard entry.shape == shape || Self.isSameVector(entry.shape, shape) else {
      throw .config(
        path, "tensor \(name): expected shape \(shape), found \(entry.shape)")
    }
    used.insert(stored)
    // Layers that share a weight share its training.
    if let known = store?[storePrefix + stored] { return known }
    if let packed {
      if isOfLayer, packed.isMapped { return Parameter(packed: name, shape: shape) }
      if let known = try packed.parameter(name, stored: storePrefix + stored, shape: shape) {
        return known
      }
    }
    let parameter = try read(name, stored, entry, shape, files[place])
    if !isOfLayer { packed?.gather(parameter, stored: storePrefix + stored) }
    return parameter
  }

  /// A table of which rows are looked up: in half precision where it is stored so and nothing changes it,
  /// else as `parameter` gives it.
  ///
  /// - Throws: 78 where it is missing, has another shape, or is not finite.
  package func table(_ name: String, _ shape: [Int]) throws(Failure) -> Parameter {
    guard store == nil, packed == nil, let stored = resolve(name), let place = places[stored],
      let entry = entry(stored, place), entry.shape == shape,
      entry.type == .bf16 || entry.type == .f16,
      try update(of: stored, shape: shape) == nil,
      let base = files[place].bytes(entry).baseAddress,
      Int(bitPattern: base) % MemoryLayout<UInt16>.alignment == 0
    else { return try parameter(name, shape) }
    used.insert(stored)
    let halves = base.assumingMemoryBound(to: UInt16.self)
    let exponent: UInt16 = entry.type == .bf16 ? 0x7F80 : 0x7C00
    for i in 0..<entry.elements where halves[i] & exponent == exponent {
      throw .config(path, "tensor \(name) holds NaN or infinite values")
    }
    return Parameter(
      name: name, shape: shape, halves: halves, entry.type == .bf16 ? .bfloat16 : .float16,
      owner: files[place])
  }

  /// The numbers of a tensor of integers; nil where there is none of that name.
  ///
  /// - Throws: 78 where its elements are no integers of 32 or 64 bits.
  package func integers(_ name: String) throws(Failure) -> [Int]? {
    guard let stored = resolve(name), let place = places[stored],
      let entry = entry(stored, place)
    else { return nil }
    used.insert(stored)
    let bytes = files[place].bytes(entry)
    switch entry.type {
    case .i64:
      return (0..<entry.elements).map {
        Int(bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self))
      }
    case .i32:
      return (0..<entry.elements).map {
        Int(bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self))
      }
    default:
      throw .config(
        path, "tensor \(name): expected integers, found \(entry.type.rawValue)")
    }
  }

  private func read(
    _ name: String, _ stored: String, _ entry: SafeTensorsHeader.Entry, _ shape: [Int],
    _ file: any WeightFile
  ) throws(Failure) -> Parameter {
    let bytes = file.bytes(entry)
    let update = try update(of: stored, shape: shape)
    if store == nil, update == nil, entry.type == .f32, let base = bytes.baseAddress,
      Int(bitPattern: base) % MemoryLayout<Float>.alignment == 0
    {
      try checkFinite(
        UnsafeBufferPointer(
          start: base.assumingMemoryBound(to: Float.self), count: entry.elements), name)
      file.discard(entry)
      return Parameter(
        name: name, shape: shape, values: base.assumingMemoryBound(to: Float.self), owner: file,
        discard: { file.discard(entry) })
    }
    let buffer = AlignedBuffer(count: entry.elements)
    try Self.convert(bytes, entry, into: buffer, path: path)
    file.discard(entry)
    update?.add(to: buffer)
    try checkFinite(UnsafeBufferPointer(start: buffer.pointer, count: entry.elements), name)
    if let store { return store.add(storePrefix + stored, shape: shape, buffer) }
    return Parameter(
      name: name, shape: shape, values: UnsafePointer(buffer.pointer), owner: buffer)
  }

  func linear(
    _ weights: [Parameter], _ biases: [Parameter], _ precisions: LayerPrecisions
  ) throws(Failure) -> Linear {
    let precision = precisions.of(weights[0])
    if let known = try packed?.linear(weights, biases, precision, prefix: storePrefix) {
      return known
    }
    let layer = Linear(
      weights: weights, biases: biases, precision: precision, calibrates: precisions.calibrates)
    packed?.gather(layer, precision, prefix: storePrefix)
    return layer
  }

  func crossProjections(
    key: Parameter, value: Parameter, heads: Int, scale: Float
  ) throws(Failure) -> CrossProjections {
    if let known = try packed?.crossProjections(
      key: key, value: value, heads: heads, scale: scale)
    {
      return known
    }
    let projections = CrossProjections(key: key, value: value, heads: heads, scale: scale)
    packed?.gather(projections)
    return projections
  }

  /// A table of one column may be stored as a vector.
  private static func isSameVector(_ found: [Int], _ expected: [Int]) -> Bool {
    expected.count == 2 && expected[1] == 1 && found == [expected[0]]
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
