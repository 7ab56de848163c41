import Evaluation
import Failures
import Foundation
import TestSupport
import Testing

/// Grades, factors and counts that are as large as anybody likes: values or refusals, and no traps.
@Suite struct ExtremeValueTests {
  private static func file(_ text: String, in folder: TemporaryFolder) throws -> String {
    let path = "\(folder.path)/\(UUID()).txt"
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }

  private static func printed(_ arguments: [String], grade: Int = 1) throws -> [String: String] {
    let folder = try TemporaryFolder()
    let qrels = try file("q 0 a \(grade)\nq 0 b 1\nq 0 c 0\n", in: folder)
    let run = try file("q Q0 b 1 3 t\nq Q0 a 2 2 t\nq Q0 x 3 1 t\n", in: folder)
    var values: [String: String] = [:]
    for line in try trecEval(arguments + [qrels, run]).split(separator: "\n") {
      let words = line.split { $0 == "\t" || $0 == " " }
      values[String(words[0])] = String(words[2])
    }
    return values
  }

  /// rbp with p = 0.9 brings gains of 0 to `grade` into 0 to 1: 0.1 · (1/grade + 0.9 · 1).
  @Test(arguments: [1 << 32, Int.max]) func aGradeThatNobodyCanCountTo(grade: Int) throws {
    #expect(try Self.printed(["-m", "rbp"], grade: grade)["rbp"] == "0.0900")
    _ = try Self.printed(["-m", "all_trec"], grade: grade)
  }

  /// Named gains count beside the others: the gains of 0 to 3 are 0, 5, 2 and 3.
  @Test func namedGains() throws {
    let found = try Self.printed(["-m", "rbp.1=5"], grade: 3)
    // 0.1 · (5/5 + 0.9 · 3/5)
    #expect(found.values.first == "0.1540")
  }

  @Test func factorsAndRecalls() throws {
    for measure in ["Rprec_mult.1e300", "Rprec_mult.1e19", "11pt_avg.1e300"] {
      let values = try Self.printed(["-m", measure])
      #expect(values.values.allSatisfy { $0 == "0.0000" }, "\(measure): \(values)")
    }
  }

  /// Weights 1, -1, 0 and 0: two relevant documents, one other, and no share of all that there are.
  @Test func aCollectionThatNobodyCanCount() throws {
    let found = try Self.printed(["-N", "\(Int.max)", "-m", "utility"])
    #expect(found["utility"] == "1.0000")
  }
}
