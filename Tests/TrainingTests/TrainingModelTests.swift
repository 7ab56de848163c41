import Failures
import JSON
import Models
import TestSupport
import Testing
import Training

@Suite struct TrainingModelTests {
  private let bert: ModelFolder

  init() throws { bert = try ModelFolder(fixture("models/native/dpr_bert_00/model")) }

  /// BERT's file names two rates of 0.1.
  ///
  /// Another rate stands in for these alone; none at all is for
  /// every rate that any backbone reads, as one may have a default.
  @Test func dropout() throws {
    func rates(_ rate: Double, _ modelConfig: JSON? = nil) throws -> JSON {
      let description = try TrainingModel.description(bert, dropout: rate, modelConfig)
      return description.folder.config
    }
    let some = try rates(0.25)
    #expect(some["hidden_dropout_prob"]?.double == 0.25)
    #expect(some["attention_probs_dropout_prob"]?.double == 0.25)
    #expect(some["dropout_rate"] == nil)
    let none = try rates(0)
    #expect(none["hidden_dropout_prob"]?.double == 0)
    #expect(none["dropout_rate"]?.double == 0)
    #expect(none["mlp_dropout"]?.double == 0)
    // What else the configuration changes stays changed.
    let changed = try rates(0.25, ["query_length": 7])
    #expect(changed["query_length"]?.integer == 7)
    #expect(changed["hidden_dropout_prob"]?.double == 0.25)
  }

  @Test func aModelWithoutDropout() throws {
    let names = ["hidden_dropout_prob", "attention_probs_dropout_prob"]
    let overrides = JSON.object(names.map { JSON.Member($0, .null) })
    let folder = try ModelFolder(bert.path, overrides: overrides)
    let failure = #expect(throws: Failure.self) {
      try TrainingModel.description(folder, dropout: 0.25, overrides)
    }
    #expect(failure?.status == .config)
  }
}
