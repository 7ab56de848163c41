import ArgumentParser
import Records

/// What `-v` says before the work begins: model, index, inputs, shard and output of the command, so
/// that the logs of jobs that run side by side can be told apart.
enum Beginning {
  /// Settings that say what is worked on, in this order, and how the line calls them.
  private static let told = [
    ("model", "model"), ("query-model", "query model"), ("adapter", "adapter"),
    ("config", "configuration"), ("index", "index"), ("qrels", "judgements"),
    ("queries", "queries"), ("docs", "documents"), ("tuples", "tuples"),
  ]

  /// One line.
  static func text<C: ToolCommand>(of command: C, _ settings: [Setting]) -> String {
    var parts: [String] = []
    func tell(_ key: String, _ name: String) {
      switch settings.first(where: { $0.key == key })?.value {
      case .text(let text)?, .number(let text)?: parts.append("\(name) \(text)")
      case .list(let list)? where !list.isEmpty:
        parts.append("\(name) \(list.joined(separator: " "))")
      default: break
      }
    }
    for (key, name) in told { tell(key, name) }
    let operands = operands(of: command)
    if let operands {
      parts.append("input \(operands.isEmpty ? "-" : operands.joined(separator: " "))")
    }
    if case .text(let shard)? = settings.first(where: { $0.key == "shard" })?.value {
      // A number that the scheduler gives is worth more than "auto".
      let number = (try? ShardSelection(parsing: shard))?.description
      parts.append("shard \(number ?? shard)")
    }
    tell("output", "output")
    return parts.joined(separator: ", ")
  }

  /// The operands of a command; nil where it takes none.
  private static func operands(of command: Any) -> [String]? {
    for child in Mirror(reflecting: command).children {
      if let operands = child.value as? Argument<[String]> { return operands.wrappedValue }
      if let operand = child.value as? Argument<String> { return [operand.wrappedValue] }
    }
    return nil
  }
}
