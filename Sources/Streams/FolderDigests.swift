import Failures

/// A list of the digests of a folder's files, beside them, in the form of `xxhsum`: XXH3-128, two
/// spaces, the name below the folder.
///
/// Whoever fills a folder writes it; whoever reads a file of the folder can tell that it is the one that
/// was written. Folders of other makers have none.
package struct FolderDigests: Sendable {
  package static let fileName = "digests.xxh128"

  /// The folder as it was named, and the list.
  private let folder: String
  private let list: String
  /// Digests by names below the folder.
  private let digests: [String: String]

  /// The list of a folder, or what the list of the folder around it says of this one; nil where there is
  /// none.
  ///
  /// - Parameter folder: The folder.
  /// - Throws: 65 where the list is damaged, 74 where it cannot be read.
  package init?(_ folder: String) throws(Failure) {
    var folder = folder
    while folder.count > 1, folder.hasSuffix("/") { folder.removeLast() }
    if let lines = try Self.read("\(folder)/\(Self.fileName)") {
      self.init(folder, "\(folder)/\(Self.fileName)", lines)
      return
    }
    let (parent, name) = PathName.split(folder)
    guard let lines = try Self.read(parent + Self.fileName) else { return nil }
    let own = lines.filter { $0.key.hasPrefix(name + "/") }
    if own.isEmpty { return nil }
    self.init(
      folder, parent + Self.fileName,
      Dictionary(
        uniqueKeysWithValues: own.map { (String($0.key.dropFirst(name.utf8.count + 1)), $0.value) })
    )
  }

  private init(_ folder: String, _ list: String, _ digests: [String: String]) {
    (self.folder, self.list, self.digests) = (folder, list, digests)
  }

  /// Digests by names, of a list in this form; nil where there is none.
  ///
  /// - Throws: 65 where the list is damaged, 74 where it cannot be read.
  package static func read(_ path: String) throws(Failure) -> [String: String]? {
    guard WholeFile.exists(path) else { return nil }
    var digests: [String: String] = [:]
    let text = String(decoding: try WholeFile.read(path), as: UTF8.self)
    for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: true).enumerated()
    {
      let parts = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3, parts[0].utf8.count == 32, parts[1].isEmpty, !parts[2].isEmpty,
        digests.updateValue(String(parts[0]), forKey: String(parts[2])) == nil
      else {
        throw .line(
          path, number + 1, expected: "a digest, two spaces and the name of another file",
          found: "'\(line)'")
      }
    }
    return digests
  }

  /// Writes the list of files that are whole.
  ///
  /// - Parameters:
  ///   - names: Names below the folder; those of folders among them are passed over.
  ///   - folder: Where they are.
  /// - Throws: 73 or 74 where it cannot be written.
  package static func write(_ names: [String], in folder: String) throws(Failure) {
    var text = ""
    for name in Set(names).sorted() where WholeFile.isRegular("\(folder)/\(name)") {
      text += "\(try FileDigest.of("\(folder)/\(name)"))  \(name)\n"
    }
    let file = try ByteWriter("\(folder)/\(fileName)", compression: Compression.none)
    try file.write(text)
    try file.finish()
  }

  /// Compares what was read of a file with the list; files that it does not name are free.
  ///
  /// - Parameters:
  ///   - name: The file's name below the folder.
  ///   - digest: Its digest, as `FileDigest.of` has it.
  /// - Throws: 65 where the list has another.
  package func check(_ name: String, _ digest: String) throws(Failure) {
    guard let wanted = digests[name], wanted != digest else { return }
    throw damaged(name, "damaged or changed: its digest is \(digest), \(list) has \(wanted)")
  }

  /// Reads and compares files of the list.
  ///
  /// - Parameter isWanted: Which of them, by their names below the folder.
  /// - Throws: 65 where one is not as it was or not there, 74 where one cannot be read.
  package func verify(_ isWanted: (String) -> Bool) throws(Failure) {
    for name in digests.keys.sorted() where isWanted(name) {
      guard WholeFile.exists("\(folder)/\(name)") else {
        throw damaged(name, "not there, and \(list) names it")
      }
      try check(name, FileDigest.of("\(folder)/\(name)"))
    }
  }

  /// Reads and compares the files of a model but its weights.
  ///
  /// Those are compared where their digest is computed anyway; the settings of a training beside them, and
  /// an adapter that was added to the weights, say nothing of the model.
  ///
  /// - Throws: 65 where one is not as it was or not there, 74 where one cannot be read.
  package func verifyModel() throws(Failure) {
    try verify { !Self.isWeights($0) && !$0.hasSuffix(".yml") && !$0.hasPrefix("adapter/") }
  }

  /// Reads and compares the weights of a model that are there.
  ///
  /// - Throws: 65 where a file is not as it was, 74 where one cannot be read.
  package func verifyWeights() throws(Failure) {
    try verify { Self.isWeights($0) && WholeFile.exists("\(folder)/\($0)") }
  }

  /// Whether a file holds weights, by its name.
  package static func isWeights(_ name: String) -> Bool {
    [".safetensors", ".bin", ".pt"].contains(where: name.hasSuffix)
  }

  private func damaged(_ name: String, _ message: String) -> Failure {
    .data(
      "\(folder)/\(name)", message,
      hint: "undo that, or, where it was changed on purpose, remove \(list)")
  }
}
