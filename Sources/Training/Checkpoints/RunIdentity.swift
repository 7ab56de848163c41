import Failures
import JSON
import Models
import Streams

/// Everything that decides the weights of a run, kept beside each checkpoint: what goes on from there
/// has to be the same.
package struct RunIdentity: Sendable {
  /// As `TrainingConfiguration.decisive` has it.
  package var configuration: JSON
  /// Keys of the configuration that name files, with the digests of these.
  package var data: JSON
  /// Digest of the model's folder as the user named it, and as training begins with it.
  package var model: String
  /// Data that the measures of each validation are taken of; these decide no weights.
  package var validations: [String]

  /// Keys that name files; only what is in these matters.
  private static let files = ["tuples", "run", "queries", "docs", "qrels"]
  /// Parts of the configuration with keys that name files.
  private static let naming = ["data": files, "lora": ["adapter"]]
  /// Differences that a message names.
  private static let shown = 4

  /// Reads all files once.
  ///
  /// - Throws: 64 for one that cannot be read again, such as a pipe.
  package init(_ configuration: TrainingConfiguration, model: String) throws(Failure) {
    self.configuration = Self.withoutFiles(configuration.decisive)
    self.model = model
    data = .object(
      try Self.digests(configuration.data, "data") + Self.digests(configuration.lora?.adapter))
    validations = []
    for (i, validation) in configuration.validations.enumerated() {
      let settings = configuration.effective["validate"]?.array?[i].members ?? []
      let kept = settings.filter {
        !(Self.files + ["name", "every", "at_start", "patience"]).contains($0.key)
      }
      let digests = try Self.digests(validation.data, "validate")
      validations.append(
        Checksum.xxh3Long(Array(JSON.object(kept + digests).serialized(sortingKeys: true).utf8)))
    }
  }

  /// One that was kept.
  init(configuration: JSON, data: JSON, model: String, validations: [String]) {
    self.configuration = configuration
    self.data = data
    self.model = model
    self.validations = validations
  }

  private static func withoutFiles(_ configuration: JSON) -> JSON {
    .object(
      (configuration.members ?? []).map { member in
        guard let files = naming[member.key], let members = member.value.members
        else { return member }
        return JSON.Member(member.key, .object(members.filter { !files.contains($0.key) }))
      })
  }

  private static func digests(
    _ data: DataConfiguration, _ path: String
  ) throws(Failure) -> [JSON.Member] {
    var all: [JSON.Member] = []
    for (key, files) in [
      ("tuples", data.tuples), ("run", data.run), ("queries", data.queries),
      ("docs", data.docs), ("qrels", data.qrels),
    ] where !files.isEmpty {
      var digests: [JSON] = []
      for file in files { digests.append(.string(try digest(file, "\(path).\(key)"))) }
      all.append(JSON.Member("\(path).\(key)", .array(digests)))
    }
    return all
  }

  private static func digest(_ file: String, _ key: String) throws(Failure) -> String {
    guard WholeFile.exists(file) else { return "none" }
    guard !WholeFile.isDirectory(file) else {
      throw Failure(.noInput, at: file, "\(key): expected a file, found a folder")
    }
    // Training, and a run that goes on, read it again.
    guard WholeFile.isRegular(file) else {
      throw .usage("\(key): expected a file that can be read again, found \(file)")
    }
    return try FileDigest.of(file)
  }

  /// Digests of the files in the folder of an adapter that training begins with.
  private static func digests(_ adapter: String?) throws(Failure) -> [JSON.Member] {
    guard let adapter else { return [] }
    var digests: [JSON] = []
    for name in try FolderListing.names(adapter).sorted() where name.hasPrefix("adapter_") {
      digests.append(.string(try FileDigest.of("\(adapter)/\(name)")))
    }
    return [JSON.Member("lora.adapter", .array(digests))]
  }

  // MARK: Comparison

  /// Whether a checkpoint of another identity is one to go on from.
  ///
  /// - Throws: 78, with all that differs.
  package func check(against kept: RunIdentity, at place: String) throws(Failure) {
    var differences = Self.differences(
      configuration, TrainingConfiguration.completed(kept.configuration))
    let changesSteps = differences.contains {
      $0.hasPrefix("max_steps ") || $0.hasPrefix("epochs ")
    }
    let data = Set((self.data.members ?? []).map(\.key) + (kept.data.members ?? []).map(\.key))
    for key in data.sorted() where !Self.isSame(self.data[key], kept.data[key]) {
      differences.append("what \(key) names is not what it was")
    }
    if model != kept.model { differences.append("the model to begin with is another one") }
    guard !differences.isEmpty else { return }
    let more = differences.count > Self.shown ? "; …" : ""
    throw .config(
      place,
      "the checkpoint belongs to another training run: "
        + differences.prefix(Self.shown).joined(separator: "; ") + more,
      hint: changesSteps
        ? "a schedule that decays depends on the number of steps; train into another folder"
        : "undo that, or train into another folder")
  }

  /// The data and the model as JSON, for the `DONE` of a run that has ended: it may have no checkpoint
  /// that says so.
  package var origin: String {
    JSON.object([JSON.Member("data", data), JSON.Member("model", .string(model))]).serialized(
      sortingKeys: true) + "\n"
  }

  /// Compares the run with one that has ended.
  ///
  /// - Parameters:
  ///   - kept: The configuration of that one.
  ///   - origin: The content of its `DONE`; earlier releases wrote none, and then only the configurations
  ///     are compared.
  ///   - place: The run's folder.
  /// - Throws: 78 with all that differs, 65 where `DONE` is damaged.
  package func check(
    configuration kept: TrainingConfiguration, origin: [UInt8], at place: String
  ) throws(Failure) {
    var ended = self
    ended.configuration = Self.withoutFiles(kept.decisive)
    if !origin.isEmpty {
      guard let json = try? JSONParser.parse(origin), let data = json["data"], data.members != nil,
        let model = json["model"]?.string
      else {
        throw .data(
          "\(place)/\(CheckpointFolders.doneFile)", "damaged: no data and model of the training")
      }
      ended.data = data
      ended.model = model
    }
    try check(against: ended, at: "\(place)/\(CheckpointWriter.configurationFile)")
  }

  private static func isSame(_ a: JSON?, _ b: JSON?) -> Bool { a?.serialized() == b?.serialized() }

  /// Values of a configuration that are not what they were, by their keys.
  static func differences(_ now: JSON, _ before: JSON) -> [String] {
    let (now, before) = (leaves(now, ""), leaves(before, ""))
    var all: [String] = []
    for (key, value) in now where !isEqual(before[key], value) {
      all.append("\(key) is \(value.serialized()), was \(before[key]?.serialized() ?? "not set")")
    }
    for (key, value) in before where now[key] == nil {
      all.append("\(key) is not set, was \(value.serialized())")
    }
    return all.sorted()
  }

  private static func isEqual(_ a: JSON?, _ b: JSON) -> Bool {
    if let a = a?.double, let b = b.double { return a == b }
    return a?.serialized() == b.serialized()
  }

  /// Values without parts, by their paths; null counts as absent.
  private static func leaves(_ json: JSON, _ path: String) -> [String: JSON] {
    let parts: [(String, JSON)]
    switch json {
    case .object(let members): parts = members.map { ($0.key, $0.value) }
    case .array(let elements): parts = elements.enumerated().map { ("\($0)", $1) }
    case .null: return [:]
    default: return [path: json]
    }
    var all: [String: JSON] = [:]
    for (key, value) in parts {
      all.merge(leaves(value, path.isEmpty ? key : "\(path).\(key)")) { first, _ in first }
    }
    return all
  }
}
