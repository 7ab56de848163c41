import Autograd
import Kernels
import Models
import TestSupport
import Testing

/// Where only first tokens are pooled, the last layer computes nothing else.
struct FirstStatesTests {
  private static let cases = [
    "native/dpr_bert_00", "native/dpr_distilbert_06", "native/mono_electra_05",
    "native/dpr_t5_encoder", "backbones/states_mpnet", "backbones/states_modernbert",
    "backbones/classifier_roberta", "native/col_short_hidden",
  ]

  @Test(arguments: cases, Precision.allCases)
  func bitsOfAllStates(name: String, precision: Precision) throws {
    let subject = try InvarianceTests.Subject(name, precision)
    let window = subject.window
    var batch = PackedBatch()
    for index in 0..<window.count {
      let range = window.range(index)
      batch.append(
        ids: window.ids[range], typeIDs: window.typeIDs[range], attended: window.attended[range])
    }
    #expect(batch.tokens > batch.sequences)
    let engine = Inference(Kernels())
    let all = subject.model.hidden(batch, engine)
    let first = subject.model.firstStates(batch, engine)
    #expect(all.rows == batch.tokens && first.rows == batch.sequences)
    for sequence in 0..<batch.sequences {
      #expect(
        first.row(sequence).map(\.bitPattern)
          == all.row(batch.offsets[sequence]).map(\.bitPattern), "sequence \(sequence)")
    }
  }
}
