import Failures
import JSON
import Streams

/// The rules that make a file again, from what it says of itself.
package struct RemakeRules {
  private var variables = Variables()
  private var rules: [String] = []
  /// Targets that have a rule.
  private var targets: Set<String> = []
  private let found: FoundFiles
  private let file: MadeFile

  /// - Parameters:
  ///   - file: What is to be made again.
  ///   - folders: Where what it was made from is looked for.
  /// - Throws: 66 where a folder is not there; 1 where the file does not say what made it; 78 where it
  ///   was made in a way that rules cannot repeat.
  package init(_ file: MadeFile, lookingInto folders: [String]) throws(Failure) {
    self.file = file
    found = try FoundFiles(folders)
  }

  /// The Makefile.
  ///
  /// - Returns: Its text.
  /// - Throws: As `init` does, and 65 for a damaged file in a folder.
  package mutating func makefile() throws(Failure) -> String {
    let name = Quoting.target(PathName.split(Self.bare(file.path)).name)
    let target = "$(OUT)/\(name)"
    let goal = try add(file, target)
    return try RemakeFile(
      name: name, target: target, goal: goal, file: file, digest: MadeFile.digest(of: file.path),
      versions: versions(), variables: variables, rules: rules
    ).text
  }

  private static func bare(_ path: String) -> String {
    var path = path[...]
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    return String(path)
  }

  private func versions() throws(Failure) -> [String] {
    var found: [String] = []
    for part in file.parts {
      for stage in try Stage.all(part.by, of: file.path) where !found.contains(stage.version) {
        found.append(stage.version)
      }
    }
    return found
  }

  /// Adds what makes a file.
  ///
  /// - Returns: What make is to be asked for.
  private mutating func add(_ made: MadeFile, _ target: String) throws(Failure) -> String {
    if made.parts.count == 1 {
      return try add(made, made.parts[0], target)
    }
    // Streams that were made in several ways, one behind the other as cat(1) puts them.
    guard made.isStream, Set(made.parts.map(\.by)).count == made.parts.count else {
      throw .config(
        made.path, "cannot be made again: its parts were made in \(made.parts.count) ways",
        hint: "make each of them again before they are joined")
    }
    var goals: [String] = []
    for (number, part) in made.parts.enumerated() {
      goals.append(try add(made, part, "\(target).part-\(number + 1).lirt"))
    }
    let inputs = goals.map { "\"\($0)\"" }.joined(separator: " ")
    insert(target, goals, ["cat -- \(inputs) >\"$@\""])
    return target
  }

  /// Adds the stages of one part.
  private mutating func add(
    _ made: MadeFile, _ part: MadeFile.Part, _ target: String
  ) throws(Failure) -> String {
    let stages = try Stage.all(part.by, of: made.path)
    var before: String?
    for (number, stage) in stages.enumerated() {
      let isLast = number == stages.count - 1
      let place = isLast ? target : "\(target).\(number + 1)\(stage.suffix)"
      let goal = stage.makesFolder ? "\(place)/manifest.json" : place
      guard targets.insert(goal).inserted else {
        before = goal
        continue
      }
      var command = StageCommand()
      var needs: [String] = []
      try fill(&command, &needs, stage, stages, before)
      if isLast {
        if let shard = part.shard { command.add(flag: "--shard=\(Quoting.word(shard))") }
        try addTextFlags(&command, made, stage)
        if !stage.makesFolder { command.add(flag: compression(made, target)) }
      }
      try insert(goal, needs, lines(command, stage, number: rules.count + 1, before, made.path))
      before = goal
    }
    return before ?? target
  }

  private mutating func insert(_ goal: String, _ needs: [String], _ lines: [String]) {
    targets.insert(goal)
    let recipe = lines.map { "\t\($0)\n" }.joined()
    rules.append("\(goal): \(needs.joined(separator: " ")) | inputs\n\(recipe)")
  }

  /// Words that compress the output like the file, where its name does not ask for that already.
  private func compression(_ made: MadeFile, _ target: String) -> String {
    let wanted =
      switch made.codec {
      case .zstd: "zstd"
      case .lz4: "lz4"
      default: "none"
      }
    let named =
      switch Compression(suffixOf: target) {
      case .zstd: "zstd"
      case .lz4: "lz4"
      case .none: "none"
      }
    let own = wanted == named ? "" : "--compress=\(wanted)"
    return made.path == file.path ? "$(if $(COMPRESS),--compress=$(COMPRESS),\(own))" : own
  }

  /// Options of the way in which a run is written, which its lines tell.
  private mutating func addTextFlags(
    _ command: inout StageCommand, _ made: MadeFile, _ stage: Stage
  ) throws(Failure) {
    guard let base = stage.tool.split(separator: " ").first, !stage.makesFolder else { return }
    if let tag = made.text.tag, [.search, .rerank, .fuse].contains(stage.sort) {
      let digest = Checksum.xxh3Long(Array(made.parts[0].by.utf8))
      if tag != "\(base)-\(digest.prefix(8))" { command.add(flag: "--tag=\(Quoting.word(tag))") }
    }
    guard stage.sort == .search || stage.sort == .rerank else { return }
    if let keys = made.text.keys {
      command.add(flag: keys.contains("explanation") ? "--explain" : "--format=jsonl")
      if keys.contains("text"), stage.sort == .search {
        let name = try variables.add(
          "DOCS_\(rules.count + 1)",
          "texts of the documents, which are in the run's lines, and whose digest is in no record")
        command.add("docs", .variable(name))
      }
    }
    if made.text.marksEnds { command.add(flag: "--mark-end") }
  }
}

