/// Everything that decides the bytes of an output, item by item: so that a partial output of other work
/// can be told, and what differs can be named.
package struct WorkDescription: Sendable, Equatable {
  /// What an item is, which decides how a difference is worded.
  package enum Kind: String, Sendable {
    /// A flag and its value.
    case option
    /// Something that was read, and its digest.
    case input
    /// Anything else that has a name and a value.
    case fact
  }

  package struct Item: Sendable, Equatable {
    package var kind: Kind
    package var name: String
    package var value: String

    package init(_ kind: Kind, _ name: String, _ value: String) {
      self.kind = kind
      self.name = name
      self.value = value
    }
  }

  package private(set) var items: [Item]
  /// What people call inputs, by the name of the item, such as the name of a file; no part of the work.
  package var calledNames: [String: String] = [:]

  package init(_ items: [Item]) { self.items = items }

  package mutating func add(_ kind: Kind, _ name: String, _ value: String) {
    items.append(Item(kind, name, value))
  }

  /// The items as text, a line each.
  package var text: String {
    items.map { item in
      [item.kind.rawValue, item.name, item.value].map(Self.escaped).joined(separator: "\t") + "\n"
    }.joined()
  }

  /// Reads `text`; nil where it is something else.
  package init?(text: String) {
    guard text.hasSuffix("\n") else { return nil }
    items = []
    for line in text.dropLast().split(separator: "\n", omittingEmptySubsequences: false) {
      let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(Self.unescaped)
      guard fields.count == 3, let kind = Kind(rawValue: fields[0]) else { return nil }
      items.append(Item(kind, fields[1], fields[2]))
    }
  }

  /// Whether both are the same work.
  package static func == (one: WorkDescription, other: WorkDescription) -> Bool {
    one.items == other.items
  }

  /// What is not as it was, in words: `--max-length is 8, was 16`.
  package func differences(from old: WorkDescription) -> [String] {
    var found: [String] = []
    for item in items {
      let before = old.value(of: item)
      if before != item.value { found.append(words(item, now: item.value, before: before)) }
    }
    for item in old.items where value(of: item) == nil {
      found.append(words(item, now: nil, before: item.value))
    }
    return found
  }

  private func value(of item: Item) -> String? {
    items.first { $0.kind == item.kind && $0.name == item.name }?.value
  }

  private func words(_ item: Item, now: String?, before: String?) -> String {
    switch item.kind {
    case .option:
      "--\(item.name) is \(now ?? "not given"), was \(before ?? "not given")"
    case .input:
      switch (now, before) {
      case (_, nil): "\(called(item)) is there, was not"
      case (nil, _): "\(called(item)) is not there, was"
      default: "\(called(item)) is another, or was changed"
      }
    case .fact: "\(item.name) is \(now ?? "none"), was \(before ?? "none")"
    }
  }

  private func called(_ item: Item) -> String {
    calledNames[item.name] ?? (item.name.hasPrefix("the ") ? item.name : "the \(item.name)")
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("\\", with: "\\\\").replacing("\t", with: "\\t").replacing("\n", with: "\\n")
  }

  private static func unescaped(_ text: Substring) -> String {
    var plain = ""
    var isEscaped = false
    for scalar in text.unicodeScalars {
      if isEscaped {
        plain.unicodeScalars.append(scalar == "t" ? "\t" : scalar == "n" ? "\n" : scalar)
        isEscaped = false
      } else if scalar == "\\" {
        isEscaped = true
      } else {
        plain.unicodeScalars.append(scalar)
      }
    }
    return plain
  }
}
