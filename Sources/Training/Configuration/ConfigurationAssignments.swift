import Failures
import JSON

/// Values that a command line puts in place of those of a configuration's file: `--set PATH=VALUE`.
package struct ConfigurationAssignments: Sendable {
  private let all: [(path: String, value: JSON)]

  /// Reads assignments.
  ///
  /// - Parameters:
  ///   - texts: `PATH=VALUE`, in order: a later one wins.
  ///   - parse: Reads a value, which is YAML, given where it stands.
  /// - Throws: 64 for a text without a path; as `parse` does.
  package init(
    _ texts: [String], parse: (_ value: String, _ place: String) throws(Failure) -> JSON
  ) throws(Failure) {
    var all: [(path: String, value: JSON)] = []
    for text in texts {
      guard let sign = text.firstIndex(of: "="), sign != text.startIndex else {
        throw .usage("--set: expected PATH=VALUE, found \(text)")
      }
      let value = try parse(String(text[text.index(after: sign)...]), "--set \(text)")
      all.append((String(text[..<sign]), value))
    }
    self.all = all
  }

  /// A configuration with the values in it.
  ///
  /// - Throws: 64 where a path leads nowhere.
  package func applied(to configuration: JSON) throws(Failure) -> JSON {
    var configuration = configuration
    for (path, value) in all {
      configuration = try ConfigurationPath.set(path, value, in: configuration)
    }
    return configuration
  }

  /// A failure of reading the configuration, placed at the assignment that it is about.
  ///
  /// It is about an assignment where its message names the key that was set, one below that, or one
  /// beside or above it that the file does not have.
  ///
  /// - Parameters:
  ///   - failure: Failure of reading the configuration.
  ///   - written: The configuration as the file has it.
  /// - Returns: The failure, with its own place where no assignment is to blame.
  package func placing(_ failure: Failure, written: JSON) -> Failure {
    let words = failure.message.split { " :,".contains($0) }
    func isMeant(_ path: String) -> Bool {
      let parts = path.split(separator: ".")
      let isNew = parts.first.map { written[String($0)] == nil } ?? false
      return words.contains { word in
        word == path || word.hasPrefix("\(path).") || parts.count > 1 && word == parts.last ?? ""
          || isNew && word.split(separator: ".").first == parts.first
      }
    }
    guard let path = all.map(\.path).last(where: isMeant) else { return failure }
    var placed = failure
    placed.place = "--set \(path)"
    return placed
  }
}
