import Failures
import JSON
import Streams
import Tokenizers

extension ModelFolder {
  /// XXH3-128 over the sorted list of (name, XXH3-128 of content) of the files that decide what
  /// the model computes: configuration, tokenizer and weights, in the folder and its modules.
  ///
  /// - Parameter notes: Digests of files that were read before.
  /// - Returns: The digest.
  /// - Throws: 66 where a file is not there, 74 where it cannot be read, 65 where a model that was named
  ///   is not what was fetched, or a file not what the folder's list of digests says.
  package func digest(_ notes: FileNotes? = nil) throws(Failure) -> String {
    var list: [UInt8] = []
    var found: [String: String] = [:]
    let known = try FolderDigests(path)
    for name in try Self.relevantFiles(path).sorted(by: Self.precedes) {
      let digest = try Self.digest("\(path)/\(name)", notes)
      found[name] = digest
      try known?.check(name, digest)
      list += Array("\(name)\t\(digest)\n".utf8)
    }
    if let name = M3Folder.file(of: modelType) {
      let digest = try Self.digest("\(path)/\(name)", notes)
      found[name] = digest
      try known?.check(name, digest)
      list += Array("\(name)\t\(digest)\n".utf8)
    }
    try fetched?.check(found)
    for key in overriddenKeys.sorted() {
      list += Array(
        "--model-config \(key)\t\(config[key]?.serialized(sortingKeys: true) ?? "")\n".utf8)
    }
    if hasOwnAdapter {
      // Its files are in the list already; releases that did not add it had the rest of the list.
      list += Array("--adapter beside the weights\n".utf8)
    } else if let adapter {
      let known = try FolderDigests(adapter)
      for name in try Self.relevantFiles(adapter).sorted(by: Self.precedes) {
        let digest = try Self.digest("\(adapter)/\(name)", notes)
        try known?.check(name, digest)
        list += Array("--adapter \(name)\t\(digest)\n".utf8)
      }
    }
    return Checksum.xxh3Long(list)
  }

  private static func digest(_ file: String, _ notes: FileNotes?) throws(Failure) -> String {
    guard let notes else { return try FileDigest.of(file) }
    return try notes.value(of: file) { () throws(Failure) in try FileDigest.of(file) }
  }

  /// The digest of two models for the two roles.
  package static func digest(query: String, doc: String) -> String {
    Checksum.xxh3Long(Array("query\t\(query)\ndoc\t\(doc)\n".utf8))
  }

  private static func precedes(_ a: String, _ b: String) -> Bool {
    a.utf8.lexicographicallyPrecedes(b.utf8)
  }

  private static let relevantNames: Set<String> = [
    "config.json", "modules.json", "sentence_bert_config.json",
    "config_sentence_transformers.json", "router_config.json", "tokenizer.json",
    "tokenizer_config.json", "vocab.txt", "vocab.json", "merges.txt", "spiece.model",
    "sentencepiece.bpe.model", "spm.model", "special_tokens_map.json", "added_tokens.json",
    "artifact.metadata", "adapter_config.json", "idf.json", "model.pt", "chat_template.jinja",
  ]

  private static func isRelevant(_ name: String) -> Bool {
    relevantNames.contains(name) || ModuleFiles.transformer.contains(name)
      || name.hasSuffix(".safetensors")
      || name.hasSuffix(".safetensors.index.json")
  }

  /// A model's weights in PyTorch's format count where no others are.
  private static func relevantFiles(_ path: String) throws(Failure) -> [String] {
    try relevantFiles(path, below: "", ModuleFolders(path))
  }

  private static func relevantFiles(
    _ path: String, below prefix: String, _ modules: ModuleFolders
  ) throws(Failure) -> [String] {
    var files: [String] = []
    let names = try FolderListing.names(path)
    let isTorch = !names.contains {
      $0.hasSuffix(".safetensors") && !adapterFiles.contains($0)
    }
    let hasTorchAdapter = !names.contains("adapter_model.safetensors")
    for name in names {
      if isRelevant(name)
        || isTorch && name.hasPrefix("pytorch_model")
        || hasTorchAdapter && name == "adapter_model.bin"
      {
        files.append(prefix + name)
      } else if modules.contains(prefix + name) {
        files += try relevantFiles("\(path)/\(name)", below: "\(prefix)\(name)/", modules)
      }
    }
    return files
  }

  /// Whether a file says by itself what kind of model a folder holds, whatever `config.json` says.
  package static func saysWhatItIs(_ name: String) -> Bool {
    [
      "modules.json", "config_sentence_transformers.json", "router_config.json",
      "artifact.metadata",
    ].contains(name) || ModuleFiles.transformer.contains(name)
  }
}
