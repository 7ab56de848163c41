import Autograd
import Failures
import JSON
import Kernels
import Streams
import Tensors

/// State of a training run besides weights and configuration: with all three the run goes on as if
/// it had never ended.
package struct TrainingState: Sendable {
  /// Steps that are done.
  package var step = 0
  /// The best first measure so far, and its step.
  package var best: Best?
  /// Number of times since its best that each validation's first measure was not better.
  package var waits: [Int] = []
  /// Best first measure of each validation.
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

  /// Fits the state to other validations, of which some may have been there before.
  ///
  /// A validation is known by what its measures are taken of (`RunIdentity.validations`).
  package mutating func match(_ validations: [String], before: [String]) {
    if before.first != validations.first { best = nil }
    let places = validations.map { before.firstIndex(of: $0) }
    waits = places.map { place in place.flatMap { $0 < waits.count ? waits[$0] : nil } ?? 0 }
    bests = places.map { place in place.flatMap { $0 < bests.count ? bests[$0] : nil } ?? nil }
  }

  package static let fileName = "state.safetensors"
}

extension TrainingRun {
  /// Writes the state beside a model's weights.
  ///
  /// - Parameters:
  ///   - state: What the run knows.
  ///   - identity: Everything that decides the run.
  ///   - weights: Names of the files beside it that it belongs to.
  ///   - folder: Where it goes.
  /// - Throws: 73 or 74 where it cannot be written.
  package func save(
    _ state: TrainingState, _ identity: RunIdentity, weights: [String], into folder: String
  ) throws(Failure) {
    var digests: [JSON.Member] = []
    for name in weights {
      digests.append(JSON.Member(name, .string(try FileDigest.short("\(folder)/\(name)"))))
    }
    var metadata = [
      "lir.format": Self.stateFormat, "lir.kind": "training_state",
      "lir.configuration": identity.configuration.serialized(),
      "lir.data": identity.data.serialized(), "lir.model": identity.model,
      "lir.validations": identity.validations.joined(separator: " "),
      "lir.weights": JSON.object(digests).serialized(),
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
    if let choice {
      metadata["lir.chosen"] = ([choice.firstStep] + choice.tuples.flatMap { $0 }).map { "\($0)" }
        .joined(separator: " ")
    }
    let steps = update.steps.map { Int64($0) }
    try steps.withBytes { bytes throws(Failure) in
      try SafeTensorsWriter.write(
        "\(folder)/\(TrainingState.fileName)", metadata: metadata,
        [SafeTensorsWriter.Tensor("#steps", .i64, [steps.count], bytes)] + tensors,
        isChecked: true)
    }
  }

  /// What two encoders had chosen for each other of the pool of tuples that was begun.
  private static func choice(
    _ file: SafeTensorsFile, _ path: String, tuples: Int
  ) throws(Failure) -> TeachingPools.Choice? {
    guard let text = file.header.metadata("lir.chosen") else { return nil }
    let numbers = text.split(separator: " ").compactMap { Int($0) }
    let chosen = Array(numbers.dropFirst())
    guard let first = numbers.first, first >= 0, !chosen.isEmpty, chosen.count.isMultiple(of: 2),
      chosen.allSatisfy({ (0..<tuples).contains($0) })
    else { throw .data(path, "damaged: no tuples that two encoders chose") }
    let half = chosen.count / 2
    return TeachingPools.Choice(
      firstStep: first, tuples: [Array(chosen[..<half]), Array(chosen[half...])])
  }

  /// Takes the optimiser's memory from a state file; the weights are those of its folder.
  ///
  /// - Throws: 78 where the state belongs to other work, 65 where it or a file beside it is damaged.
  package func restore(
    from folder: String, _ identity: RunIdentity
  ) throws(Failure) -> TrainingState {
    let path = "\(folder)/\(TrainingState.fileName)"
    let file = try SafeTensorsFile(path)
    guard file.header.metadata("lir.kind") == "training_state" else {
      throw .data(path, "expected the state of a training run")
    }
    guard file.header.metadata("lir.format") == Self.stateFormat else {
      throw .config(path, "the checkpoint is of another version of this tool")
    }
    do throws(Failure) { _ = try SafeTensorsChecksum.check(file) } catch {
      var failure = error
      failure.hint = "remove \(folder) to go on from the checkpoint before it"
      throw failure
    }
    let kept = try Self.identity(file, path)
    try identity.check(against: kept, at: path)
    try Self.checkWeights(file, in: folder)
    try Self.checkOthers(in: folder)
    var state = TrainingState()
    guard let step = file.header.metadata("lir.step").flatMap({ Int($0) }), step >= 0,
      let entry = file.entry("#steps"), entry.type == .i64,
      entry.elements == trained.store.parameters.count
    else { throw .data(path, "damaged: no number of steps") }
    state.step = step
    for text in (file.header.metadata("lir.waits") ?? "").split(separator: " ") {
      guard let waits = Int(text), (0...step).contains(waits) else {
        throw .data(path, "expected 0 to \(step) validations without a better value, found \(text)")
      }
      state.waits.append(waits)
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
      guard (0...step).contains(steps) else {
        throw .data(path, "expected 0 to \(step) steps of a weight, found \(steps)")
      }
      if steps > 0 { try restore(i, steps, file) }
    }
    self.step = step
    choice = try Self.choice(file, path, tuples: firstEpoch.tuples)
    if let pool = pools?.pool(at: step), pool.isTaught, pool.firstStep < step,
      choice?.firstStep != pool.firstStep
    {
      throw .data(
        path, "damaged: no tuples that two encoders chose of those from step \(pool.firstStep) on")
    }
    state.match(identity.validations, before: kept.validations)
    return state
  }

  private static let stateFormat = "3"

  private static func json(
    _ key: String, _ file: SafeTensorsFile, _ path: String
  ) throws(Failure) -> JSON {
    let text = file.header.metadata("lir.\(key)") ?? ""
    guard let json = try? JSONParser.parse(Array(text.utf8)), json.members != nil else {
      throw .data(path, "damaged: no \(key)")
    }
    return json
  }

  private static func identity(
    _ file: SafeTensorsFile, _ path: String
  ) throws(Failure) -> RunIdentity {
    RunIdentity(
      configuration: try json("configuration", file, path), data: try json("data", file, path),
      model: file.header.metadata("lir.model") ?? "",
      validations: (file.header.metadata("lir.validations") ?? "").split(separator: " ").map {
        String($0)
      })
  }

  /// Weights and state of different steps would go on as something that never was.
  private static func checkWeights(
    _ file: SafeTensorsFile, in folder: String
  ) throws(Failure) {
    let path = "\(folder)/\(TrainingState.fileName)"
    for member in try json("weights", file, path).members ?? [] {
      let weights = "\(folder)/\(member.key)"
      guard try FileDigest.short(weights) == member.value.string else {
        throw .data(
          weights, "damaged, or not the weights that \(path) belongs to",
          hint: "remove \(folder) to go on from the checkpoint before it")
      }
    }
  }

  /// Everything else beside the state is as it was written, too: the model that is made of it later.
  private static func checkOthers(in folder: String) throws(Failure) {
    do throws(Failure) {
      try FolderDigests(folder)?.verify { !FolderDigests.isWeights($0) }
    } catch {
      var failure = error
      failure.hint =
        "remove \(folder) to go on from the checkpoint before it, or, where the file was changed on "
        + "purpose, \(folder)/\(FolderDigests.fileName)"
      throw failure
    }
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
