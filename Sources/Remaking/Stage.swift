import Failures
import JSON

/// One run of a tool, as the record of what made a file has it.
struct Stage {
  let tool: String
  let version: String
  let options: [JSON.Member]
  /// Names and digests of what was read.
  let inputs: [(name: String, digest: String)]

  /// The stages that a record names, the first one first.
  ///
  /// - Parameters:
  ///   - by: JSON list of the stages.
  ///   - file: What bears the record, for messages.
  /// - Returns: The stages.
  /// - Throws: 78 where the record has another form.
  static func all(_ by: String, of file: String) throws(Failure) -> [Stage] {
    guard let list = (try? JSONParser.parse(by))?.array, !list.isEmpty else {
      throw .config(file, "expected a list of stages as the record of what made it")
    }
    var stages: [Stage] = []
    for entry in list {
      guard let tool = entry["tool"]?.string, let version = entry["version"]?.string,
        let options = entry["options"]?.members, let inputs = entry["inputs"]?.members
      else { throw .config(file, "a stage of its record has no tool, version, options or inputs") }
      guard let sort = Sort(tool) else {
        throw .config(file, "a stage of its record is \(tool), which this tool does not know")
      }
      stages.append(
        Stage(
          tool: tool, version: version, options: options,
          inputs: inputs.map { ($0.key, $0.value.string ?? "") }, sort: sort))
    }
    return stages
  }

  /// How a tool takes its inputs and gives its output.
  enum Sort {
    /// Reads operands, and writes a file.
    case tokenize, encode, search, rerank, fuse, sample
    /// Reads operands, and writes a folder.
    case build, importing, merge
    /// Changes a folder that stands.
    case change

    init?(_ tool: String) {
      switch tool {
      case "lir-tokenize": self = .tokenize
      case "lir-encode": self = .encode
      case "lir-search": self = .search
      case "lir-rerank": self = .rerank
      case "lir-rerank fuse": self = .fuse
      case "lir-train sample": self = .sample
      case "lir-index", "lir-index train": self = .build
      case "lir-index import": self = .importing
      case "lir-index merge": self = .merge
      case "lir-index append", "lir-index replace", "lir-index delete", "lir-index compact":
        self = .change
      default: return nil
      }
    }
  }

  let sort: Sort

  /// The tool and its subcommand, as they are called.
  var command: String { tool == "lir-index" ? "lir-index build" : tool }

  /// Whether the output is a folder.
  var makesFolder: Bool {
    switch sort {
    case .build, .importing, .merge, .change: true
    default: false
    }
  }

  /// The ending of what the stage writes where it is an earlier one.
  var suffix: String {
    switch sort {
    case .tokenize: ".tokens.zst"
    case .encode: ".lirt.zst"
    default: makesFolder ? ".index" : ".zst"
    }
  }

  func option(_ key: String) -> JSON? { options.first { $0.key == key }?.value }

  func input(_ name: String) -> String? { inputs.first { $0.name == name }?.digest }

  /// The inputs of one name, such as `docs`, or `docs1`, `docs2`: by their places, nil in one that
  /// could not be read twice, as a pipe.
  func inputs(of name: String) -> [String?] {
    if let single = input(name) { return [single] }
    var found: [String?] = []
    for (key, digest) in inputs where key.hasPrefix(name) {
      guard let number = Int(key.dropFirst(name.count)), (1...100_000).contains(number) else {
        continue
      }
      while found.count < number { found.append(nil) }
      found[number - 1] = digest
    }
    return found
  }

  /// Whether queries or documents are read that no digest names: they came through a pipe.
  var readsPipe: Bool {
    guard inputs(of: "input").isEmpty else { return false }
    switch sort {
    case .search: return option("text") == nil && input("queries") == nil
    case .change: return tool == "lir-index append" || tool == "lir-index replace"
    case .fuse, .merge: return false
    default: return true
    }
  }
}
