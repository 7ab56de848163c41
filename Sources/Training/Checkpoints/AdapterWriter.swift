import Autograd
import Failures
import Glibc
import Kernels
import Streams
import Tensors

/// Writes low-rank updates as PEFT does, into the folder `adapter` of a model's.
struct AdapterWriter {
  private static let folder = "adapter"
  private static let configFile = "\(folder)/adapter_config.json"
  private static let weightsFile = "\(folder)/adapter_model.safetensors"

  private let config: String
  /// Tensors of the file, with their names.
  private let tensors: [(name: String, parameter: Parameter)]

  init(_ lowRank: LowRankUpdates, _ naming: WeightNaming) throws(Failure) {
    config = lowRank.configuration.adapterConfig.indented() + "\n"
    var tensors: [(String, Parameter)] = []
    for parameter in lowRank.parameters + lowRank.saved {
      let (module, name) = try naming.written(parameter.name)
      guard module == nil else {
        throw .config(nil, "lora: an adapter cannot hold the module of \(parameter.name)")
      }
      tensors.append(("base_model.model.\(name)", parameter))
    }
    self.tensors = tensors.sorted { $0.0 < $1.0 }
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
    try SafeTensorsWriter.write(
      "\(folder)/\(Self.weightsFile)", metadata: ["format": "pt"],
      tensors.map { ModelFolderWriter.tensor($0.name, $0.parameter) })
  }

  /// Takes A, B and the modules that are trained whole from a folder that `write` has filled.
  func read(from folder: String) throws(Failure) {
    let file = try SafeTensorsFile("\(folder)/\(Self.weightsFile)")
    for (name, parameter) in tensors {
      guard let values = parameter.training?.values else { continue }
      try file.copy(name, to: values)
    }
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
