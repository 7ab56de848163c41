import Failures
import Glibc
import JSON
import Streams
import Tensors

/// Low-rank updates that lie beside a model's weights.
///
/// transformers adds them wherever it finds their configuration (4.57.6 `modeling_utils.py`,
/// `from_pretrained`; 5.24 `integrations/peft.py`, `maybe_load_adapters`), release 5 to the weights
/// beside them, as is done here; release 4 goes by the name of the model that they were made for.
extension ModelFolder {
  private static let adapterFile = "adapter_config.json"

  /// Names of the files of an adapter, which are no part of a model that has its updates.
  package static let adapterFiles: Set = [
    adapterFile, "adapter_model.safetensors", "adapter_model.bin",
  ]

  /// Whether the model's folder has the updates beside its weights.
  package var hasOwnAdapter: Bool { adapter != nil && adapter == modelPath }

  /// The adapter of a model.
  ///
  /// - Parameters:
  ///   - named: The user's; nil for none.
  ///   - modelPath: Where the model's weights are.
  /// - Returns: Its folder; nil where there is none.
  /// - Throws: 66 where there is no such folder; 78 where the model has one and the user names another.
  static func adapter(_ named: String?, _ modelPath: String) throws(Failure) -> String? {
    let hasOwn = WholeFile.exists("\(modelPath)/\(adapterFile)")
    guard let named else { return hasOwn ? modelPath : nil }
    let path = try existing(named, "adapter folder")
    guard hasOwn else { return path }
    guard isSame(path, modelPath) else {
      throw .config(
        modelPath, "\(adapterFile) lies beside the weights, and --adapter names another adapter",
        hint:
          "without --adapter the folder's own is added; move its \(adapterFile) away to leave it out"
      )
    }
    return modelPath
  }

  /// Reads the adapter; nil where there is none.
  ///
  /// - Throws: 78 where it changes more than is known here, or has no weights.
  package func openAdapter() throws(Failure) -> Adapter? {
    try adapter.map { path throws(Failure) in try Adapter(path) }
  }

  private static func isSame(_ a: String, _ b: String) -> Bool {
    var (first, second) = (stat(), stat())
    guard stat(a, &first) == 0, stat(b, &second) == 0 else { return false }
    return first.st_dev == second.st_dev && first.st_ino == second.st_ino
  }

  /// Advice for a folder that holds an adapter and no model; nil where it holds none.
  ///
  /// - Throws: 65 where the adapter's configuration is no JSON object.
  static func hintOfAdapter(_ path: String) throws(Failure) -> String? {
    let file = "\(path)/\(adapterFile)"
    guard WholeFile.exists(file) else { return nil }
    let base = JSON.object(try JSONFile.readObject(file))["base_model_name_or_path"]?.string
    return "it is an adapter\(base.map { " of \($0)" } ?? ""): name the model that it updates with "
      + "--model, and this folder with --adapter"
  }
}
