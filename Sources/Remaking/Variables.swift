import Failures

/// The variables of a Makefile that stand for what a chain began with: files, indexes and models.
struct Variables {
  private(set) var names: [String] = []
  private var values: [String: String] = [:]
  private var notes: [String: String] = [:]
  /// Those that may stay empty.
  private var optional: Set<String> = []
  /// Digests that files and indexes must have.
  private var digests: [(name: String, digest: String, note: String)] = []

  /// A variable, which is made where it is not there.
  ///
  /// - Parameters:
  ///   - name: Its name.
  ///   - note: What it stands for.
  ///   - path: What it holds; nil where nobody knows, which whoever calls make has to say.
  ///   - isOptional: Whether it may be empty.
  /// - Returns: The name.
  /// - Throws: 78 for a path that cannot stand in a Makefile.
  @discardableResult
  mutating func add(
    _ name: String, _ note: String, holding path: String? = nil, isOptional: Bool = false
  ) throws(Failure) -> String {
    guard notes[name] == nil else { return name }
    names.append(name)
    notes[name] = note
    if let path { values[name] = try Quoting.value(path) }
    if isOptional { optional.insert(name) }
    return name
  }

  /// A variable of a file or an index that has a digest, which is compared before anything is made.
  mutating func add(
    _ kind: String, _ note: String, digest: String, holding path: String?
  ) throws(Failure) -> String {
    let name = "\(kind)_\(digest.prefix(8))"
    if notes[name] == nil { digests.append((name, digest, note)) }
    return try add(name, "\(note): \(digest)", holding: path)
  }

  /// The variable of a model, whose digest its tools compare in the end.
  mutating func model(_ kind: String, _ digest: String, like other: String? = nil) throws(Failure)
    -> String
  {
    let name = "\(kind)_\(digest.prefix(8))"
    let note = "\(kind == "MODEL" ? "model" : "model with the tokenizer"), its digest: \(digest)"
    try add(name, note)
    if let other, values[name] == nil { values[name] = "$(\(other))" }
    return name
  }

  /// Comments and assignments, a line each.
  var lines: [String] {
    names.flatMap { name in
      ["# \(notes[name] ?? "")", "\(name) ?=\(values[name].map { " " + $0 } ?? "")"]
    } + names.map { "export \($0)" }
  }

  /// Refuses, when make reads the file, what is empty: a line each.
  var demands: [String] {
    names.filter { values[$0] == nil && !optional.contains($0) }.map { name in
      "$(if $(\(name)),,$(error \(name) is empty (\(notes[name] ?? "")): say \(name)=PATH))"
    }
  }

  /// Commands that compare what variables hold with the digests, a line each.
  var comparisons: [String] {
    digests.map { name, digest, note in
      "\t@$(functions) expect \(name) \(digest) \(Quoting.word(note))"
    }
  }
}
