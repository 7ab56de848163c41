import Failures
import Records
import Streams
import Tensors

/// What `--resume` makes of an output that stands in its place already: nothing is left to do where it
/// is whole and of the same work; any other is made again, and a message says why.
package struct FinishedOutput {
  private let output: OutputOptions
  private let shard: String?
  private let diagnostics: Diagnostics

  package init(_ output: OutputOptions, shard: String?, _ diagnostics: Diagnostics) {
    self.output = output
    self.shard = shard
    self.diagnostics = diagnostics
  }

  /// Whether nothing is left to do of a tensor stream.
  ///
  /// - Parameters:
  ///   - expected: What the stream will say of itself.
  ///   - names: What people call inputs, by the names that they have in its provenance.
  ///   - ids: XXH3-128 of the ids that it will have, where a stream is the input: some shards of it
  ///     joined say the same as all of them.
  /// - Returns: Whether it is there; a message says so, or why not.
  /// - Throws: 73 or 74 for an output that cannot be, or not be read; what `ids` throws.
  package func isThere(
    stream expected: StreamDescription, calling names: [String: String],
    ids: (() throws(Failure) -> String)? = nil
  ) throws(Failure) -> Bool {
    guard let path = try existing() else { return false }
    guard let found = try FinishedStream.read(path) else { return again("it is no whole stream") }
    let isSameForm = try found.isCompressed == (output.compression() != .none)
    // The width is known with the first embeddings; the options decide it.
    var (old, new) = (found.description, expected)
    (old.dim, new.dim) = (nil, nil)
    if isSameForm, old == new, let by = old.by, Provenance(json: by)?.namesInputs ?? false {
      if let ids, try ids() != found.idsDigest { return again("it has other records") }
      return settled(path)
    }
    return again(differences(old.by, old.shard, new.by, names))
  }

  /// Whether nothing is left to do of a text that is no run of TREC's.
  ///
  /// - Parameters:
  ///   - by: JSON of what makes it; nil of a text that will not say so.
  ///   - names: What people call inputs, by the names that they have in `by`.
  ///   - ids: XXH3-128 of the ids that its lines will have, where a stream is the input, as in a stream.
  ///   - form: How it will be written, where it is a run of JSON lines.
  /// - Returns: Whether it is there; a message says so, or why not.
  /// - Throws: 73 or 74 for an output that cannot be, or not be read; what `ids` throws.
  package func isThere(
    text by: String?, calling names: [String: String],
    ids: (() throws(Failure) -> String)? = nil, as form: JSONRunForm? = nil
  ) throws(Failure) -> Bool {
    guard let path = try existing() else { return false }
    guard let by, !output.noProvenance else { return again("it does not say what made it") }
    guard let found = try FinishedText.read(path, digestsIDs: ids != nil) else {
      return again("it is no whole text")
    }
    let part = try shard.map { shard throws(Failure) in
      try ShardSelection(parsing: shard).description
    }
    guard found.by == by, found.shard == part, Provenance(json: by)?.namesInputs ?? false else {
      return again(differences(found.by, found.shard, by, names))
    }
    // Zstd's alone says what made it.
    guard case .zstd = try output.compression() else { return again("it has another form") }
    if let ids, try ids() != found.idsDigest { return again("it has other records") }
    if let form, try JSONRunForm.read(path) != form { return again("it has another form") }
    return settled(path)
  }

  /// What a run will say of itself.
  package struct ExpectedRun {
    package var tag: String
    /// Whether the tag tells the work: it was not chosen by hand.
    package var tagTells: Bool
    package var provenance: Provenance

    package init(tag: String?, tool: String, _ provenance: Provenance) {
      self.tag = tag ?? provenance.runTag(tool)
      tagTells = tag == nil
      self.provenance = provenance
    }
  }

  /// Whether nothing is left to do of a run.
  ///
  /// - Parameters:
  ///   - expected: What the run will say of itself.
  ///   - names: What people call inputs, by the names that they have in its provenance.
  ///   - answers: The queries that it will have, in order, as a run says nothing of its shard; and the
  ///     most documents that each can have, as a run without a checksum says nothing of those behind the
  ///     last one.
  /// - Returns: Whether it is there; a message says so, or why not.
  /// - Throws: 73 or 74 for an output that cannot be, or not be read, and what `answers` throws.
  package func isThere(
    run expected: ExpectedRun, calling names: [String: String],
    answers: () throws(Failure) -> [FinishedRun.Answer]
  ) throws(Failure) -> Bool {
    guard let path = try existing() else { return false }
    guard let found = try FinishedRun.read(path) else { return again("it is no whole run") }
    let by = output.noProvenance ? nil : expected.provenance.json
    if let foundBy = found.by, foundBy != by {
      return again(differences(foundBy, shard, by, names))
    }
    guard found.by != nil || expected.tagTells else {
      return again("its tag was chosen by hand, and does not say what made it")
    }
    guard found.tag == expected.tag else {
      return again("other work: its tag is \(found.tag ?? "not one"), this one's \(expected.tag)")
    }
    let wanted = try answers()
    guard try found.isCompressed == (output.compression() != .none),
      found.answers.map(\.query) == wanted.map(\.query)
    else { return again("it has other queries, or another form") }
    if !found.isVerified,
      let (there, most) = zip(found.answers, wanted).first(where: { $0.documents != $1.documents })
    {
      return again(
        "query \(there.query) has \(there.documents) documents of at most \(most.documents), and a "
          + "text without a checksum does not say whether that is all")
    }
    return settled(path)
  }

  /// The output's path where there is something; nil where there is nothing to be kept.
  private func existing() throws(Failure) -> String? {
    guard case .file(let path) = try OutputPlace(output.output), WholeFile.exists(path) else {
      return nil
    }
    return path
  }

  private func settled(_ path: String) -> Bool {
    PartialFile.removeLeft(of: path)
    diagnostics.say("\(output.output) is whole and of the same work: nothing is left to do")
    return true
  }

  private func again(_ why: String) -> Bool {
    diagnostics.say("\(output.output) is there already, and made again: \(why)")
    return false
  }

  private func differences(
    _ old: String?, _ oldShard: String?, _ new: String?, _ names: [String: String]
  ) -> String {
    guard let before = old.flatMap({ Provenance(json: $0) }), before.namesInputs,
      let now = new.flatMap({ Provenance(json: $0) })
    else { return "it does not say what made it" }
    let found = now.work(shard: shard, output, calling: names).differences(
      from: before.work(shard: oldShard, output))
    return found.isEmpty ? "it has another form" : "other work: " + found.joined(separator: "; ")
  }
}
