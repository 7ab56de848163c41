import Failures
import JSON
import Streams
import Tensors

/// Folders below a model's folder that hold parts of the model.
///
/// These are the ones that `modules.json` and a router's configuration name, whatever they are called,
/// and the ones that are called as sentence-transformers calls them.
package struct ModuleFolders {
  /// Paths below the model's folder, with every folder on the way.
  private var named: Set<String> = []

  /// - Parameter path: The model's folder.
  /// - Throws: 65 for a configuration that is no JSON.
  package init(_ path: String) throws(Failure) {
    try collect(path, "")
  }

  /// Whether a folder holds a part of the model.
  ///
  /// - Parameter path: Its path below the model's folder.
  /// - Returns: Whether it does.
  package func contains(_ path: String) -> Bool {
    named.contains(path) || Self.isUsual(path.split(separator: "/").last ?? "")
  }

  /// A folder of sentence-transformers, such as `1_Pooling` or `query_0_SparseStaticEmbedding`.
  private static func isUsual(_ name: Substring) -> Bool {
    let parts = name.split(separator: "_")
    return parts.count > 1 && parts.dropLast().contains { $0.allSatisfy(\.isNumber) }
  }

  /// Notes what the files of a folder name, and what is named there in turn.
  private mutating func collect(_ root: String, _ below: String) throws(Failure) {
    let folder = below.isEmpty ? root : "\(root)/\(below)"
    for module in try Self.names(in: folder) {
      var path = below
      for part in module.split(separator: "/") where part != "." {
        path += path.isEmpty ? String(part) : "/\(part)"
        let isNew = named.insert(path).inserted
        // What lies elsewhere is no part of the folder.
        guard part != "..", isNew else { continue }
        try collect(root, path)
      }
    }
  }

  private static func names(in folder: String) throws(Failure) -> [String] {
    var names: [String] = []
    let list = "\(folder)/modules.json"
    if WholeFile.exists(list) {
      names += (try JSONFile.read(list).array ?? []).compactMap { $0["path"]?.string }
    }
    // Older releases wrote the routes where a transformer has its own configuration.
    for file in ["router_config.json", "config.json"].map({ "\(folder)/\($0)" })
    where WholeFile.exists(file) {
      let config = try JSONFile.read(file)
      guard config["structure"]?.members != nil else { continue }
      names += (config["types"]?.members ?? []).map(\.key)
      names += (config["structure"]?.members ?? []).flatMap {
        ($0.value.array ?? []).compactMap(\.string)
      }
    }
    return names
  }
}
