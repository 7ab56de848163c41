import Failures
import JSON
import Streams
import Tensors

/// The modules of a folder of sentence-transformers, in order.
struct SentenceTransformersModules {
  struct Module: Equatable {
    /// Class without its package: `Transformer`, `Pooling`.
    var kind: String
    /// Folder below the model's; empty for the model's own.
    var path: String
  }

  let all: [Module]
  /// Modules of queries and of documents, where the first module is a router.
  let routes: (query: [Module], doc: [Module])?

  /// - Throws: 65 where `modules.json` is no list of modules.
  init(_ path: String) throws(Failure) {
    let place = "\(path)/modules.json"
    guard let list = try JSONFile.read(place).array else {
      throw .data(place, "expected an array of modules")
    }
    var modules: [Module] = []
    for module in list {
      guard let type = module["type"]?.string, let path = module["path"]?.string else {
        throw .data(place, "expected a type and a path in every module")
      }
      modules.append(Module(kind: Self.kind(type), path: path))
    }
    all = modules
    routes = try all.first?.kind == "Router" ? Self.routes(path, all) : nil
  }

  private static func kind(_ type: String) -> String {
    String(type.split(separator: ".").last ?? "")
  }

  private static func routes(
    _ path: String, _ modules: [Module]
  ) throws(Failure) -> (query: [Module], doc: [Module]) {
    guard modules.count == 1, modules[0].path.isEmpty else {
      throw .config("\(path)/modules.json", "modules around a Router are not supported")
    }
    let place = "\(path)/router_config.json"
    let config = try JSONFile.read(place)
    func route(_ name: String) throws(Failure) -> [Module] {
      guard let names = config["structure"]?[name]?.array?.compactMap(\.string) else {
        throw .config(place, "the Router has no route \(name)")
      }
      var modules: [Module] = []
      for name in names {
        guard let type = config["types"]?[name]?.string else {
          throw .data(place, "types: no module \(name)")
        }
        modules.append(Module(kind: kind(type), path: name))
      }
      return modules
    }
    return (try route("query"), try route("document"))
  }

  /// The folder of the transformer that `modules.json` names; nil without such a file.
  static func transformerPath(_ path: String) throws(Failure) -> String? {
    guard WholeFile.exists("\(path)/modules.json") else { return nil }
    let modules = try SentenceTransformersModules(path)
    let first = (modules.routes?.doc ?? modules.all).first
    guard let first, !first.path.isEmpty, first.path != "." else { return nil }
    return "\(path)/\(first.path)"
  }
}
