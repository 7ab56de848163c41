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
        .init(
          "losses",
          [
            ["name": "L1Regularization"], ["name": "ApproxRankMSE"],
            ["name": "InBatchCrossEntropy", "scale": 20], ["name": "InfoNCE", "temperature": 2],
          ]),
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
          .init("lr", .double(0.5)), .init("lr_factors", [:]), .init("name", "AdamW"),
          .init("no_decay", []),
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
    ("ScoreBasedInBatchCrossEntropy", "min_target_diff"), ("InfoNCE", "temperature"),
    ("InfoNCE", "scale"), ("InBatchCrossEntropy", "scale"), ("InBatchCrossEntropy", "temperature"),
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
      case .inBatch(let loss): loss.sampling.leastTargetDifference ?? loss.scale.number
      case .regularization(let loss): number == "doc_weight" ? loss.docWeight : loss.queryWeight
      case .views, .dual: nil
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

  /// Whole numbers, limits, rates, factors, temperatures: what does not fit is refused by its name
  /// before anything is made of it.
  @Test(
    arguments: [
      "batch_size", "accumulate", "max_steps", "epochs", "gradcache", "log_every", "lora.r",
      "checkpoint.every", "checkpoint.keep", "validate.0.every", "validate.0.patience",
      "schedule.warmup", "schedule.delay", "data.num_docs", "data.depth", "data.sample_size",
      "losses.0.max_num_neg_samples", "seed", "optimizer.lr", "optimizer.eps",
      "optimizer.weight_decay", "optimizer.betas.0", "clip", "dropout", "lora.alpha",
      "lora.dropout", "losses.0.weight", "losses.0.temperature", "losses.0.scale",
      "schedule.final", "value_schedules.0.final",
    ])
  func numbersHaveRanges(_ path: String) throws {
    let run = path.hasPrefix("data.") && path != "data.num_docs"
    let base: JSON = [
      "model": "m",
      "data": run ? ["run": "r", "targets": "rank", "qrels": "q"] : ["tuples": "t"],
      "losses": [["name": "InBatchCrossEntropy"]], "lora": ["targets": ["query"]],
      "optimizer": ["betas": [.double(0.9), .double(0.99)]],
      "validate": [["tuples": "t"]], "value_schedules": [["key": "losses.0.weight"]],
    ]
    _ = try TrainingConfiguration(base, file: "train.yml")
    var bad: [JSON] = [.integer(.min), .double(1e300), .double(-1e300), "many", [1]]
    // Any seed is one.
    if path != "seed" { bad.append(.integer(.max)) }
    // A share or a number of a loss may be any large number that single precision holds.
    let numbers = ["lr", "eps", "weight_decay", "clip", "alpha", "weight", "temperature", "scale"]
    if numbers.contains(String(path.split(separator: ".").last ?? "")) || path.hasSuffix("final") {
      bad.removeLast()
      if path == "losses.0.weight" { bad.removeFirst() }
    }
    for value in bad {
      let json = try ConfigurationPath.set(path, value, in: base)
      let failure = #expect(throws: Failure.self, "\(path) \(value)") {
        try TrainingConfiguration(json, file: "train.yml")
      }
      let key = path == "optimizer.betas.0" ? "optimizer.betas" : path
      #expect(failure?.status == .config && failure?.message.hasPrefix("\(key): expected") == true)
    }
  }

  @Test func temperatureOrScale() throws {
    func loss(_ more: [JSON.Member]) throws -> InBatchCrossEntropy? {
      let read = try Self.read([
        .init("losses", [.object([.init("name", "InBatchCrossEntropy")] + more)])
      ])
      guard case .inBatch(let loss) = read.losses[0].kind else { return nil }
      return loss
    }
    #expect(try loss([])?.scale == LogitScale(.temperature, 1))
    #expect(
      try loss([.init("temperature", .double(0.05))])?.scale == LogitScale(.temperature, 0.05))
    #expect(try loss([.init("scale", 20)])?.scale.factor == 20)
    for bad: [JSON.Member] in [
      [.init("scale", 20), .init("temperature", .double(0.05))], [.init("scale", 0)],
      [.init("temperature", -1)],
    ] {
      #expect(throws: Failure.self) { try loss(bad) }
    }
    // A temperature that a schedule makes 0 would divide by it; a scale does not.
    for (number, isRefused) in [("temperature", true), ("scale", false)] {
      let losses: JSON = [.object([.init("name", "InfoNCE"), .init(number, 2)])]
      let schedules: JSON = [["key": .string("losses.0.\(number)"), "delay": 3]]
      let members: [JSON.Member] = [.init("losses", losses), .init("value_schedules", schedules)]
      if isRefused {
        #expect(throws: Failure.self) { try Self.read(members) }
      } else {
        _ = try Self.read(members)
      }
    }
  }

  @Test func anUnknownLossListsAll() throws {
    let failure = #expect(throws: Failure.self) {
      try Self.read([.init("losses", [["name": "InBatchCE"]])])
    }
    for name in ["InBatchCrossEntropy", "RankNet", "FLOPSRegularization"] {
      #expect(failure?.message.contains(name) == true)
    }
    #expect(failure?.hint == "did you mean InBatchCrossEntropy?")
  }

  /// The template with a model, data and a loss is what a configuration of these three is.
  @Test func aTemplateIsAConfigurationOfDefaults() throws {
    let said: JSON = ["model": "m", "data": ["tuples": "t"]]
    var members: [JSON.Member] = []
    for line in ConfigurationTemplate.lines(said) {
      let parts = line.path.split(separator: ".").map(String.init)
      if parts.count == 1 {
        members.append(JSON.Member(parts[0], line.value ?? [:]))
      } else {
        let whole = members.removeLast()
        members.append(
          JSON.Member(
            whole.key, .object((whole.value.members ?? []) + [.init(parts[1], line.value ?? .null)])
          )
        )
      }
    }
    let template = try TrainingConfiguration(.object(members), file: nil)
    let plain = try Self.read([.init("losses", [["name": "InBatchCrossEntropy"]])])
    for member in plain.effective.members ?? [] {
      if member.key == "data" { continue }
      #expect(
        template.effective[member.key]?.serialized() == member.value.serialized(), "\(member.key)")
    }
    #expect(template.data.tuples == ["t"] && template.data.shuffles && !template.data.noDuplicates)
    // Every key of the configuration is there.
    #expect(members.count == plain.effective.members?.count)
  }

  /// Batches of 4, 4 and 1 queries in steps of four batches.
  @Test func meansOfAccumulatedBatches() {
    let sizes = [4, 4, 1]
    let (quarters, thirds) = (
      [Double](repeating: 0.25, count: 3), [Double](repeating: 1.0 / 3, count: 3)
    )
    let ninths: [Double] = [4.0 / 9, 4.0 / 9, 1.0 / 9]
    #expect(AccumulateMean.full.factors(sizes, accumulate: 4) == quarters)
    #expect(AccumulateMean.batches.factors(sizes, accumulate: 4) == thirds)
    #expect(AccumulateMean.queries.factors(sizes, accumulate: 4) == ninths)
    #expect(AccumulateMean.full.share(of: 6, 2, sizes) == 2)
    #expect(AccumulateMean.batches.share(of: 6, 2, sizes) == 2)
    #expect(AccumulateMean.queries.share(of: 9, 2, sizes) == 1)
  }
}
