import Evaluation
import Failures
import Foundation
import Streams
import TestSupport
import Testing

/// What `lir-eval trec_eval` prints for these arguments.
func trecEval(_ arguments: [String]) throws -> String {
  let evaluation = try TrecEvaluation(TrecOptions(arguments))
  var text = ""
  try evaluation.write { piece throws(Failure) in text += piece }
  return text
}

/// trec_eval's own conformance suite.
@Suite struct TrecEvalTests {
  /// The commands, `./trec_eval ARGUMENTS | diff - EXPECTED` a line.
  static let commands: [(arguments: [String], expected: String)] = {
    let text = (try? String(contentsOfFile: fixture("trec_eval/COMMANDS.txt"), encoding: .utf8))
    return (text ?? "").split(separator: "\n").map { line in
      let sides = line.split(separator: "|")
      let arguments = sides[0].split(separator: " ").dropFirst().map { word in
        word.hasPrefix("test/") ? path(word) : String(word)
      }
      return (arguments, path(sides[1].split(separator: " ")[2]))
    }
  }()

  private static func path(_ name: Substring) -> String {
    fixture("trec_eval/\(name.dropFirst("test/".count)).zst")
  }

  static func text(_ path: String) throws -> String {
    let reader = try ByteReader(path)
    var bytes = [UInt8](repeating: 0, count: 1 << 22)
    let count = try bytes.withUnsafeMutableBytes { try reader.readFully(into: $0) }
    return String(decoding: bytes[..<count], as: UTF8.self)
  }

  @Test(arguments: 0..<15) func prints(index: Int) throws {
    let command = Self.commands[index]
    let found = try trecEval(command.arguments).split(separator: "\n")
    let wanted = try Self.text(command.expected).split(separator: "\n")
    #expect(found.count == wanted.count)
    for (line, expected) in zip(found, wanted) where line != expected {
      Issue.record("\(command.arguments): found \(line), expected \(expected)")
      break
    }
    #expect(try trecEval(command.arguments) == Self.text(command.expected))
  }

  @Test func nothingInCommonIsAnError() throws {
    #expect(Self.commands.count == 16)
    let failure = #expect(throws: Failure.self) { try trecEval(Self.commands[15].arguments) }
    #expect(failure?.status == .data)
  }

  @Test(arguments: [
    ["-x", "a", "b"], ["a"], ["a", "b", "c"], ["-m", "a", "b"], ["-l", "x", "a", "b"],
    ["--meas", "map", "a"], ["-R", "nope", "a", "b"], ["-T", "nope", "a", "b"],
    ["--q=1", "a", "b"],
  ])
  func refusesArguments(arguments: [String]) {
    let failure = #expect(throws: Failure.self) { try TrecOptions(arguments) }
    #expect(failure?.status == .usage)
  }

  @Test(arguments: ["nope", "P.0", "P.5,5", "P.x", "map.", "ndcg.1", "ndcg.1=x", "utility.1"])
  func refusesMeasures(measure: String) throws {
    let run = fixture("eval/tiny/run.txt")
    let qrels = fixture("eval/tiny/qrels.txt")
    let failure = #expect(throws: Failure.self) { try trecEval(["-m", measure, qrels, run]) }
    #expect(failure?.status == .usage, "\(measure)")
  }

  @Test func optionsAreReadAsGetoptDoes() throws {
    let options = try TrecOptions([
      "q", "-qcl2", "--meas=P.5,10", "-mndcg", "--nosum", "-M", "7", "--", "-r",
    ])
    #expect(options.perQuery && options.complete && !options.summary)
    #expect(options.level == 2 && options.depth == 7)
    #expect(options.operands == ["q", "-r"])
    #expect(
      options.measures == [
        TrecOptions.Request(name: "P", parameters: "5,10"),
        TrecOptions.Request(name: "ndcg"),
      ])
  }

  @Test func groupsAndPreferencesMustFitTheFormat() throws {
    let run = fixture("eval/tiny/run.txt")
    let qrels = fixture("eval/tiny/qrels.txt")
    for arguments in [["-m", "prefs_simp"], ["-m", "map_avgjg"], ["-m", "map", "-R", "prefs"]] {
      let failure = #expect(throws: Failure.self) { try trecEval(arguments + [qrels, run]) }
      #expect(failure?.status == .usage)
    }
  }
}
