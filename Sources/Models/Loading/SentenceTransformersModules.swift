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
  /// Fields of `modules.json` that change nothing.
  private(set) var withoutEffect: [String] = []

  private static let file = "modules.json"

  /// - Throws: 65 where `modules.json` is no list of modules, 78 for a router that is not supported.
  init(_ files: SettingsFiles) throws(Failure) {
    let path = files.folder.path
    let list = try Self.list(path)
    all = try Self.modules(list, path)
    for module in list where module["kwargs"]?.array?.isEmpty == false {
      let name = module["name"]?.string ?? ""
      withoutEffect.append("\(Self.file): kwargs of module \(name) (known to nobody here)")
    }
    routes = try all.first?.kind == "Router" ? Self.routes(files, all) : nil
  }

  private static func list(_ path: String) throws(Failure) -> [JSON] {
    let place = "\(path)/\(file)"
    guard let list = try JSONFile.read(place).array else {
      throw .data(place, "expected an array of modules")
    }
    return list
  }

  private static func modules(_ list: [JSON], _ path: String) throws(Failure) -> [Module] {
    let place = "\(path)/\(file)"
    var modules: [Module] = []
    for module in list {
      guard let type = module["type"]?.string, let path = module["path"]?.string else {
        throw .data(place, "expected a type and a path in every module")
      }
      modules.append(Module(kind: try kind(type, place), path: path == "." ? "" : path))
    }
    return modules
  }

  /// The class of a module, which is the library's own or PyLate's.
  ///
  /// - Throws: 78 for a class that the folder brings along.
  private static func kind(_ type: String, _ place: String) throws(Failure) -> String {
    guard type.hasPrefix("sentence_transformers.") || type.hasPrefix("pylate.") else {
      throw .config(
        place, "module \(type) is code of its own, which is not run",
        hint: "only modules of sentence-transformers and PyLate are read")
    }
    return String(type.split(separator: ".").last ?? "")
  }

  private static func routes(
    _ files: SettingsFiles, _ modules: [Module]
  ) throws(Failure) -> (query: [Module], doc: [Module]) {
    let path = files.folder.path
    guard modules.count == 1, modules[0].path.isEmpty else {
      throw .config("\(path)/\(file)", "modules around a Router are not supported")
    }
    // Older releases wrote the routes where a transformer has its own configuration.
    let name = WholeFile.exists("\(path)/router_config.json") ? "router_config.json" : "config.json"
    guard let config = try files.open(name) else {
      throw .config("\(path)/router_config.json", "the Router has no configuration")
    }
    let (types, structure) = (config.value("types"), config.value("structure"))
    let names = try RouteNames(config)
    func route(_ task: String) throws(Failure) -> [Module] {
      guard let name = names.route(of: task, among: structure),
        let modules = structure?[name]?.array?.compactMap(\.string)
      else {
        throw .config(
          config.place,
          "structure: expected a route for \(task), or one that parameters.route_mappings names")
      }
      return try modules.map { module throws(Failure) in
        guard let type = types?[module]?.string else {
          throw .data(config.place, "types: no module \(module)")
        }
        return Module(kind: try kind(type, config.place), path: module)
      }
    }
    return (try route("query"), try route("document"))
  }

  /// The folder of the transformer that `modules.json` names; nil without such a file.
  static func transformerPath(_ path: String) throws(Failure) -> String? {
    guard WholeFile.exists("\(path)/\(file)") else { return nil }
    let folder = try list(path)
    guard let first = folder.first, let type = first["type"]?.string else { return nil }
    var below = first["path"]?.string
    if type.hasSuffix(".Router"), WholeFile.exists("\(path)/router_config.json") {
      let config = try JSONFile.read("\(path)/router_config.json")
      let names = try RouteNames(
        SettingsFile("", config.members ?? [], place: "\(path)/router_config.json"))
      below = names.route(of: "document", among: config["structure"]).flatMap {
        config["structure"]?[$0]?.array?.first?.string
      }
    }
    guard let below, !below.isEmpty, below != "." else { return nil }
    return "\(path)/\(below)"
  }

  /// Whether a table of vectors stands in the place of a transformer, which has no configuration.
  static func beginsWithTable(_ path: String) throws(Failure) -> Bool {
    guard WholeFile.exists("\(path)/\(file)") else { return false }
    return try list(path).first?["type"]?.string?.hasSuffix(".StaticEmbedding") == true
  }

  /// Says which module stands in the place of a transformer, in a folder that holds none.
  ///
  /// - Throws: 78 for a folder whose modules do not begin with a transformer.
  static func requireTransformer(_ path: String) throws(Failure) {
    guard WholeFile.exists("\(path)/\(file)") else { return }
    let type = try list(path).first?["type"]?.string ?? "nothing"
    let kind = type.split(separator: ".").last.map(String.init) ?? type
    if kind == "Router", WholeFile.exists("\(path)/router_config.json") {
      throw .config(
        "\(path)/router_config.json",
        "structure: expected a Transformer first in the route for document, or in the one that "
          + "parameters.route_mappings names")
    }
    if kind != "Transformer", kind != "MLMTransformer" {
      throw .config("\(path)/\(file)", "module \(kind) is not supported")
    }
  }
}

/// Names of the routes that a Router takes for tasks and kinds of input
/// (`base/modules/router.py`).
private struct RouteNames {
  /// Names by `('query', 'text')`, as Python writes a pair.
  private var mappings: [String: String] = [:]

  init(_ config: SettingsFile) throws(Failure) {
    guard let parameters = try config.object("parameters") else { return }
    parameters.ignore("default_route", "allow_empty_key")
    for member in parameters.value("route_mappings")?.members ?? [] {
      mappings[member.key.filter { $0 != " " && $0 != "\"" }] = member.value.string
    }
  }

  func route(of task: String, among structure: JSON?) -> String? {
    let keys = ["('\(task)','text')", "('\(task)',None)", "(None,'text')", "(None,None)"]
    for key in keys { if let name = mappings[key] { return name } }
    return [task, "text"].first { structure?[$0] != nil }
  }
}
