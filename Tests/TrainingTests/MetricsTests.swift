import Evaluation
import Failures
import JSON
import TestSupport
import Testing
import Training

/// `metrics.jsonl`: written, continued, read, drawn.
@Suite struct MetricsTests {
  private static func report(_ step: Int, loss: Double = 0.5, term: Double = 0.25) -> StepReport {
    StepReport(
      step: step, epoch: 1, loss: loss, terms: [term], learningRate: 0.125, gradientNorm: 2,
      queries: 4, tokens: 300)
  }

  private static func text(_ folder: TemporaryFolder) throws -> String {
    String(decoding: try folder.read("metrics.jsonl"), as: UTF8.self)
  }

  /// 300 tokens in 1.5 seconds are 200 a second; what is no number is null.
  @Test func linesOfStepsAndValidations() throws {
    let folder = try TemporaryFolder()
    let log = try MetricsLog(folder("metrics.jsonl"), keeping: nil)
    try log.add(Self.report(1), losses: ["RankNet"], seconds: 1.5)
    try log.add(Self.report(2, term: .nan), losses: ["RankNet"], seconds: 1.5)
    try log.add(validation: "dev", step: 2, [("nDCG@10", 0.75), ("loss", .infinity)])
    #expect(
      try Self.text(folder) == """
        {"step":1,"epoch":1,"loss":0.5,"RankNet":0.25,"lr":0.125,"grad_norm":2.0,"tokens_per_second":200.0}
        {"step":2,"epoch":1,"loss":0.5,"RankNet":null,"lr":0.125,"grad_norm":2.0,"tokens_per_second":200.0}
        {"step":2,"validation":"dev","nDCG@10":0.75,"loss":null}

        """)
  }

  /// A run that goes on from step 2 drops what was logged of step 3, and a line that a kill has cut.
  @Test func aLogGoesOnBehindAStep() throws {
    let folder = try TemporaryFolder()
    let kept = #"{"step":1,"loss":1.0}"# + "\n" + #"{"step":2,"loss":2.0}"# + "\n"
    let validation = #"{"step":2,"validation":"dev","AP":0.5}"# + "\n"
    try folder.write(
      "metrics.jsonl", kept + validation + #"{"step":3,"loss":3.0}"# + "\n{\"step\":")
    let log = try MetricsLog(folder("metrics.jsonl"), keeping: 2)
    #expect(try Self.text(folder) == kept + validation)
    #expect(log.unreadable == 0)
    try log.add(validation: "dev", step: 3, [("AP", 0.5)])
    #expect(
      try Self.text(folder) == kept + validation + #"{"step":3,"validation":"dev","AP":0.5}"# + "\n"
    )
    _ = try MetricsLog(folder("metrics.jsonl"), keeping: nil)
    #expect(try Self.text(folder) == "")
  }

  /// A changed byte makes a line unreadable: it is counted, and the lines around it stay.
  @Test func linesThatAreNoMetricsAreCounted() throws {
    let folder = try TemporaryFolder()
    let (first, second) = (#"{"step":1,"loss":1.0}"# + "\n", #"{"step":2,"loss":2.0}"# + "\n")
    for odd in [#"{"step:1,"loss":1.5}"#, #"{"stop":1}"#, "[1]"] {
      try folder.write("metrics.jsonl", first + odd + "\n" + second)
      #expect(try MetricsLog(folder("metrics.jsonl"), keeping: 2).unreadable == 1)
      #expect(try Self.text(folder) == first + second)
    }
  }

  @Test func aLogIsReadBack() throws {
    let folder = try TemporaryFolder()
    do {
      let log = try MetricsLog(folder("metrics.jsonl"), keeping: nil)
      try log.add(Self.report(1), losses: ["RankNet"], seconds: 1)
      try log.add(validation: "dev", step: 1, [("AP", 0.5)])
    }
    for path in [folder.path, folder("metrics.jsonl")] {
      let file = try MetricsFile(path)
      #expect(file.steps.map { $0["step"]?.integer } == [1])
      #expect(file.validations.map { $0["AP"]?.double } == [0.5])
    }
    // The line that a run is just writing.
    try folder.write("metrics.jsonl", try Self.text(folder) + "{\"step\":2,\"lo")
    #expect(try MetricsFile(folder.path).steps.count == 1)
  }

  @Test(arguments: [
    "", "{\"step\":1,\"loss\":\n{\"step\":2}\n", "{\"loss\":1}\n", "[1]\n",
    "{\"step\":1,\"loss\":1e301}\n", "{\"step\":1,\"validation\":\"dev\"}\n",
  ])
  func whatIsNoLogIsRefused(_ text: String) throws {
    let folder = try TemporaryFolder()
    try folder.write("metrics.jsonl", text)
    let failure = #expect(throws: Failure.self) { try MetricsFile(folder.path) }
    #expect(failure?.status == .data)
  }

  /// A plot for the losses, the learning rate and the gradient, and one for each measure; curves of
  /// several runs are told apart by the runs' names.
  @Test func plots() throws {
    let folder = try TemporaryFolder()
    try folder.write(
      "metrics.jsonl",
      """
      {"step":1,"epoch":1,"loss":0.5,"RankNet":0.5,"lr":0.1,"grad_norm":1.0,"tokens_per_second":9.0}
      {"step":1,"validation":"dev","AP":0.5,"P@3":0.5}
      {"step":1,"validation":"other","AP":0.25}
      {"step":2,"epoch":1,"loss":0.25,"RankNet":0.5,"lr":0.1,"grad_norm":1.0,"tokens_per_second":9.0}

      """)
    let one = MetricsPlots([try MetricsFile(folder.path)])
    #expect(one.plots.count == 5)
    let svg = Plot.file(one.plots)
    for name in ["RankNet", "grad_norm", "dev", "other", "P@3"] { #expect(svg.contains(name)) }
    #expect(!svg.contains("tokens_per_second"))
    let two = MetricsPlots([
      try MetricsFile(folder.path, name: "a: "), try MetricsFile(folder.path, name: "b: "),
    ])
    #expect(two.plots.count == 5)
    let both = Plot.file(two.plots)
    for name in ["a: RankNet", "b: RankNet", "a: dev", "b: lr"] { #expect(both.contains(name)) }
  }

  /// The loss of one loss of weight 1 is that loss: one curve with both names.
  @Test func equalCurvesAreOne() throws {
    let folder = try TemporaryFolder()
    try folder.write(
      "metrics.jsonl",
      """
      {"step":1,"loss":0.5,"RankNet":0.5,"other":0.5,"lr":1.25e-05,"grad_norm":1.0}
      {"step":2,"loss":0.25,"RankNet":0.25,"other":0.5,"lr":2.5e-05,"grad_norm":1.0}

      """)
    let svg = Plot.file(MetricsPlots([try MetricsFile(folder.path)]).plots)
    #expect(svg.contains(">loss = RankNet</text>") && svg.contains(">other</text>"))
    #expect(!svg.contains(">RankNet</text>"))
    // No tick's text, at 6.4 a character, reaches the axis's name, which is 12 from the left and 12 wide.
    let ticks = svg.split(separator: "\n").filter { $0.contains("text-anchor=\"end\"") }
    #expect(ticks.contains { $0.contains("e−05") || $0.contains("e-05") })
    for tick in ticks {
      let right = try #require(Double(tick.split(separator: "\"")[1]))
      let text = try #require(
        tick.split(separator: ">").dropFirst().first?.split(separator: "<").first)
      #expect(right - 6.4 * Double(text.count) >= 18, "\(tick)")
    }
  }
}
