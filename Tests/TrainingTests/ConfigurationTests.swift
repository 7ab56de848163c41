import Failures
import JSON
import Testing
import Training

@Suite struct ConfigurationTests {
  private static func read(_ more: [JSON.Member] = []) throws -> TrainingConfiguration {
    let base: [JSON.Member] = [
      .init("model", "m"), .init("data", ["tuples": "t"]), .init("losses", [["name": "RankNet"]]),
    ]
    let keys = more.map(\.key)
    return try TrainingConfiguration(
      .object(base.filter { !keys.contains($0.key) } + more), file: "train.yml")
  }

  @Test func whatIsInForceReadsBack() throws {
    let more: [[JSON.Member]] = [
      [], [.init("optimizer", ["name": "SGD"])],
      [.init("data", ["run": "r", "targets": "score"]), .init("epochs", 2)],
      [.init("validate", [["run": "r"], ["tuples": "t", "every": 3]])],
      [.init("data", ["tuples": ["s", "t"], "format": [.null, "jsonl"]])],
      [.init("lora", ["targets": ["query"]])],
      [
        .init("losses", [["name": "L1Regularization"], ["name": "ApproxRankMSE"]]),
        .init("value_schedules", [["key": "losses.1.temperature"]]),
      ],
    ]
    for members in more {
      let once = try Self.read(members).effective
      let twice = try TrainingConfiguration(once, file: nil).effective
      #expect(once.serialized() == twice.serialized())
    }
  }

  @Test func defaultsAreWritten() throws {
    let effective = try Self.read([.init("optimizer", ["lr": .double(0.5)])]).effective
    #expect(
      effective["optimizer"]?.serialized(sortingKeys: true)
        == JSON.object([
          .init("betas", [.double(0.9), .double(0.999)]), .init("eps", .double(1e-8)),
          .init("lr", .double(0.5)), .init("name", "AdamW"), .init("no_decay", []),
          .init("weight_decay", .double(0.01)),
        ]).serialized())
    #expect(effective["losses"]?.array?[0]["temperature"]?.double == 1)
    #expect(effective["max_steps"]?.integer == 100_000)
    #expect(effective["data"]?["targets"]?.string == "order")
  }

  @Test func precision() throws {
    #expect(try Self.read().precision == .f32)
    let half = try Self.read([.init("precision", "bf16")])
    #expect(half.precision == .bf16 && half.decisive["precision"]?.string == "bf16")
    let failure = #expect(throws: Failure.self) { try Self.read([.init("precision", "int8")]) }
    #expect(failure?.status == .config && failure?.message.contains("f32, bf16") == true)
  }

  /// The number of steps decides weights only where a schedule looks at it.
  @Test func stepsAreDecisiveWithADecay() throws {
    for (shape, isDecisive) in [
      ("constant", false), ("quadratic", false), ("linear", true), ("cosine", true),
    ] {
      let schedule: JSON = ["name": .string(shape)]
      let own = try Self.read([.init("schedule", schedule)])
      #expect((own.decisive["max_steps"] != nil) == isDecisive, "\(shape)")
      let value = try Self.read([
        .init("value_schedules", [["key": "losses.0.weight", "name": .string(shape)]])
      ])
      #expect((value.decisive["max_steps"] != nil) == isDecisive, "\(shape)")
    }
  }

  @Test func tuplesOfSeveralFilesHaveTheirFormats() throws {
    func data(_ tuples: JSON, _ format: JSON) throws -> DataConfiguration {
      try Self.read([.init("data", ["tuples": tuples, "format": format])]).data
    }
    #expect(try data("t", .null).tuples == ["t"])
    #expect(try data("t", "kd").formats == [.knowledgeDistillation])
    let one = try data(["a", "b"], "jsonl")
    #expect(one.tuples == ["a", "b"] && one.formats == [.jsonl, .jsonl])
    #expect(try data(["a", "b"], .null).formats == [nil, nil])
    #expect(try data(["a", "b"], [.null, "triples"]).formats == [nil, .triples])
    for formats in [["jsonl"], ["jsonl", 3], ["jsonl", "tripels"]] as [JSON] {
      #expect(throws: Failure.self) { try data(["a", "b"], formats) }
    }
    #expect(throws: Failure.self) { try data([], .null) }
  }

  @Test func aClipOfNothingIsNone() throws {
    #expect(try Self.read([.init("clip", 0)]).clip == nil)
    #expect(try Self.read([.init("clip", .double(0.5))]).clip == 0.5)
    #expect(throws: Failure.self) { try Self.read([.init("clip", -1)]) }
  }

  @Test(arguments: [
    ("RankNet", "temperature"), ("ApproxNDCG", "temperature"), ("ApproxMRR", "temperature"),
    ("ApproxRankMSE", "temperature"), ("ConstantMarginMSE", "margin"),
    ("FLOPSRegularization", "query_weight"), ("L2Regularization", "doc_weight"),
    ("ScoreBasedInBatchCrossEntropy", "min_target_diff"),
  ])
  func numbersOfLossesFollowSchedules(_ loss: String, _ number: String) throws {
    let losses: JSON = .array([.object([.init("name", .string(loss)), .init(number, 3)])])
    let schedules: JSON = [["key": .string("losses.0.\(number)"), "warmup": 4]]
    let read = try Self.read([.init("losses", losses), .init("value_schedules", schedules)])
    let schedule = try #require(read.valueSchedules.first)
    var terms = read.losses
    schedule.apply(0.5, to: &terms)
    let value: Double? =
      switch terms[0].kind {
      case .scoring(let loss): loss.number
      case .inBatch(let loss): loss.sampling.leastTargetDifference
      case .regularization(let loss): number == "doc_weight" ? loss.docWeight : loss.queryWeight
      case .views: nil
      }
    #expect(value == 1.5)
  }

  /// The reference fails in its first step: it cuts a list by a fraction.
  @Test func numbersOfDocumentsFollowNoSchedule() throws {
    let losses: JSON = [
      ["name": "RankNet"], ["name": "InBatchCrossEntropy", "max_num_neg_samples": 4],
      ["name": "ScoreBasedInBatchCrossEntropy", "min_target_diff": 1],
    ]
    for (loss, message) in [
      (0, "expected some of"), (1, "is a number of documents"), (2, "is a number of documents"),
    ] {
      let schedules: JSON = [["key": .string("losses.\(loss).max_num_neg_samples")]]
      let error = #expect(throws: Failure.self) {
        try Self.read([.init("losses", losses), .init("value_schedules", schedules)])
      }
      #expect(error?.status == .config && error?.message.contains(message) == true)
    }
  }
}
