import Autograd
import Foundation
import Kernels
import Models
import TestSupport
import Testing
import Training
import Workers

/// A step that is done in parts is the same step: a few texts at a time, or by several processes.
@Suite struct DividedStepTests {
  private struct Step {
    var loss: BatchLoss
    /// Derivative of every weight, by name.
    var gradients: [String: [Float]]
  }

  private func step(
    _ test: TrainingCase, _ batch: TrainingBatch, _ options: TrainedModel.StepOptions,
    dropout: TrainedModel.DropoutKey? = nil, recomputes: Bool = false
  ) throws -> Step {
    let trained = try test.model()
    let tape = Tape(Kernels(), WorkerPool(threads: 1), recomputesLayers: recomputes)
    var random = CounterRandom(seed: 1)
    let loss = trained.addGradients(
      batch, try test.terms(), factor: 0.5, on: tape, dropout: dropout, options: options, &random)
    var gradients: [String: [Float]] = [:]
    for parameter in trained.store.parameters {
      guard let training = parameter.training else { continue }
      gradients[parameter.name] =
        training.hasGradient
        ? Array(UnsafeBufferPointer(start: training.gradient.pointer, count: parameter.count))
        : [Float](repeating: 0, count: parameter.count)
    }
    return Step(loss: loss, gradients: gradients)
  }

  /// Sums in another order: 1e-5 of the largest derivative of a weight, and of the norm of all.
  private func expectEqual(_ found: Step, _ expected: Step, _ name: String) {
    #expect(abs(found.loss.total - expected.loss.total) <= 1e-5 * (1 + abs(expected.loss.total)))
    #expect(found.loss.scores.values.count == expected.loss.scores.values.count)
    let largest = expected.gradients.values.flatMap { $0 }.map(abs).max() ?? 0
    #expect(largest > 1e-3)
    for (key, expected) in expected.gradients {
      let error = zip(found.gradients[key] ?? [], expected).map { abs($0 - $1) }.max() ?? .nan
      #expect(error <= 1e-5 * (1 + largest), "\(name): \(key) \(error)")
    }
  }

  @Test(arguments: TrainingCase.all) func fewTextsAtATime(_ folder: String) throws {
    let test = try TrainingCase(folder)
    let batch = try test.batch(0)
    let whole = try step(test, batch, .init())
    for chunk in [1, 4] {
      expectEqual(try step(test, batch, .init(chunk: chunk)), whole, "\(test) \(chunk)")
    }
  }

  @Test func chunksDropTheSameElements() throws {
    let test = try TrainingCase(fixture("training/mono_t5"))
    let batch = try test.batch(0)
    let key = TrainedModel.DropoutKey(seed: 4, step: 7)
    let whole = try step(test, batch, .init(), dropout: key)
    expectEqual(try step(test, batch, .init(chunk: 2), dropout: key), whole, "dropout")
  }

  @Test(arguments: TrainingCase.all, [false, true])
  func severalProcesses(_ folder: String, recomputes: Bool) throws {
    let test = try TrainingCase(folder)
    let batch = try test.batch(0)
    let whole = try step(test, batch, .init())
    // One more than there are queries: one has nothing to do.
    let count = batch.targets.queries + 1
    let meeting = Meeting(count)
    let steps = Results<Step>(count)
    let inTime = Results<Void>(count)
    let threads = DispatchGroup()
    for rank in 0..<count {
      threads.enter()
      Thread.detachNewThread {
        let ranks = LocalRanks(rank: rank, count: count, meeting: meeting)
        var options = TrainedModel.StepOptions(ranks: ranks)
        options.partSize = 1000
        steps.set(
          rank,
          Result {
            try step(test, batch.part(rank, of: count), options, recomputes: recomputes)
          })
        if ranks.sumsInTime > 0 { inTime.set(rank, .success(())) }
        threads.leave()
      }
    }
    threads.wait()
    let parts = try steps.all.map { try $0.get() }
    #expect(parts.count == count)
    // Those with queries sum while they go backwards; the first of three with two has none.
    #expect(inTime.all.count == (recomputes ? 0 : count - 1))
    // Each knows the losses and derivatives of all, to the bit.
    for part in parts.dropFirst() {
      #expect(part.loss.total == parts[0].loss.total)
      #expect(part.gradients == parts[0].gradients)
    }
    expectEqual(parts[0], whole, "\(test)")
  }

  private final class Results<Value>: @unchecked Sendable {
    private let lock = NSLock()
    private var results: [Result<Value, any Error>?]
    init(_ count: Int) { results = .init(repeating: nil, count: count) }
    func set(_ index: Int, _ result: Result<Value, any Error>) {
      lock.withLock { results[index] = result }
    }
    var all: [Result<Value, any Error>] { results.compactMap { $0 } }
  }
}

/// Exchange of values between threads that stand for processes.
private final class Meeting: @unchecked Sendable {
  private let condition = NSCondition()
  private let count: Int
  private var present: [Int: [Float]] = [:]
  private var last: [[Float]] = []
  private var round = 0

  init(_ count: Int) { self.count = count }

  func exchange(_ rank: Int, _ values: [Float]) -> [[Float]] {
    condition.lock()
    defer { condition.unlock() }
    let own = round
    present[rank] = values
    if present.count == count {
      last = (0..<count).map { present[$0] ?? [] }
      present = [:]
      round += 1
      condition.broadcast()
    }
    while round == own { condition.wait() }
    return last
  }
}

private final class LocalRanks: Ranks {
  let rank: Int
  let count: Int
  /// Sums that were done before anybody waited for them.
  private(set) var sumsInTime = 0
  private let meeting: Meeting

  init(rank: Int, count: Int, meeting: Meeting) {
    self.rank = rank
    self.count = count
    self.meeting = meeting
  }

  func leave() {}

  func gather(_ values: [Float]) -> [[Float]] { meeting.exchange(rank, values) }

  func isSumDone(waiting: Bool) -> Bool {
    if !waiting { sumsInTime += 1 }
    return true
  }

  func beginSum(_ values: UnsafeMutableBufferPointer<Float>) {
    for (i, value) in meeting.exchange(rank, Array(values)).enumerated() {
      for (j, x) in value.enumerated() { values[j] = i == 0 ? x : values[j] + x }
    }
  }
}
