import Autograd
import Failures
import Glibc
import JSON
import Models
import Streams
import Tensors

/// The files of a model folder that is to be written: texts, and weights by file and name.
struct ExportedFolder {
  private var files: [(name: String, bytes: [UInt8])] = []
  private var weights: [(file: String, tensors: [(name: String, parameter: Parameter)])] = []

  mutating func add(_ name: String, _ bytes: [UInt8]) {
    files.removeAll { $0.name == name }
    files.append((name, bytes))
  }

  mutating func add(_ name: String, _ json: JSON) {
    add(name, Array((json.indented() + "\n").utf8))
  }

  /// Adds a tensor to a folder's `model.safetensors`; the folder's name ends in a slash.
  mutating func add(_ parameter: Parameter, as name: String, in folder: String = "") {
    let file = "\(folder)model.safetensors"
    if let place = weights.firstIndex(where: { $0.file == file }) {
      weights[place].tensors.append((name, parameter))
    } else {
      weights.append((file, [(name, parameter)]))
    }
  }

  /// Changes the tensors of a file.
  mutating func change(_ file: String, _ change: (Parameter) -> Parameter) {
    for i in weights.indices where weights[i].file == file {
      weights[i].tensors = weights[i].tensors.map { ($0.name, change($0.parameter)) }
    }
  }

  /// Moves the files of the folder itself into one below it, whose name ends in a slash.
  mutating func moveFiles(to below: String, except names: Set<String>) {
    for i in files.indices
    where !files[i].name.contains("/") && !names.contains(files[i].name) {
      files[i].name = below + files[i].name
    }
    for i in weights.indices where !weights[i].file.contains("/") {
      weights[i].file = below + weights[i].file
    }
  }

  /// Copies a tokenizer from one folder below to another, with a length of its own.
  mutating func copyTokenizer(from: String, to: String, length: Int?) {
    for file in files where file.name.hasPrefix(from) {
      let name = String(file.name.dropFirst(from.count))
      guard TokenizerFiles.names.contains(name) else { continue }
      var bytes = file.bytes
      if name == "tokenizer_config.json", let length,
        let members = (try? JSONParser.parse(bytes))?.members
      {
        let key = "model_max_length"
        let new = members.filter { $0.key != key } + [JSON.Member(key, .integer(length))]
        bytes = Array((JSON.object(new).indented() + "\n").utf8)
      }
      add(to + name, bytes)
    }
  }

  /// Folders below, those of modules.
  private var folders: Set<String> {
    Set(
      (files.map(\.name) + weights.map(\.file)).compactMap { name in
        name.lastIndex(of: "/").map { String(name[..<$0]) }
      })
  }

  /// Writes the folder beside the one that it is to be, and gives it its name; folders above it are
  /// made where they are missing.
  ///
  /// - Throws: 73 where there is something already, 73 or 74 where it cannot be written; then nothing
  ///   of it is left.
  func write(_ target: String) throws(Failure) {
    if WholeFile.isDirectory(target) {
      guard try FolderListing.names(target).isEmpty else {
        throw Failure(.cannotCreate, at: target, "the folder is not empty", hint: "name a new one")
      }
    } else if WholeFile.exists(target) {
      throw Failure(.cannotCreate, at: target, "expected a new folder, found a file")
    }
    let parents = try MadeFolders(above: target)
    let folder = TemporaryName.beside(target)
    let names = [""] + (folders.sorted() + files.map(\.name) + weights.map(\.file)).map { "/" + $0 }
    let tokens = names.map { Signals.register(folder + $0) }
    defer { for token in tokens { Signals.forget(token) } }
    guard mkdir(folder, 0o777) == 0 else { throw SystemError.cannotCreate(target) }
    do throws(Failure) {
      try fill(folder)
      // An empty folder gives way.
      guard rename(folder, target) == 0 else { throw SystemError.cannotCreate(target) }
      parents.keep()
    } catch {
      for name in names.dropFirst().reversed() {
        if unlink(folder + name) != 0 { rmdir(folder + name) }
      }
      rmdir(folder)
      throw error
    }
    try PathName.syncFolder(of: target)
  }

  private func fill(_ folder: String) throws(Failure) {
    for name in folders.sorted() {
      guard mkdir("\(folder)/\(name)", 0o777) == 0 else {
        throw SystemError.cannotCreate("\(folder)/\(name)")
      }
    }
    for (name, bytes) in files {
      let writer = try ByteWriter("\(folder)/\(name)", compression: Compression.none)
      try writer.write(bytes)
      try writer.finish()
    }
    for (file, tensors) in weights {
      try SafeTensorsWriter.write(
        "\(folder)/\(file)", metadata: ["format": "pt"],
        tensors.map { ModelFolderWriter.tensor($0.name, $0.parameter) }
          .sorted { $0.name < $1.name })
    }
  }
}
