import Glibc

/// A parser that is given bytes, by libFuzzer or of the corpus.
///
/// What it refuses by an error is well; a trap, a read out of bounds, too much memory or time are findings.
struct Target: Sendable {
  let name: String
  /// Parts of the names of files in the corpus that are such inputs.
  let suffixes: [String]
  let parse: @Sendable ([UInt8]) throws -> Void

  init(_ name: String, _ suffixes: [String], _ parse: @escaping @Sendable ([UInt8]) throws -> Void)
  {
    self.name = name
    self.suffixes = suffixes
    self.parse = parse
  }

  static let all = records + tensors + tokenizers + indexes + models

  /// The one that `LIR_FUZZ_TARGET` names.
  static let chosen = all.first { $0.name == getenv("LIR_FUZZ_TARGET").map { String(cString: $0) } }
}

/// A folder in memory for parsers of files, the same for all inputs.
enum Scratch {
  static let path: String = {
    var template = Array("/dev/shm/lir-fuzz.XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { fatalError("no folder in /dev/shm") }
    atexit { Scratch.remove() }
    return String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }()

  nonisolated(unsafe) private static var written: Set<String> = []

  /// Writes a file; the path of it.
  static func file(_ name: String, _ bytes: [UInt8]) -> String {
    let path = "\(Self.path)/\(name)"
    // A new file, as that of the last input may be mapped.
    unlink(path)
    let number = open(path, O_CREAT | O_WRONLY | O_EXCL, 0o600)
    guard number >= 0, bytes.isEmpty || write(number, bytes, bytes.count) == bytes.count else {
      fatalError("cannot write \(path)")
    }
    close(number)
    written.insert(path)
    return path
  }

  /// The folder with these files, and no others that an input has given.
  static func folder(_ files: [(String, [UInt8])]) -> String {
    for path in written { unlink(path) }
    for (name, bytes) in files { _ = file(name, bytes) }
    return path
  }

  private static func remove() {
    for path in written { unlink(path) }
    rmdir(path)
  }
}
