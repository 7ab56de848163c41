import Failures
import JSON

/// The parameters of an index that are in force: what was given, else what the manifest recorded,
/// else the type's defaults.
package struct IndexArguments: Sendable {
  /// A flag without its dashes, and its value.
  package typealias Given = (name: String, value: String)

  private let type: String
  private let parameters: [IndexParameter]
  private let values: [String: String]
  /// The file that vectors are to go to; nil to have them in the folder, or where they were.
  package let originals: String?

  /// - Parameters:
  ///   - given: What the user said.
  ///   - type: The type of the index.
  ///   - stage: Whether it is built or searched.
  ///   - recorded: Parameters of building that the manifest has.
  ///   - place: The index, for messages about these.
  /// - Throws: 64 for a name that the type does not have, or a value out of range; 65 for recorded
  ///   ones.
  package init(
    _ given: [Given], _ type: any IndexType.Type, _ stage: IndexParameter.Stage,
    recorded: [JSON.Member] = [], _ place: String = ""
  ) throws(Failure) {
    self.type = type.name
    let own = type.parameters(stage)
    parameters = type.parameters
    var values: [String: String] = [:]
    var originals: String?
    for parameter in type.parameters { values[parameter.name] = parameter.value }
    for member in recorded {
      let text = Self.text(member.value)
      guard
        let parameter = type.parameters(.build).first(where: { $0.name == member.key }),
        parameter.accepts(text)
      else { throw .data(place, "damaged manifest: parameter \(member.key) is \(text)") }
      // What is said of a search is another thing, though it may have the name.
      if stage == .search, own.contains(where: { $0.name == member.key }) { continue }
      values[member.key] = text
    }
    for (name, value) in given {
      guard let parameter = own.first(where: { $0.name == name || $0.aliases.contains(name) })
      else { throw Self.unknown(name, type.name, own) }
      let value = parameter.synonyms[value] ?? value
      guard parameter.accepts(value) else {
        throw .usage("--\(name): expected \(parameter.expected), found \(value)")
      }
      values[parameter.name] = value
      if case .wordOrFile(let words) = parameter.form, !words.contains(value) {
        originals = value
        values[parameter.name] = IndexParameter.file
      }
    }
    self.values = values
    self.originals = originals
  }

  private static func unknown(
    _ name: String, _ type: String, _ own: [IndexParameter]
  ) -> Failure {
    .usage(
      "--\(name): \(type) has no --\(name)",
      hint: own.isEmpty
        ? "\(type) has no parameters"
        : "\(type) has \(own.map { "--" + $0.name }.joined(separator: ", "))")
  }

  private static func text(_ value: JSON) -> String {
    switch value {
    case .string(let text): text
    case .bool(let flag): "\(flag)"
    default: value.serialized()
    }
  }

  /// The text of a parameter; nil where nothing was said and there is no default.
  package func text(_ name: String) -> String? {
    precondition(parameters.contains { $0.name == name }, "\(type) declares no \(name)")
    return values[name]
  }

  /// - Throws: 64 where nothing was said and there is no default.
  package func integer(_ name: String) throws(Failure) -> Int {
    guard let number = text(name).flatMap({ Int($0) }) else { throw missing(name) }
    return number
  }

  /// A number that may be `all`, which is `Int.max`.
  ///
  /// - Throws: 64 where nothing was said and there is no default.
  package func limit(_ name: String) throws(Failure) -> Int {
    try text(name) == "all" ? .max : integer(name)
  }

  /// - Throws: 64 where nothing was said and there is no default.
  package func number(_ name: String) throws(Failure) -> Double {
    guard let number = text(name).flatMap({ Double($0) }) else { throw missing(name) }
    return number
  }

  package func flag(_ name: String) -> Bool { text(name) == "true" }

  private func missing(_ name: String) -> Failure {
    .usage("--\(name) is missing", hint: "\(type) needs it")
  }

  /// The parameters of a stage with the values in force, for manifests and provenance.
  package func effective(_ stage: IndexParameter.Stage) -> [JSON.Member] {
    parameters.filter { $0.stage == stage }.compactMap { parameter in
      values[parameter.name].map { text in
        JSON.Member(parameter.name, Self.json(text, parameter.form))
      }
    }
  }

  private static func json(_ text: String, _ form: IndexParameter.Form) -> JSON {
    switch form {
    case .integer, .limit: Int(text).map { .integer($0) } ?? .string(text)
    case .number: Double(text).map { .double($0) } ?? .string(text)
    case .flag: .bool(text == "true")
    case .word, .wordOrFile: .string(text)
    }
  }
}
