import Evaluation
import Failures
import Testing

struct MeasureListTests {
  private func names(_ names: [String], judged: Bool = false) throws -> [String] {
    try MeasureRegistry.measures(names, judged: judged).map(\.name)
  }

  /// What is asked for twice, however its parameters are written, is there once.
  @Test func eachMeasureOnce() throws {
    #expect(try names(["AP", "nDCG@10", "AP", "nDCG@10"]) == ["AP", "nDCG@10"])
    #expect(
      try names(["P(rel=2)@5", "P( rel=2 )@5", "P@5"]) == ["P(rel=2)@5", "P@5"])
    #expect(try names([]) == [])
  }

  /// What trec_eval prints, and what its -m takes.
  @Test(arguments: [
    ("ndcg_cut_10", ["nDCG@10"]), ("ndcg_cut.10", ["nDCG@10"]),
    ("ndcg_cut.5,10", ["nDCG@5", "nDCG@10"]),
    ("ndcg", ["nDCG"]), ("map", ["AP"]), ("map_cut_100", ["AP@100"]), ("recip_rank", ["RR"]),
    ("P_10", ["P@10"]), ("P.1,5", ["P@1", "P@5"]), ("recall_1000", ["R@1000"]),
    ("Rprec", ["Rprec"]),
    ("bpref", ["Bpref"]), ("infAP", ["infAP"]), ("success_1", ["Success@1"]),
    ("success", ["Success@1", "Success@5", "Success@10"]), ("iprec_at_recall_0.10", ["IPrec@0.1"]),
    ("num_q", ["NumQ"]), ("num_ret", ["NumRet"]), ("num_rel", ["NumRel"]),
    ("num_rel_ret", ["NumRet(rel=1)"]), ("set_P", ["SetP"]), ("set_recall", ["SetR"]),
    ("set_relative_P", ["SetP(relative=True)"]), ("set_map", ["SetAP"]), ("set_F", ["SetF"]),
    ("set_F_0.5", ["SetF(beta=0.5)"]), ("gm_map", ["gm_map"]), ("11pt_avg", ["11pt_avg"]),
    ("Rprec_mult_0.20", ["Rprec_mult@0.2"]), ("relative_P_5", ["relative_P@5"]),
    ("ndcg_1=3,2=9", ["nDCG(gains={1:3,2:9})"]), ("unj_5", ["unj@5"]), ("utility", ["utility"]),
    ("dcg", ["dcg"]), ("yaap", ["yaap"]), ("num_nonrel_judged_ret", ["num_nonrel_judged_ret"]),
    (
      "recall",
      ["R@5", "R@10", "R@15", "R@20", "R@30", "R@100", "R@200", "R@500", "R@1000"]
    ),
  ])
  func trecEvalsNames(_ name: String, _ ours: [String]) throws {
    var said: [String] = []
    let found = try MeasureRegistry.measures([name], judged: false) { said += [$0, $1] }
    #expect(found.map(\.name) == ours)
    #expect(said == ([name] == ours ? [] : [name, ours.joined(separator: ", ")]))
    if ours.count == 1 { #expect(try MeasureRegistry.measure(name).name == ours[0]) }
  }

  /// All that trec_eval has for a run and one list of judgements are measures here.
  @Test func allOfTrecEval() throws {
    #expect(
      try names(["official"]).starts(with: ["NumQ", "NumRet", "NumRel", "NumRet(rel=1)", "AP"]))
    // Five of nine cutoffs, two of three, eleven recalls, ten multiples, and 26 more.
    #expect(try names(["all_trec"]).count == 98)
    for name in ["runid", "prefs_simp", "map_avgjg", "relstring"] {
      let failure = #expect(throws: Failure.self) { try names([name]) }
      #expect(failure?.status == .usage)
      #expect(failure?.hint?.contains("lir-eval trec_eval") == true)
    }
    for name in ["ndcg_cut_x", "P_0", "map_10", "ndcg_cut_"] {
      #expect(#expect(throws: Failure.self) { try names([name]) }?.status == .usage)
    }
  }

  @Test(arguments: [
    ("nDCG@10,RR@10", ["nDCG@10", "RR@10"]), ("nDCG@10 RR@10", ["nDCG@10", "RR@10"]),
    (" nDCG@10 , AP(rel=2)@1000,P@5 ", ["nDCG@10", "AP(rel=2)@1000", "P@5"]),
    ("P( rel=2 )@5 map", ["P(rel=2)@5", "AP"]), ("nDCG @10", ["nDCG@10"]),
    ("nDCG(gains={1:1,2:3})@10,RR", ["nDCG(gains={1:1,2:3})@10", "RR"]),
    ("nDCG(dcg='exp-log2')@10 RR", ["nDCG(dcg='exp-log2')@10", "RR"]),
    ("map,ndcg_cut.5,10,P_5", ["AP", "nDCG@5", "nDCG@10", "P@5"]),
    ("recip_rank\tmap", ["RR", "AP"]), ("P_IA@3,P_10", ["P_IA@3", "P@10"]),
    ("P_IA(judged_only=True)@5", ["P_IA(judged_only=True)@5"]),
  ])
  func severalInOne(_ text: String, _ wanted: [String]) throws {
    #expect(try names([text]) == wanted)
  }

  @Test func nothingInOne() {
    for text in ["", " ", ","] {
      #expect(#expect(throws: Failure.self) { try names([text]) }?.status == .usage)
    }
  }

  @Test func judgedBesideEach() throws {
    #expect(
      try names(["nDCG@10", "P@10", "AP", "P@5"], judged: true)
        == ["nDCG@10", "Judged@10", "P@10", "AP", "Judged", "P@5", "Judged@5"])
    #expect(try names(["Judged@10", "P@10"], judged: true) == ["Judged@10", "P@10"])
  }

  @Test func unknownNames() {
    let failure = #expect(throws: Failure.self) { try names(["AP", "nope"]) }
    #expect(failure?.status == .usage)
  }
}
