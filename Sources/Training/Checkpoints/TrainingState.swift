import Autograd
import Failures
import Kernels
import Streams
import Tensors

/// What a training run knows besides weights and configuration: with those it goes on as if it had
/// never ended.
package struct TrainingState: Sendable {
  /// Steps that are done.
  package var step = 0
  /// The best first measure so far, and its step.
  package var best: Best?
  /// Of each validation, how often its first measure was not better since it was.
  package var waits: [Int] = []
  /// Of each validation, its best first measure.
  package var bests: [Double?] = []

  package struct Best: Sendable, Equatable {
    package var value: Double
    package var step: Int

    package init(value: Double, step: Int) {
      self.value = value
      self.step = step
    }
  }

  package init() {}

  package static let fileName = "state.safetensors"
}

extension TrainingRun {
  /// Writes the state beside a model's weights.
  ///
  /// `work`: digest of everything that decides the run.
  package func save(_ state: TrainingState, work: String, into folder: String) throws(Failure) {
    var metadata = [
      "lir.format": "1", "lir.kind": "training_state", "lir.work": work,
      "lir.step": "\(state.step)",
      "lir.waits": state.waits.map { "\($0)" }.joined(separator: " "),
      "lir.bests": state.bests.map { $0.map { "\($0.bitPattern)" } ?? "-" }.joined(separator: " "),
    ]
    if let best = state.best { metadata["lir.best"] = "\(best.value.bitPattern) \(best.step)" }
    var tensors: [SafeTensorsWriter.Tensor] = []
    for (i, parameter) in trained.store.parameters.enumerated() {
      for (j, moment) in update.moments(i).enumerated() {
        tensors.append(
          SafeTensorsWriter.Tensor(
            "\(parameter.name)#\(j)", .f32, parameter.shape,
            UnsafeRawBufferPointer(
              UnsafeBufferPointer(start: moment.pointer, count: moment.count))))
      }
    }
    let steps = update.steps.map { Int64($0) }
    var failure: Failure?
    steps.withUnsafeBytes { bytes in
      do throws(Failure) {
        try SafeTensorsWriter.write(
          "\(folder)/\(TrainingState.fileName)", metadata: metadata,
          [SafeTensorsWriter.Tensor("#steps", .i64, [steps.count], bytes)] + tensors)
      } catch { failure = error }
    }
    if let failure { throw failure }
  }

  /// Takes the optimiser's memory from a state file; the weights are those of its folder.
  ///
  /// - Throws: 78 where the state belongs to other work, 65 where it is damaged.
  package func restore(_ path: String, work: String) throws(Failure) -> TrainingState {
    let file = try SafeTensorsFile(path)
    guard file.header.metadata("lir.kind") == "training_state" else {
      throw .data(path, "expected the state of a training run")
    }
    guard file.header.metadata("lir.work") == work else {
      throw .config(
        path, "the checkpoint belongs to another configuration, other data or another model",
        hint: "train into another folder, or remove this one")
    }
    var state = TrainingState()
    guard let step = file.header.metadata("lir.step").flatMap({ Int($0) }), step > 0,
      let entry = file.entry("#steps"), entry.type == .i64,
      entry.elements == trained.store.parameters.count
    else { throw .data(path, "damaged: no number of steps") }
    state.step = step
    state.waits = (file.header.metadata("lir.waits") ?? "").split(separator: " ").compactMap {
      Int($0)
    }
    state.bests = (file.header.metadata("lir.bests") ?? "").split(separator: " ").map {
      UInt64($0).map { Double(bitPattern: $0) }
    }
    let best = (file.header.metadata("lir.best") ?? "").split(separator: " ")
    if best.count == 2, let bits = UInt64(best[0]), let step = Int(best[1]) {
      state.best = .init(value: Double(bitPattern: bits), step: step)
    }
    let bytes = file.bytes(entry)
    for i in trained.store.parameters.indices {
      let steps = Int(bytes.loadUnaligned(fromByteOffset: 8 * i, as: Int64.self))
      if steps > 0 { try restore(i, steps, file) }
    }
    self.step = step
    return state
  }

  private func restore(_ index: Int, _ steps: Int, _ file: SafeTensorsFile) throws(Failure) {
    let parameter = trained.store.parameters[index]
    var moments: [AlignedBuffer] = []
    for j in 0..<update.kind.stateCount {
      let name = "\(parameter.name)#\(j)"
      let buffer = AlignedBuffer(count: parameter.count)
      try file.copy(name, to: buffer)
      moments.append(buffer)
    }
    update.restore(index, steps: steps, moments: moments)
  }
}
