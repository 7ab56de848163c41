import Evaluation
import Failures
import Testing

@Suite struct MeasureNameTests {
  @Test(arguments: [
    ("nDCG@10", "nDCG@10"), ("AP", "AP"), ("AP(rel=2)@1000", "AP(rel=2)@1000"),
    ("P( rel = 2 )@ 10", "P(rel=2)@10"), ("trec:RR", "trec:RR"), ("IPrec@0.1", "IPrec@0.1"),
    ("SetF(beta=0.5)", "SetF(beta=0.5)"), ("nDCG(dcg=\"log2\")@10", "nDCG(dcg='log2')@10"),
    (
      "nDCG(judged_only=True,gains={0:0,1:1,3:20})@5",
      "nDCG(gains={0:0,1:1,3:20},judged_only=True)@5"
    ),
  ])
  func parses(text: String, name: String) throws {
    #expect(try MeasureRegistry.measure(text).name == name)
    #expect(try MeasureRegistry.measure(name).name == name)
  }

  @Test(arguments: [
    "", "@10", "nDCG@", "nDCG@0", "nDCG@x", "nDCG(", "nDCG(rel", "nDCG(rel=)", "nDCG()@10x", "P",
    "Rprec@5", "AP(k=3)", "AP(rel=2,rel=3)", "AP(rel=x)", "AP(rel=-1)", "IPrec@1.5",
    "nDCG(dcg='cubic')@10", "nDCG@10 AP", "nope:AP", "R@99999999999999999999",
  ])
  func refuses(text: String) {
    let failure = #expect(throws: Failure.self) { try MeasureRegistry.measure(text) }
    #expect(failure?.status == .usage, "\(text)")
  }

  @Test func suggestsTheNearestName() {
    let failure = #expect(throws: Failure.self) { try MeasureRegistry.measure("ndgc@10") }
    #expect(failure?.hint?.contains("DCG") == true)
    let other = #expect(throws: Failure.self) { try MeasureRegistry.measure("Suces@10") }
    #expect(other?.hint == "did you mean Success?")
  }

  @Test func everyMeasureExplainsItself() {
    for type in MeasureRegistry.all {
      let help = type.description.help
      #expect(help.contains(type.description.formula))
      #expect(help.split(separator: "\n").allSatisfy { $0.utf8.count <= 110 }, "\(help)")
    }
    let names = MeasureRegistry.all.map { $0.description.name }
    #expect(Set(names).count == names.count)
  }
}
