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
  /// The module of jina-embeddings-v3: a Transformer that is told a task.
  private static let jina = "custom_st.Transformer"

  /// - Throws: 65 where `modules.json` is no list of modules, 78 for a router that is not supported.
  init(_ files: SettingsFiles) throws(Failure) {
    let path = files.folder.path
    let list = try Self.list(path)
    let modules = try Self.modules(list, files.folder)
    for module in list where module["kwargs"]?.array?.isEmpty == false {
      if module["type"]?.string == Self.jina { continue }
      let name = module["name"]?.string ?? ""
      withoutEffect.append("\(Self.file): kwargs of module \(name) (known to nobody here)")
    }
    var (queries, docs): ([Module], [Module]) = ([], [])
    for module in modules {
      guard Self.isRouter(module.kind) else {
        queries.append(module)
        docs.append(module)
        continue
      }
      let (query, doc) = try Self.routes(files, module)
      queries += query
      docs += doc
    }
    // Words of documents against a table of words is one model; else each role has its own.
    let isOfWords = modules.count == 1 && docs.last?.kind == "SpladePooling"
    routes = isOfWords && Self.isRouter(modules[0].kind) ? (queries, docs) : nil
    all = routes != nil ? modules : files.folder.role == .query ? queries : docs
  }

  private static func isRouter(_ kind: String) -> Bool { kind == "Router" || kind == "Asym" }

  private static func list(_ path: String) throws(Failure) -> [JSON] {
    let place = "\(path)/\(file)"
    guard let list = try JSONFile.read(place).array else {
      throw .data(place, "expected an array of modules")
    }
    return list
  }

  private static func modules(
    _ list: [JSON], _ folder: ModelFolder
  ) throws(Failure) -> [Module] {
    let place = "\(folder.path)/\(file)"
    var modules: [Module] = []
    for module in list {
      guard let type = module["type"]?.string, let path = module["path"]?.string else {
        throw .data(place, "expected a type and a path in every module")
      }
      let kind =
        type == jina && !folder.taskNames.isEmpty ? "Transformer" : try kind(type, place)
      modules.append(Module(kind: kind, path: path == "." ? "" : path))
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

  /// The modules of a router, of queries and of documents.
  private static func routes(
    _ files: SettingsFiles, _ module: Module
  ) throws(Failure) -> (query: [Module], doc: [Module]) {
    let below = module.path.isEmpty ? "" : "\(module.path)/"
    let path = files.folder.path
    // Older releases wrote the routes where a transformer has its own configuration.
    let own = "\(below)router_config.json"
    let name = WholeFile.exists("\(path)/\(own)") ? own : "\(below)config.json"
    guard let config = try files.open(name) else {
      throw .config("\(path)/\(own)", "the Router has no configuration")
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
        return Module(kind: try kind(type, config.place), path: below + module)
      }
    }
    return (try route("query"), try route("document"))
  }

  /// Type and folder of the first module for texts of a role; nil without modules.
  ///
  /// A table of words' weights stands for a model only beside that of documents.
  private static func first(
    _ path: String, _ role: Role?
  ) throws(Failure) -> (type: String, path: String)? {
    guard WholeFile.exists("\(path)/\(file)"), let module = try list(path).first,
      let type = module["type"]?.string
    else { return nil }
    let below = module["path"]?.string ?? ""
    guard isRouter(type.split(separator: ".").last.map(String.init) ?? type) else {
      return (type, below)
    }
    let folder = below.isEmpty || below == "." ? "" : "\(below)/"
    let places = ["router_config.json", "config.json"].map { "\(path)/\(folder)\($0)" }
    guard let place = places.first(where: { WholeFile.exists($0) }) else { return (type, below) }
    let config = try JSONFile.read(place)
    let names = try RouteNames(SettingsFile("", config.members ?? [], place: place))
    func first(_ task: String) -> (type: String, path: String)? {
      names.route(of: task, among: config["structure"]).flatMap {
        config["structure"]?[$0]?.array?.first?.string
      }.map { (config["types"]?[$0]?.string ?? "", folder + $0) }
    }
    if role == .query, let query = first("query"), !query.type.hasSuffix(".SparseStaticEmbedding") {
      return query
    }
    return first("document")
  }

  /// The folder of the transformer, or the table, that `modules.json` names for texts of a role; nil
  /// without such a file.
  static func transformerPath(_ path: String, _ role: Role?) throws(Failure) -> String? {
    guard let below = try first(path, role)?.path, !below.isEmpty, below != "." else { return nil }
    return "\(path)/\(below)"
  }

  /// Whether queries and documents have modules of their own.
  static func routesDiffer(_ path: String) throws(Failure) -> Bool {
    guard WholeFile.exists("\(path)/\(file)") else { return false }
    for module in try list(path) {
      guard let type = module["type"]?.string, let below = module["path"]?.string,
        isRouter(type.split(separator: ".").last.map(String.init) ?? type)
      else { continue }
      let folder = below.isEmpty || below == "." ? "" : "\(below)/"
      let places = ["router_config.json", "config.json"].map { "\(path)/\(folder)\($0)" }
      guard let place = places.first(where: { WholeFile.exists($0) }) else { continue }
      let config = try JSONFile.read(place)
      let names = try RouteNames(SettingsFile("", config.members ?? [], place: place))
      let routes = ["query", "document"].map { task in
        names.route(of: task, among: config["structure"]).flatMap {
          config["structure"]?[$0]?.array?.compactMap(\.string)
        }
      }
      let query = routes[0]?.first.flatMap { config["types"]?[$0]?.string } ?? ""
      if routes[0] != routes[1], !query.hasSuffix(".SparseStaticEmbedding") { return true }
    }
    return false
  }

  /// Whether a table of vectors stands in the place of a transformer, which has no configuration.
  static func beginsWithTable(_ path: String, _ role: Role?) throws(Failure) -> Bool {
    try first(path, role)?.type.hasSuffix(".StaticEmbedding") == true
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
    // Releases before 5 called documents as they liked: `doc` in the library's examples.
    let others = task == "document" ? ["doc", "passage", "corpus"] : []
    return ([task, "text"] + others).first { structure?[$0] != nil }
  }
}
