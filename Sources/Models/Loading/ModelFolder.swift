import Failures
import Glibc
import JSON
import Streams
import Tensors

/// A Hugging Face model folder: where its files are and what its `config.json` says.
package struct ModelFolder: Sendable {
  package let path: String
  /// `config.json` with what the user added to it.
  package let config: JSON
  /// Keys that the user set with `--model-config`.
  package let overriddenKeys: [String]
  /// `model_type` as the file has it.
  package let originalModelType: String?

  /// Opens a folder.
  ///
  /// - Parameters:
  ///   - path: the folder.
  ///   - overrides: members that are added to `config.json`, or stand in for its own.
  /// - Throws: 66 where there is no such folder, 78 where it holds no `config.json`.
  package init(_ path: String, overrides: JSON? = nil) throws(Failure) {
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    self.path = path
    guard WholeFile.exists(path) else {
      throw Failure(.noInput, at: path, "no such model folder")
    }
    guard WholeFile.isDirectory(path) else {
      throw Failure(.config, at: path, "expected a model folder, found a file")
    }
    guard WholeFile.exists(path + "/config.json") else {
      throw .config(
        path, "expected a model folder with a config.json",
        hint: "scripts/fetch-model downloads one; --model takes the folder, not a name")
    }
    var members = try JSONFile.readObject(path + "/config.json")
    originalModelType = members.first { $0.key == "model_type" }?.value.string
    overriddenKeys = overrides?.members?.map(\.key) ?? []
    for member in overrides?.members ?? [] {
      members.removeAll { $0.key == member.key }
      members.append(member)
    }
    config = .object(members)
  }

  /// Reads a JSON object of the folder; nil if the file is not there.
  package func json(_ name: String) throws(Failure) -> JSON? {
    let file = "\(path)/\(name)"
    return WholeFile.exists(file) ? .object(try JSONFile.readObject(file)) : nil
  }

  /// Reads a JSON file of the folder, whatever its value; nil if it is not there.
  package func jsonValue(_ name: String) throws(Failure) -> JSON? {
    let file = "\(path)/\(name)"
    return WholeFile.exists(file) ? try JSONFile.read(file) : nil
  }
}

// MARK: Fields

extension ModelFolder {
  /// Where messages point for `config.json`.
  package var configPlace: String { "\(path)/config.json" }

  private func invalid(_ key: String, expected: String) -> Failure {
    let found = config[key].map { $0.serialized() } ?? "nothing"
    return .config(configPlace, "\(key): expected \(expected), found \(found)")
  }

  package func integer(_ key: String) throws(Failure) -> Int {
    guard let value = config[key]?.integer else { throw invalid(key, expected: "an integer") }
    return value
  }

  package func integer(_ key: String, default fallback: Int) throws(Failure) -> Int {
    guard let value = config[key] else { return fallback }
    guard let integer = value.integer else { throw invalid(key, expected: "an integer") }
    return integer
  }

  /// An integer or null; `fallback` where the key is absent.
  package func optionalInteger(_ key: String, default fallback: Int?) throws(Failure) -> Int? {
    guard let value = config[key] else { return fallback }
    if value.isNull { return nil }
    guard let integer = value.integer else { throw invalid(key, expected: "an integer or null") }
    return integer
  }

  package func double(_ key: String, default fallback: Double) throws(Failure) -> Double {
    guard let value = config[key] else { return fallback }
    guard let double = value.double else { throw invalid(key, expected: "a number") }
    return double
  }

  package func bool(_ key: String, default fallback: Bool) throws(Failure) -> Bool {
    guard let value = config[key] else { return fallback }
    guard let bool = value.bool else { throw invalid(key, expected: "true or false") }
    return bool
  }

  /// A string or null; `fallback` where the key is absent.
  package func string(_ key: String, default fallback: String?) throws(Failure) -> String? {
    guard let value = config[key] else { return fallback }
    if value.isNull { return nil }
    guard let string = value.string else { throw invalid(key, expected: "a string or null") }
    return string
  }

  /// A string of a fixed set, or null where `nullMeans` names a case for it.
  package func choice<T: RawRepresentable & CaseIterable>(
    _ key: String, default fallback: T, nullMeans: T? = nil
  ) throws(Failure) -> T where T.RawValue == String {
    guard let value = config[key] else { return fallback }
    if value.isNull, let nullMeans { return nullMeans }
    guard let choice = value.string.flatMap(T.init(rawValue:)) else {
      let names = T.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
      throw invalid(key, expected: "one of \(names)")
    }
    return choice
  }

  package var architectures: [String] { config["architectures"]?.array?.compactMap(\.string) ?? [] }
  package var modelType: String? { config["model_type"]?.string }
}

extension ModelFolder {
  /// `model_max_length` of the tokenizer, but no more than there are positions; nil for no limit.
  package func tokenizerLength() throws(Failure) -> Int? {
    let positions = config["max_position_embeddings"]?.integer
    // transformers writes 10^30 for "no limit".
    guard let length = try json("tokenizer_config.json")?["model_max_length"]?.double,
      length >= 0, length < 1e9
    else { return positions }
    return min(Int(length), positions ?? .max)
  }
}

// MARK: Digest

extension ModelFolder {
  /// XXH3-128 over the sorted list of (name, XXH3-128 of content) of the files that decide what
  /// the model computes: configuration, tokenizer and weights, in the folder and its modules.
  package func digest() throws(Failure) -> String {
    var list: [UInt8] = []
    for name in try relevantFiles().sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
      list += Array("\(name)\t\(try FileDigest.of("\(path)/\(name)"))\n".utf8)
    }
    for key in overriddenKeys.sorted() {
      list += Array(
        "--model-config \(key)\t\(config[key]?.serialized(sortingKeys: true) ?? "")\n".utf8)
    }
    return Checksum.xxh3Long(list)
  }

  private static let relevantNames: Set<String> = [
    "config.json", "modules.json", "sentence_bert_config.json",
    "config_sentence_transformers.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt",
    "vocab.json", "merges.txt", "spiece.model", "special_tokens_map.json", "added_tokens.json",
    "artifact.metadata",
  ]

  private func relevantFiles() throws(Failure) -> [String] {
    var files: [String] = []
    for name in try FolderListing.names(path) {
      if Self.relevantNames.contains(name) || name.hasSuffix(".safetensors")
        || name.hasSuffix(".safetensors.index.json")
      {
        files.append(name)
      } else if name.first?.isNumber == true, name.contains("_") {
        // A module of sentence-transformers, such as `1_Pooling`.
        for inner in try FolderListing.names("\(path)/\(name)")
        where inner == "config.json" || inner.hasSuffix(".safetensors") {
          files.append("\(name)/\(inner)")
        }
      }
    }
    return files
  }
}

/// The names in a folder.
package enum FolderListing {
  /// Names in `path`, unsorted, without `.` and `..`; none if it is a file.
  package static func names(_ path: String) throws(Failure) -> [String] {
    guard WholeFile.isDirectory(path) else { return [] }
    guard let folder = opendir(path) else {
      throw Failure(.noInput, at: path, SystemError.text(errno))
    }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }
}
