import Evaluation
import Failures
import Records
import TestSupport
import Testing

/// Bounds over the orders of ties, against all of them written down one by one.
@Suite struct TieBoundsTests {
  /// A query's documents: their ties, from the best, and their grades; nil for no judgement.
  private struct Example {
    var ties: [[String]]
    var grades: [(doc: String, grade: Int)]
  }

  private static let examples: [Example] = [
    Example(
      ties: [["a", "b", "c"], ["d"], ["e", "f", "g"], ["h", "i"]],
      grades: [("a", 2), ("c", 1), ("d", 1), ("e", 0), ("f", 3), ("h", -1), ("y", 1), ("z", 2)]),
    Example(ties: [["a"], ["b", "c", "d", "e"]], grades: [("b", 1), ("c", 1), ("d", 0)]),
    Example(ties: [["a", "b", "c", "d", "e"]], grades: [("a", 0), ("b", 2), ("c", 0), ("e", 1)]),
    Example(
      ties: [["a", "b"], ["c", "d"], ["e", "f"]], grades: [("a", 1), ("c", 1), ("f", 2)]),
    Example(ties: [["a", "b", "c"]], grades: [("a", 0), ("z", 0)]),
    Example(ties: [["a"], ["b"]], grades: [("b", 1)]),
  ]

  private static let names = [
    "nDCG@3", "nDCG", "nDCG(gains={0:2,1:1,2:5})", "nDCG(dcg='exp-log2')@4",
    "nDCG(judged_only=True)@3", "RR", "RR@2", "RR(rel=2)", "RR(judged_only=True)", "AP", "AP@4",
    "AP(rel=2)", "AP(judged_only=True)", "P@1", "P@4", "P(judged_only=True)@3", "R@4", "Rprec",
    "Rprec_mult@0.5", "relative_P@2", "Bpref", "Bpref(rel=2)", "infAP", "IPrec@0.5", "11pt_avg",
    "Success@2", "Success@4", "Judged@2", "unj@3", "ERR@3", "ERR", "RBP(rel=1)", "RBP(p=0.7)",
    "rbp", "rbp_resid", "SDCG(max_rel=3)@3", "INSQ(max_rel=3)", "INST(max_rel=3)",
    "BPM(max_rel=3)@3", "NERR8(max_rel=3)@4", "NERR11(max_rel=3)", "Compat", "Compat(p=0.5)",
    "binG", "G", "ndcg_rel", "Rndcg", "yaap", "SetP", "SetF", "NumRet", "utility", "gm_map",
    "dcg", "ideal_dcg", "alpha_nDCG@3", "alpha_DCG(alpha=0)@4", "ERR_IA@3", "nERR_IA@2", "NRBP",
    "nNRBP(alpha=0.2,beta=0.8)", "AP_IA", "P_IA@3", "StRecall@2",
  ]

  /// Judgements; for measures of diversity, of subtopics that the bits of a document's name say.
  private static func qrels(_ example: Example, hasSubtopics: Bool = false) throws -> Qrels {
    var builder = QrelsBuilder(name: "qrels", repeated: hasSubtopics ? .subtopics : .agreeing)
    for (doc, grade) in example.grades {
      let bits = Int(doc.utf8.first ?? 0)
      for topic in 0..<3 where topic == 0 || hasSubtopics && bits >> topic & 1 == 1 {
        builder.add(
          query: "q", doc: RecordID(doc), grade: grade, iteration: RecordID("\(topic)"))
      }
    }
    return try builder.finish()
  }

  private static func permutations(_ items: [String]) -> [[String]] {
    if items.count < 2 { return [items] }
    return items.indices.flatMap { i in
      var rest = items
      let first = rest.remove(at: i)
      return permutations(rest).map { [first] + $0 }
    }
  }

  private static func orders(_ ties: [[String]]) -> [[String]] {
    ties.reduce([[]]) { orders, tie in
      permutations(tie).flatMap { permutation in orders.map { $0 + permutation } }
    }
  }

  @Test(arguments: names) func equalAllOrders(name: String) throws {
    let measure = try MeasureRegistry.measure(name)
    for example in Self.examples {
      let qrels = try Self.qrels(example, hasSubtopics: measure.measure.needs.contains(.subtopics))
      let evaluator = Evaluator(qrels: qrels, measures: [measure])
      var tied = RunBuilder(name: "tied")
      for (i, docs) in example.ties.enumerated() {
        for doc in docs { tied.add(query: "q", doc: RecordID(doc), score: 100 - Float(i)) }
      }
      let (bounds, sampled) = try evaluator.bounds(tied.finish(), over: .both, seed: 1)
      #expect(sampled.isEmpty)
      let values = try Self.orders(example.ties).map { order in
        var run = RunBuilder(name: "one")
        for (i, doc) in order.enumerated() {
          run.add(query: "q", doc: RecordID(doc), score: 100 - Float(i))
        }
        return try evaluator.evaluate(run.finish()).values[0][0]
      }
      let wanted = [
        values.min() ?? 0, values.reduce(0, +) / Double(values.count), values.max() ?? 0,
      ]
      for (found, value) in zip(bounds.values, wanted) {
        // Sums of some hundred doubles.
        #expect(
          abs(found[0] - value) <= 1e-12, "\(name) \(example.ties): \(bounds.values), \(wanted)")
      }
    }
  }

  @Test func manyOrdersAreSampledAndSaidSo() throws {
    var run = RunBuilder(name: "run")
    var grades: [(doc: String, grade: Int)] = []
    for i in 0..<40 {
      run.add(query: "q", doc: RecordID("d\(i)"), score: 1)
      grades.append(("d\(i)", i % 4 - 1))
    }
    let qrels = try Self.qrels(Example(ties: [], grades: grades))
    let measures = [try MeasureRegistry.measure("infAP"), try MeasureRegistry.measure("AP")]
    let (bounds, sampled) = try Evaluator(qrels: qrels, measures: measures)
      .bounds(run.finish(), over: .both, seed: 1)
    #expect(sampled.map(\.measure) == ["infAP"] && sampled.map(\.queries) == [1])
    #expect(bounds.values[0][0] < bounds.values[1][0] && bounds.values[1][0] < bounds.values[2][0])
    // Twenty of forty are relevant; the best order has all of them first.
    #expect(bounds.values[5][0] == 1)
  }

  @Test func residuals() throws {
    var run = RunBuilder(name: "run")
    for (i, doc) in ["a", "x", "b", "y"].enumerated() {
      run.add(query: "q", doc: RecordID(doc), score: 100 - Float(i))
    }
    let qrels = try Self.qrels(Example(ties: [], grades: [("a", 0), ("b", 1)]))
    let names = ["P@2", "RR", "Success@1", "RBP(p=0.5,rel=1)", "RBP(p=0.5)", "AP"]
    let found = try Evaluator(
      qrels: qrels, measures: try names.map { try MeasureRegistry.measure($0) }
    ).residuals(run.finish(), over: .both)
    #expect(found.measures.map(\.name) == names.dropLast().map { "\($0)[residual]" })
    #expect(found.values.prefix(3).map { $0[0] } == [0.5, 1.0 / 2 - 1.0 / 3, 0])
    // Of 1 · (1 - p) at ranks 2 and 4, and all that lies behind rank 4; the first measure is cut at
    // rank 1000, which 2^-1000 cannot tell.
    for value in found.values[3...4] { #expect(abs(value[0] - (0.25 + 0.0625 + 0.0625)) < 1e-12) }
  }
}
