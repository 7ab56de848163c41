import Failures
import JSON
import TestSupport
import Testing
import Training

/// Refusals to go on from a checkpoint of another run.
@Suite struct RunIdentityTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try folder.write("tuples", "a\tb\tc\n")
    try folder.write("valid", "a\tb\tc\n")
  }

  private func identity(_ more: [JSON.Member] = [], model: String = "m") throws -> RunIdentity {
    try RunIdentity(configuration(more), model: model)
  }

  private func configuration(_ more: [JSON.Member] = []) throws -> TrainingConfiguration {
    let base: [JSON.Member] = [
      .init("model", "m"), .init("data", ["tuples": .string(folder("tuples"))]),
      .init("losses", [["name": "RankNet"]]), .init("max_steps", 10),
      .init("validate", [["tuples": .string(folder("valid")), "measures": ["RR"]]]),
    ]
    let keys = more.map(\.key)
    return try TrainingConfiguration(
      .object(base.filter { !keys.contains($0.key) } + more), file: nil)
  }

  private func refusal(_ now: RunIdentity, _ kept: RunIdentity) -> Failure? {
    do throws(Failure) {
      try now.check(against: kept, at: "state")
      return nil
    } catch { return error }
  }

  @Test func sameWork() throws {
    let kept = try identity()
    #expect(refusal(try identity(), kept) == nil)
    // What decides no weight: where files are, how fast it goes, what is measured on the way.
    try folder.write("elsewhere/tuples", "a\tb\tc\n")
    for members in [
      [.init("data", ["tuples": .string(folder("elsewhere/tuples"))])],
      [.init("checkpoint", ["every": 3])], [.init("gradient_checkpointing", true)],
      [.init("validate", [])], [.init("max_steps", 20)], [.init("schedule", ["warmup": 0])],
    ] as [[JSON.Member]] {
      #expect(refusal(try identity(members), kept) == nil, "\(members)")
    }
  }

  /// A run that has ended may have no checkpoint: its data and its model are in `DONE`, but for folders of
  /// earlier releases.
  @Test func runsThatHaveEnded() throws {
    let kept = try configuration()
    let origin = Array(try identity().origin.utf8)
    func refusal(
      _ now: RunIdentity, _ origin: [UInt8], _ kept: TrainingConfiguration
    ) -> Failure? {
      do throws(Failure) {
        try now.check(configuration: kept, origin: origin, at: "run")
        return nil
      } catch { return error }
    }
    #expect(refusal(try identity(), origin, kept) == nil)
    #expect(refusal(try identity([.init("max_steps", 20)]), origin, kept) == nil)
    let seed = refusal(try identity([.init("seed", 7)]), origin, kept)
    #expect(seed?.status == .config && seed?.place == "run/train.yml")
    let model = refusal(try identity(model: "other"), origin, kept)
    #expect(model?.status == .config)
    #expect(model?.message.contains("the model to begin with is another one") == true)
    #expect(refusal(try identity(model: "other"), [], kept) == nil)
    let damaged = refusal(try identity(), Array("{".utf8), kept)
    #expect(damaged?.status == .data && damaged?.place == "run/DONE")
    try folder.write("tuples", "a\tb\td\n")
    let data = refusal(try identity(), origin, kept)
    #expect(data?.status == .config)
    #expect(data?.message.contains("what data.tuples names is not what it was") == true)
    #expect(refusal(try identity(), [], kept) == nil)
  }

  /// Keys that came later are at their defaults in what earlier versions kept; at others they decide.
  @Test func keysThatCameLater() throws {
    let losses: JSON.Member = .init("losses", [["name": "InfoNCE"]])
    let now = try identity([losses])
    var old = now
    old.configuration = .object(
      (now.configuration.members ?? []).filter { $0.key != "accumulate_mean" }.map { member in
        switch member.key {
        case "losses": JSON.Member(member.key, [["name": "InfoNCE", "weight": .double(1)]])
        case "data":
          JSON.Member(
            member.key,
            .object((member.value.members ?? []).filter { $0.key != "no_duplicates" }))
        default: member
        }
      })
    #expect(refusal(now, old) == nil)
    for (member, text) in [
      (.init("accumulate_mean", "batches"), "accumulate_mean is"),
      (.init("losses", [["name": "InfoNCE", "scale": 20]]), "losses.0.scale is 20"),
      (
        .init("data", ["tuples": .string(folder("tuples")), "no_duplicates": true]),
        "data.no_duplicates is true, was false"
      ),
    ] as [(JSON.Member, String)] {
      let failure = refusal(try identity([losses].filter { $0.key != member.key } + [member]), old)
      #expect(failure?.message.contains(text) == true, "\(failure?.message ?? "none")")
    }
    // What is said on the way decides nothing.
    #expect(refusal(try identity([losses, .init("log_every", 3)]), now) == nil)
  }

  @Test(
    arguments: [
      (.init("batch_size", 4), "batch_size is 4, was 32"),
      (.init("optimizer", ["lr": .double(0.5)]), "optimizer.lr is 0.5, was 1e-05"),
      (.init("clip", .double(2)), "clip is 2.0, was not set"),
      (.init("losses", [["name": "RankNet", "weight": 2]]), "losses.0.weight is 2, was "),
      (.init("seed", 1), "seed is 1, was 42"),
    ] as [(JSON.Member, String)])
  func otherSettings(member: JSON.Member, message: String) throws {
    let failure = try #require(refusal(try identity([member]), try identity()))
    #expect(failure.status == .config && failure.place == "state")
    #expect(
      failure.message.hasPrefix("the checkpoint belongs to another training run: " + message),
      "\(failure.message)")
    #expect(failure.hint == "undo that, or train into another folder")
  }

  /// Numbers are compared as such, however they are written.
  @Test func numbers() throws {
    let kept = try identity([.init("clip", .double(2))])
    #expect(refusal(try identity([.init("clip", .integer(2))]), kept) == nil)
  }

  @Test func stepsOfASchedule() throws {
    let decay: JSON.Member = .init("schedule", ["name": "linear"])
    let failure = try #require(
      refusal(try identity([decay, .init("max_steps", 20)]), try identity([decay])))
    #expect(failure.message.hasSuffix("max_steps is 20, was 10"))
    #expect(failure.hint?.hasPrefix("a schedule that decays") == true)
  }

  @Test func otherFiles() throws {
    let kept = try identity()
    try folder.write("tuples", "a\tb\td\n")
    let failure = try #require(refusal(try identity(), kept))
    #expect(failure.message.hasSuffix("what data.tuples names is not what it was"))
    let model = try #require(refusal(try identity(model: "n"), try identity()))
    #expect(model.message.hasSuffix("the model to begin with is another one"))
  }

  @Test func manyDifferences() throws {
    let members: [JSON.Member] = [
      .init("batch_size", 4), .init("seed", 1), .init("clip", .double(2)), .init("accumulate", 3),
      .init("dropout", .double(0.5)),
    ]
    let failure = try #require(refusal(try identity(members), try identity()))
    #expect(failure.message.hasSuffix("; …"))
    #expect(failure.message.split(separator: ";").count == 5)
  }

  /// A validation is known by what it measures and on what, not by its name or how often.
  @Test func validations() throws {
    func validation(_ more: [JSON.Member]) throws -> String {
      let members = [JSON.Member("tuples", .string(folder("valid"))), .init("measures", ["RR"])]
      let keys = more.map(\.key)
      let settings = JSON.object(members.filter { !keys.contains($0.key) } + more)
      return try #require(identity([.init("validate", [settings])]).validations.first)
    }
    let plain = try validation([])
    #expect(try validation([.init("every", 3), .init("patience", 2)]) == plain)
    #expect(try validation([.init("measures", ["AP"])]) != plain)
    try folder.write("valid", "a\tb\tx\n")
    #expect(try validation([]) != plain)
  }
}