// MARK: What a stage reads

extension RemakeRules {
  /// Adds options and inputs of a stage to its command.
  private mutating func fill(
    _ command: inout StageCommand, _ needs: inout [String], _ stage: Stage, _ stages: [Stage],
    _ before: String?
  ) throws(Failure) {
    let number = rules.count + 1
    var variables = variables
    try command.add(optionsOf: stage) { option, path throws(Failure) in
      try variables.add(
        "\(option.uppercased())_\(number)", "--\(option) of \(stage.command)", holding: path)
    }
    self.variables = variables
    try addModels(&command, stage, stages)
    for name in ["docs", "queries", "qrels", "ids", "without"]
    where !(name == "queries" && stage.sort == .search) {
      for (place, digest) in stage.inputs(of: name).enumerated() {
        let note = "--\(name) of \(stage.command)"
        command.add(name, try source(digest, note, "\(name.uppercased())\(place + 1)", &needs))
      }
    }
    for name in [
      "query-ids", "filter", "filter-out", "pairs", "first-stage", "calibrate", "tune-weights",
    ] {
      guard let digest = stage.input(name) else { continue }
      command.add(name, try source(digest, "--\(name) of \(stage.command)", "", &needs))
    }
    if let digest = stage.input("codebook") {
      let path = try found.index(digest)
      let name = "CODEBOOK_\(digest.prefix(8))"
      try self.variables.add(name, "codebook of \(stage.command): \(digest)", holding: path)
      command.add("codebook", .variable(name))
    }
    try addIndexes(&command, &needs, stage, before)
    try addOperands(&command, &needs, stage, before)
  }

  private mutating func addModels(
    _ command: inout StageCommand, _ stage: Stage, _ stages: [Stage]
  ) throws(Failure) {
    let last = stages.last { $0.input("model") != nil }?.input("model")
    if let digest = stage.input("model") {
      command.add("model", .variable(try variables.model("MODEL", digest)))
    } else if let digest = stage.input("tokenizer") {
      let model = try last.map { digest throws(Failure) in try variables.model("MODEL", digest) }
      command.add("model", .variable(try variables.model("TOKENIZER", digest, like: model)))
    } else if stage.sort == .search, stage.input("queries") == nil, let last {
      // Texts are embedded by the model of the index.
      command.add("model", .variable(try variables.model("MODEL", last)))
    }
    if let digest = stage.input("scorer") {
      command.add("scorer", .variable(try variables.model("MODEL", digest)))
    }
  }

