import Failures
import JSON
import TestSupport
import Testing
import Training

/// State that a checkpoint keeps beside the weights.
@Suite struct TrainingStateTests {
  private let scratch: TemporaryFolder
  private let test: TrainingCase

  init() throws {
    scratch = try TemporaryFolder()
    test = try TrainingCase(fixture("training/coil_bert"))
  }

  private func identity(_ more: [JSON.Member] = []) throws -> RunIdentity {
    let tuples = try scratch.write("tuples.jsonl", test.tuples())
    return try RunIdentity(test.configuration(tuples: tuples, more), model: "m")
  }

  private static func bits(_ run: TrainingRun) -> [[UInt32]] {
    run.trained.store.parameters.map { parameter in
      (0..<parameter.count).map { parameter.values[$0].bitPattern }
    }
  }

  /// A checkpoint after `steps` steps: the model and the state of the run.
  private func checkpoint(steps: Int, _ state: TrainingState = .init()) throws -> String {
    let run = try test.run(in: scratch)
    for _ in 0..<steps { _ = try run.advance() }
    var state = state
    state.step = steps
    let folder = scratch("step-\(steps)")
    try scratch.copy(test.folder + "/model", to: "step-\(steps)")
    let writer = try ModelFolderWriter(test.modelDescription(), run.trained, run.lowRank)
    try writer.write(into: folder)
    try run.save(state, identity(), weights: ["model.safetensors"], into: folder)
    return folder
  }

  /// A run that goes on from weights and state ends with the bits of one that did not end.
  @Test func goesOnAsIfItHadNeverEnded() throws {
    let whole = try test.run(in: scratch)
    for _ in 0..<6 { _ = try whole.advance() }
    let folder = try checkpoint(steps: 3)
    let run = try test.run(in: scratch, model: folder)
    let state = try run.restore(from: folder, identity())
    #expect(state.step == 3 && run.step == 3)
    while run.step < 6 { _ = try run.advance() }
    #expect(Self.bits(run) == Self.bits(whole))
    // The optimiser's memory is part of it.
    let forgetful = try test.run(in: scratch, model: folder)
    for _ in 0..<3 { _ = try forgetful.advance() }
    #expect(Self.bits(forgetful) != Self.bits(whole))
  }

  @Test func valuesComeBack() throws {
    var state = TrainingState()
    state.best = .init(value: 0.1 + 0.2, step: 2)
    state.waits = [1]
    state.bests = [-.infinity]
    let validate: JSON.Member = .init("validate", [["tuples": .string(scratch("tuples.jsonl"))]])
    let run = try test.run(in: scratch)
    _ = try run.advance()
    state.step = 1
    let folder = scratch("state")
    try scratch.write("state/weights", "w")
    try run.save(state, identity([validate]), weights: ["weights"], into: folder)
    let back = try test.run(in: scratch).restore(from: folder, identity([validate]))
    #expect(back.step == 1 && back.best == state.best)
    #expect(back.waits == [1] && back.bests == [-.infinity])
    // Of other validations there is no best yet.
    let other = try test.run(in: scratch).restore(from: folder, identity())
    #expect(other.best == nil && other.waits.isEmpty && other.bests.isEmpty)
  }

  @Test func refusals() throws {
    let run = try test.run(in: scratch)
    _ = try run.advance()
    var state = TrainingState()
    state.step = 1
    let folder = scratch("state")
    func save() throws {
      try scratch.write("state/weights", "w")
      try run.save(state, identity(), weights: ["weights"], into: folder)
    }
    func refusal(_ more: [JSON.Member] = []) throws -> Failure? {
      #expect(throws: Failure.self) {
        try test.run(in: scratch).restore(from: folder, identity(more))
      }
    }
    try save()
    #expect(try refusal([.init("seed", 5)])?.status == .config)
    // Weights of another step.
    try scratch.write("state/weights", "v")
    let weights = try refusal()
    #expect(weights?.status == .data && weights?.place == "\(folder)/weights")
    #expect(weights?.hint == "remove \(folder) to go on from the checkpoint before it")
    // Damage anywhere.
    try save()
    let bytes = try scratch.read("state/state.safetensors")
    for place in [bytes.count / 3, bytes.count / 2, bytes.count - 1] {
      var damaged = bytes
      damaged[place] ^= 1
      try scratch.write("state/state.safetensors", damaged)
      #expect(try refusal()?.status == .data, "byte \(place)")
    }
    try scratch.remove("state/state.safetensors")
    #expect(try refusal()?.status == .noInput)
  }

  /// Numbers that no run has written, in a file whose checksum is right.
  @Test func numbersThatNoRunHas() throws {
    let run = try test.run(in: scratch)
    _ = try run.advance()
    let folder = scratch("state")
    try scratch.write("state/weights", "w")
    for (step, waits) in [(1, [Int.max]), (1, [2]), (1, [-1]), (-1, [0]), (0, [0])] {
      var state = TrainingState()
      state.step = step
      state.waits = waits
      try run.save(state, identity(), weights: ["weights"], into: folder)
      let failure = #expect(throws: Failure.self, "\(step) \(waits)") {
        try test.run(in: scratch).restore(from: folder, identity())
      }
      #expect(failure?.status == .data)
    }
  }

  @Test func matchingValidations() {
    var state = TrainingState()
    state.best = .init(value: 1, step: 4)
    state.waits = [1, 2]
    state.bests = [0.5, nil]
    var same = state
    same.match(["a", "b"], before: ["a", "b"])
    #expect(same.best == state.best && same.waits == [1, 2] && same.bests == [0.5, nil])
    // The first one says which checkpoint is best.
    var turned = state
    turned.match(["b", "a", "c"], before: ["a", "b"])
    #expect(turned.best == nil && turned.waits == [2, 1, 0] && turned.bests == [nil, 0.5, nil])
  }
}
