import Evaluation
import Foundation
import Records
import TestSupport
import Testing

/// trec_eval's own output for real runs, four decimals, where the collections are at hand.
private let dataFolder = ProcessInfo.processInfo.environment["LIR_TEST_DATA"]

@Suite(.enabled(if: dataFolder != nil, "LIR_TEST_DATA names no folder of collections"))
struct RealRunTests {
  /// Our name for a measure of trec_eval; nil if there is none yet.
  private static func name(_ measure: String) -> String? {
    let plain = [
      "map": "AP", "recip_rank": "RR", "ndcg": "nDCG", "Rprec": "Rprec", "bpref": "Bpref",
      "infAP": "infAP", "set_P": "SetP", "set_relative_P": "SetP(relative=True)",
      "set_recall": "SetR", "set_map": "SetAP", "set_F": "SetF", "num_q": "NumQ",
      "num_ret": "NumRet", "num_rel": "NumRel", "num_rel_ret": "NumRet(rel=1)",
    ]
    if let name = plain[measure] { return name }
    let cut = [
      ("ndcg_cut_", "nDCG@"), ("map_cut_", "AP@"), ("P_", "P@"), ("recall_", "R@"),
      ("success_", "Success@"), ("iprec_at_recall_", "trec:IPrec@"),
    ]
    for (prefix, name) in cut where measure.hasPrefix(prefix) {
      return name + measure.dropFirst(prefix.count)
    }
    return nil
  }

  /// The collections that come with outputs.
  static let outputs: [(collection: String, run: String, file: String)] = {
    guard let dataFolder,
      let collections = try? FileManager.default
        .contentsOfDirectory(atPath: dataFolder)
    else { return [] }
    var found: [(collection: String, run: String, file: String)] = []
    for collection in collections.sorted() {
      let files = try? FileManager.default
        .contentsOfDirectory(atPath: "\(dataFolder)/\(collection)/expected")
      for file in (files ?? []).sorted() {
        guard let dot = file.firstIndex(of: ".") else { continue }
        found.append((collection, String(file[..<dot]), file))
      }
    }
    return found
  }()

  @Test(arguments: outputs.indices) func equalsTrecEval(index: Int) throws {
    let folder = try #require(dataFolder)
    let (collection, runName, file) = Self.outputs[index]
    let run = try RunReader.read("\(folder)/\(collection)/runs/\(runName).run")
    let qrels = try Qrels.read("\(folder)/\(collection)/qrels.txt")
    let text = try String(
      contentsOfFile: "\(folder)/\(collection)/expected/\(file)", encoding: .utf8)
    var wanted: [(measure: String, query: String, value: Double)] = []
    for line in text.split(separator: "\n") {
      let fields = line.split(whereSeparator: { $0 == "\t" || $0 == " " })
      guard fields.count == 3, let name = Self.name(String(fields[0])) else { continue }
      wanted.append((name, String(fields[1]), try #require(Double(fields[2]))))
    }
    let names = Array(Set(wanted.map(\.measure))).sorted()
    let evaluation = try Evaluator(
      qrels: qrels, measures: try names.map { try MeasureRegistry.measure($0) }
    ).evaluate(run)
    var place: [RecordID: Int] = [:]
    for (i, query) in evaluation.queries.enumerated() { place[query] = i }
    #expect(wanted.count >= 5)
    for (measure, query, value) in wanted {
      let row = try #require(names.firstIndex(of: measure))
      let found =
        query == "all"
        ? evaluation.aggregate(row)
        : evaluation.values[row][try #require(place[RecordID(query)])]
      #expect(abs(found - value) <= 0.00005 + 1e-9, "\(file) \(measure) \(query)")
    }
  }

  @Test(arguments: outputs.indices) func printsTheSameBytes(index: Int) throws {
    let folder = try #require(dataFolder)
    let (collection, runName, file) = Self.outputs[index]
    let expected = try String(
      contentsOfFile: "\(folder)/\(collection)/expected/\(file)", encoding: .utf8)
    let measures =
      file.hasSuffix(".perquery.txt")
      ? ["-q"]
        + ["map", "recip_rank", "P.10", "recall.100", "ndcg", "ndcg_cut.10"].flatMap { ["-m", $0] }
      : ["-m", "all_trec"]
    let found = try trecEval(
      measures + [
        "\(folder)/\(collection)/qrels.txt", "\(folder)/\(collection)/runs/\(runName).run",
      ])
    #expect(found == expected)
  }
}
