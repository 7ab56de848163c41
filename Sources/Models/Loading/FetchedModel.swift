import Failures
import JSON
import Streams
import Tensors
import Tokenizers

/// A model that scripts/fetch-model has fetched, found by its name on the hub.
///
/// It lies in `$LIR_MODELS/OWNER/NAME`, where `LIR_MODELS` is `models` if nothing else is said. Beside
/// it `OWNER/NAME.digests` says what was fetched, and `OWNER/NAME.json`, which not all have, what is
/// added to its `config.json`.
package struct FetchedModel: Sendable, Equatable {
  /// The model's name.
  package let name: String
  /// Its folder.
  package let folder: String

  /// The model of a name; nil for what is a path, which a file or folder of that name makes it, and
  /// for a name that was not fetched.
  package static func find(_ name: String) -> FetchedModel? {
    guard HubName.isName(name), !WholeFile.exists(name) else { return nil }
    let folder = "\(HubName.root)/\(name)"
    return WholeFile.isDirectory(folder) ? FetchedModel(name: name, folder: folder) : nil
  }

  /// The folder of a model that is named by its folder or its name.
  package static func path(of named: String) -> String { find(named)?.folder ?? named }

  /// What the table of models adds to the `config.json`, and what the user adds to that.
  ///
  /// - Parameter overrides: What the user says; nil for nothing.
  /// - Returns: All of it; nil for nothing.
  /// - Throws: 65 where the file with the settings is damaged.
  func settings(under overrides: JSON?) throws(Failure) -> JSON? {
    let file = "\(folder).json"
    guard WholeFile.exists(file) else { return overrides }
    var members = try JSONFile.readObject(file)
    for member in overrides?.members ?? [] {
      members.removeAll { $0.key == member.key }
      members.append(member)
    }
    return .object(members)
  }

  /// XXH3-128 of every file that was fetched, by its path in the folder.
  ///
  /// - Returns: The digests.
  /// - Throws: 78 where there are none, 65 where a line is none.
  private func digests() throws(Failure) -> [String: String] {
    let file = "\(folder).digests"
    guard let digests = try FolderDigests.read(file) else {
      throw .config(
        folder, "no \(file) says what was fetched, so the model cannot be verified",
        hint: "\(HubName.command(name)) writes it; --model \(folder) takes the folder as it is")
    }
    return digests
  }

  /// Reads and compares the files but the weights, for who reads no others.
  ///
  /// - Throws: As `check`; 74 where a file cannot be read.
  package func verifyTokenizer() throws(Failure) {
    var found: [String: String] = [:]
    for file in try digests().keys where !FolderDigests.isWeights(file) {
      let path = "\(folder)/\(file)"
      if WholeFile.exists(path) { found[file] = try FileDigest.of(path) }
    }
    try check(found)
  }

  /// Compares what the files of the folder are with what was fetched.
  ///
  /// - Parameter found: Digests of the files that decide what the model computes.
  /// - Throws: 65 where one is another; 78 where nothing says what was fetched.
  func check(_ found: [String: String]) throws(Failure) {
    let fetched = try digests()
    let hint = "\(HubName.command(name)) fetches it again; --model \(folder) takes it as it is"
    for (file, digest) in found.sorted(by: { $0.key < $1.key }) {
      guard let expected = fetched[file] else {
        throw .data("\(folder)/\(file)", "is not among the files that were fetched", hint: hint)
      }
      guard expected == digest else {
        throw .data(
          "\(folder)/\(file)", "damaged or changed: expected digest \(expected), found \(digest)",
          hint: hint)
      }
    }
    for file in fetched.keys.sorted() where !WholeFile.exists("\(folder)/\(file)") {
      throw .data("\(folder)/\(file)", "was fetched, and is not there", hint: hint)
    }
  }
}
