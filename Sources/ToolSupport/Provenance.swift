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
  package init(
    tool: String, settings: [Setting], parameters: [JSON.Member] = [], inputs: [(String, String)],
    instructionSet: String? = nil, earlier: String? = nil
  ) {
    var options = settings.filter(\.canChangeRecords).map { JSON.Member($0.key, $0.json) }
    options += parameters
    if let instructionSet { options.append(JSON.Member("isa", .string(instructionSet))) }
    entry = .object([
      JSON.Member("inputs", .object(inputs.map { JSON.Member($0.0, .string($0.1)) })),
      JSON.Member("options", .object(options)),
      JSON.Member("tool", .string(tool)),
      JSON.Member("version", .string(Release.version)),
    ])
    self.earlier = earlier.flatMap { try? JSONParser.parse($0).array } ?? []
  }

  /// JSON list with sorted keys, one entry a stage.
  package var json: String { JSON.array(earlier + [entry]).serialized(sortingKeys: true) }

  /// XXH3-128 of `json`.
  package var digest: String { Checksum.xxh3Long(Array(json.utf8)) }

  /// The tag of runs: the tool's name and 8 digits of the digest.
  package func runTag(_ tool: String) -> String { "\(tool)-\(digest.prefix(8))" }
}

/// Digests of the inputs of a tool.
package enum InputDigest {
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
      let label = operands.count == 1 && name != "input" ? name : "\(name)\(i + 1)"
      digests.append((label, try FileDigest.of(operand)))
    }
    return digests
  }
}

extension ResumeOptions {
  /// Refuses, where `--resume` is given, inputs that cannot be read again and outputs that are pipes.
  package func check(inputs: [String], output: OutputOptions) throws(Failure) {
    guard resume else { return }
    guard output.output != "-" else {
      throw .usage("--resume needs -o FILE: a pipe cannot be continued")
    }
    for input in inputs
    where input == "-" || (WholeFile.exists(input) && !WholeFile.isRegular(input)) {
      throw .usage("--resume needs inputs that can be read again, not \(input)")
    }
  }
}