  private mutating func addIndexes(
    _ command: inout StageCommand, _ needs: inout [String], _ stage: Stage, _ before: String?
  ) throws(Failure) {
    guard stage.sort != .change else { return }
    let digests = stage.inputs(of: "index")
    if stage.sort == .search, digests.count == 1, let before {
      needs.append(before)
      return command.add("index", .target(Self.folder(before)))
    }
    for (place, digest) in digests.enumerated() {
      guard let digest else { continue }
      let path = try found.index(digest)
      let name = try variables.add(
        "INDEX", "index of \(stage.command)", digest: digest, holding: path)
      guard stage.sort != .merge else {
        command.add(operand: .variable(name))
        continue
      }
      // A first stage that is an index comes last.
      let isFirst = place > 0 && place == digests.count - 1 && stage.option("first-stage-k") != nil
      command.add(isFirst ? "first-stage" : "index", .variable(name))
    }
  }

  private mutating func addOperands(
    _ command: inout StageCommand, _ needs: inout [String], _ stage: Stage, _ before: String?
  ) throws(Failure) {
    if let before, stage.sort != .search {
      needs.append(before)
      // A folder that is changed is no operand, but a copy of it is.
      if stage.sort != .change { command.add(operand: .target(Self.folder(before))) }
    }
    let inputs = stage.inputs(of: "input")
    for (place, digest) in inputs.enumerated() {
      let note = "operand \(place + 1) of \(stage.command)"
      command.add(operand: try source(digest, note, "INPUT\(place + 1)", &needs))
    }
    if stage.sort == .search, inputs.isEmpty, let digest = stage.input("queries") {
      // A stream that came through a pipe, which says what made it.
      if let path = try found.stream(digest) {
        return command.read(.target(try remade(MadeFile(path), digest, &needs)))
      }
      let name = "QUERIES_\(digest.prefix(8))"
      try variables.add(name, "stream of queries, digest of the record of what made it: \(digest)")
      command.read(.variable(name))
    } else if stage.readsPipe, before == nil || stage.sort == .search || stage.sort == .change {
      let name = "PIPED_\(rules.count + 1)"
      try variables.add(
        name, "what \(stage.command) read through a pipe, which no digest names")
      command.read(.variable(name))
    }
  }

  /// A file by its digest: what rules make where it says what made it, else a variable.
  private mutating func source(
    _ digest: String?, _ note: String, _ place: String, _ needs: inout [String]
  ) throws(Failure) -> Source {
    guard let digest else {
      let name = "PIPED_\(rules.count + 1)_\(place.replacing("-", with: "_"))"
      try variables.add(name, "\(note), which came through a pipe, and no digest names")
      return .piped(name)
    }
    let path = try found.file(digest)
    if let path, let made = try? MadeFile(path), !made.parts.isEmpty, made.path != file.path {
      return .target(try remade(made, digest, &needs))
    }
    return .variable(try variables.add("INPUT", note, digest: digest, holding: path))
  }

  /// Adds the rules of an input that says what made it.
  private mutating func remade(
    _ made: MadeFile, _ digest: String, _ needs: inout [String]
  ) throws(Failure) -> String {
    let name = PathName.split(made.path).name
    let suffix = name.firstIndex(of: ".").map { Quoting.target(String(name[$0...])) } ?? ""
    let goal = try add(made, "$(OUT)/\(digest.prefix(8))\(suffix)")
    needs.append(goal)
    return goal
  }

  private static func folder(_ goal: String) -> String {
    goal.hasSuffix("/manifest.json") ? String(goal.dropLast("/manifest.json".count)) : goal
  }

  /// The lines of a stage's recipe.
  private mutating func lines(
    _ command: StageCommand, _ stage: Stage, number: Int, _ before: String?, _ path: String
  ) throws(Failure) -> [String] {
    let more = try variables.add(
      "FLAGS_\(number)", "more options of rule \(number), \(stage.command), that no record has",
      isOptional: true)
    guard stage.sort == .change else {
      let output = stage.makesFolder ? "-o \"$(@D)\"" : "-o \"$@\""
      return [command.line(stage.command, output: output, changing: nil, more: more)]
    }
    guard let before, let digest = stage.input("index") else {
      throw .config(path, "\(stage.command) changed an index that does not say what made it")
    }
    return [
      "rm -rf \"$(@D)\" && cp -r \"\(Self.folder(before))\" \"$(@D)\"",
      "@$(functions) standing \"$(@D)\" \(digest) \(Quoting.word(stage.command))",
      command.line(stage.command, output: "", changing: "$(@D)", more: more),
    ]
  }
}
