import Failures
import JSON
import Streams

/// Record of how an output was made: tool, version, the settings that can change records, and the
/// digests of everything that was read.
///
/// No time, host, path or process is in it, so that the same work gives the same bytes anywhere.
package struct Provenance: Sendable {
  /// Entries of the stages before this one, JSON objects.
  package var earlier: [JSON]
  package var entry: JSON

  /// The record of one run of a tool, behind those of the stages before.
  ///
  /// - Parameters:
  ///   - tool: The tool's name, with its subcommand if it has one.
  ///   - settings: The command's settings.
  ///   - parameters: Settings that a library declares, with the values in force.
  ///   - inputs: Names and digests of what was read, such as `model`, `docs`.
  ///   - instructionSet: Instruction set of the run, where other ones may give other results.
  ///   - earlier: JSON list of the stages before, as a stream carries it.
  ///   - found: What the run found by itself and went by.
  package init(
    tool: String, settings: [Setting], parameters: [JSON.Member] = [], inputs: [(String, String)],
    instructionSet: String? = nil, earlier: String? = nil, found: [JSON.Member] = []
  ) {
    var options = settings.filter(\.canChangeRecords).map { JSON.Member($0.key, $0.json) }
    options += parameters
    if let instructionSet { options.append(JSON.Member("isa", .string(instructionSet))) }
    let members = [
      JSON.Member("inputs", .object(inputs.map { JSON.Member($0.0, .string($0.1)) })),
      JSON.Member("options", .object(options)),
      JSON.Member("tool", .string(tool)),
      JSON.Member("version", .string(Release.version)),
    ]
    entry = .object(members + (found.isEmpty ? [] : [JSON.Member("found", .object(found))]))
    self.earlier = earlier.flatMap { try? JSONParser.parse($0).array } ?? []
  }

  /// JSON list with sorted keys, one entry a stage.
  package var json: String { JSON.array(earlier + [entry]).serialized(sortingKeys: true) }

  /// Reads `json`; nil where it is something else.
  package init?(json: String) {
    guard let list = (try? JSONParser.parse(json))?.array, let last = list.last else { return nil }
    entry = last
    earlier = Array(list.dropLast())
  }

  /// Whether all that was read at the first stage is named by its digest: what comes through a pipe is
  /// not.
  package var namesInputs: Bool {
    let first = earlier.first ?? entry
    return (first["inputs"]?.members ?? []).contains { input in
      ["input", "docs", "queries"].contains { input.key.hasPrefix($0) }
    }
  }

  /// What decides the records, item by item.
  ///
  /// - Parameters:
  ///   - shard: The part of the input, if it is one.
  ///   - output: Options of the output that decide its bytes, too.
  ///   - names: What people call inputs, by the names that they have here.
  /// - Returns: The items: what made them, the options, the inputs, and the stages before.
  package func work(
    shard: String?, _ output: OutputOptions, calling names: [String: String] = [:]
  ) -> WorkDescription {
    var work = WorkDescription([])
    for key in ["tool", "version"] { work.add(.fact, "the \(key)", entry[key]?.string ?? "") }
    for option in entry["options"]?.members ?? [] {
      let value = option.value
      let isSwitch: Bool = if case .bool(true) = value { true } else { false }
      work.add(
        .option, option.key, isSwitch ? "given" : value.string ?? value.serialized())
    }
    if let shard { work.add(.option, "shard", shard) }
    if let compress = output.compress { work.add(.option, "compress", compress) }
    if output.noProvenance { work.add(.option, "no-provenance", "given") }
    for input in entry["inputs"]?.members ?? [] {
      work.add(.input, input.key, input.value.string ?? "")
    }
    if !earlier.isEmpty {
      let text = JSON.array(earlier).serialized(sortingKeys: true)
      work.add(.input, "record of the stages before", Checksum.xxh3Long(Array(text.utf8)))
    }
    work.calledNames = names
    return work
  }

  /// XXH3-128 of `json`.
  package var digest: String { Checksum.xxh3Long(Array(json.utf8)) }

  /// The tag of runs: the tool's name and 8 digits of the digest.
  package func runTag(_ tool: String) -> String { "\(tool)-\(digest.prefix(8))" }
}

/// Digests of the inputs of a tool.
package enum InputDigest {
  /// The name that an operand has among the inputs.
  private static func label(_ index: Int, of operands: [String], _ name: String) -> String {
    operands.count == 1 && name != "input" ? name : "\(name)\(index + 1)"
  }

  /// The operands by the names that they have among the inputs.
  package static func names(_ operands: [String], name: String = "input") -> [String: String] {
    Dictionary(
      uniqueKeysWithValues: operands.enumerated().map { (label($0, of: operands, name), $1) })
  }

  /// XXH3-128 of every operand that is a plain file; what comes through a pipe is gone once it is
  /// read, so a pipe is not even opened.
  package static func of(
    _ operands: [String], name: String = "input"
  ) throws(Failure) -> [(String, String)] {
    var digests: [(String, String)] = []
    for (i, operand) in operands.enumerated() where operand != "-" {
      guard WholeFile.exists(operand) else {
        throw Failure(.noInput, at: operand, "No such file or directory")
      }
      guard WholeFile.isRegular(operand) else { continue }
      digests.append((label(i, of: operands, name), try FileDigest.of(operand)))
    }
    return digests
  }
}

extension KeepingOptions {
  /// Refuses, where `--resume` is given, inputs that cannot be read again and outputs that are pipes.
  package func check(inputs: [String], output: String) throws(Failure) {
    try ResumeOptions.check(resume, inputs: inputs, output: output)
  }
}

extension ResumeOptions {
  /// Refuses, where `--resume` is given, inputs that cannot be read again and outputs that are pipes.
  package func check(inputs: [String], output: OutputOptions) throws(Failure) {
    try check(inputs: inputs, output: output.output)
  }

  /// Refuses, where `--resume` is given, inputs that cannot be read again and outputs that are pipes.
  package func check(inputs: [String], output: String) throws(Failure) {
    try Self.check(resume, inputs: inputs, output: output)
  }

  fileprivate static func check(
    _ resume: Bool, inputs: [String], output: String
  ) throws(Failure) {
    guard resume else { return }
    guard output != "-" else {
      throw .usage("--resume needs -o FILE: a pipe cannot be continued")
    }
    for input in inputs
    where input == "-" || (WholeFile.exists(input) && !WholeFile.isRegular(input)) {
      throw .usage("--resume needs inputs that can be read again, not \(input)")
    }
  }
}

extension Provenance {
  /// What made a folder that is changed again and again: what made it first, and the last change, which
  /// names the one before by the digest of its input.
  ///
  /// - Parameters:
  ///   - by: JSON of what made it so far; nil where that is left out, and then this is, too.
  ///   - tools: Tools whose changes are not what made it first.
  ///   - tool: The one at work.
  ///   - settings: The command's settings.
  ///   - inputs: Names and digests of what was read, the folder before the change among them.
  /// - Returns: JSON of what made it.
  package static func changing(
    _ by: String?, _ tools: [String], tool: String, settings: [Setting],
    inputs: [(String, String)]
  ) -> String? {
    guard let by else { return nil }
    var provenance = Provenance(tool: tool, settings: settings, inputs: inputs, earlier: by)
    while let last = provenance.earlier.last, tools.contains(last["tool"]?.string ?? "") {
      provenance.earlier.removeLast()
    }
    return provenance.json
  }
}
