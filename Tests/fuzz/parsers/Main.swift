import Glibc

/// fuzz-parsers [FILE...]
/// fuzz-parsers --seconds N --seed N --last FILE --new FOLDER FILE...
///
/// Without LIR_FUZZ_TARGET lists the targets, each with the names of such inputs. With one, runs libFuzzer with
/// its own arguments where it is there (LIBFUZZER). Otherwise gives the parser the files that are named, and says
/// what came of each, or changes them for some seconds.
@main struct FuzzParsers {
  static func main() {
    guard let target = Target.chosen else {
      for target in Target.all { print(target.name, target.suffixes.joined(separator: " ")) }
      exit(getenv("LIR_FUZZ_TARGET") == nil ? 0 : 64)
    }
    #if LIBFUZZER
      var (count, arguments) = (CommandLine.argc, CommandLine.unsafeArgv)
      exit(runFuzzer(&count, &arguments, test))
    #else
      let arguments = Array(CommandLine.arguments.dropFirst())
      guard arguments.first == "--seconds" else {
        for path in arguments { replay(path, target) }
        return
      }
      guard arguments.count > 8, let seconds = Int(arguments[1]), let seed = UInt64(arguments[3])
      else { exit(64) }
      var search = Search(target, seed, last: arguments[5], new: arguments[7])
      search.run(seconds, Array(arguments[8...]))
    #endif
  }

  /// Prints the name of a file, and behind it what came of it.
  ///
  /// The name alone is the last line of a parser that dies.
  private static func replay(_ path: String, _ target: Target) {
    print(path, terminator: "\t")
    fflush(nil)
    guard let bytes = contents(path) else { exit(66) }
    print(outcome(of: bytes, target))
  }

  /// What a parser makes of an input, in one line.
  static func outcome(of bytes: [UInt8], _ target: Target) -> String {
    do {
      try target.parse(bytes)
      return "taken"
    } catch {
      return "refused: \(error)".split(whereSeparator: \.isNewline).joined(separator: " ")
    }
  }

  static func contents(_ path: String) -> [UInt8]? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    while true {
      let more = [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
        count = fread(buffer.baseAddress, 1, buffer.count, file)
      }
      if more.isEmpty { return bytes }
      bytes += more
    }
  }
}

/// Changes inputs without knowing what of the parser they reach; what a parser says of them stands in for that.
private struct Search {
  private let target: Target
  private let last: String
  private let new: String
  private var mutator: Mutator
  private var inputs: [[UInt8]] = []
  private var seen: Set<String> = []

  /// - Parameters:
  ///   - target: The parser.
  ///   - seed: Decides all changes.
  ///   - last: The file that has the input while it is parsed: that of a finding, where the process dies.
  ///   - new: A folder for inputs of which something new is said.
  init(_ target: Target, _ seed: UInt64, last: String, new: String) {
    self.target = target
    self.last = last
    self.new = new
    mutator = Mutator(seed: seed)
  }

  mutating func run(_ seconds: Int, _ files: [String]) {
    for path in files {
      guard let bytes = FuzzParsers.contents(path) else { exit(66) }
      inputs.append(bytes)
      seen.insert(Self.kind(of: parsed(bytes)))
    }
    guard !inputs.isEmpty else { exit(66) }
    let end = time(nil) + seconds
    var count = 0
    while count % 64 != 0 || time(nil) < end {
      let other = inputs[mutator.below(inputs.count)]
      let bytes = mutator.changed(inputs[mutator.below(inputs.count)], with: other)
      count += 1
      guard bytes.count < 1 << 20, seen.insert(Self.kind(of: parsed(bytes))).inserted else {
        continue
      }
      inputs.append(bytes)
      Self.write(bytes, "\(new)/\(seen.count)")
    }
    unlink(last)
    print("\(target.name): \(count) inputs, \(seen.count) outcomes")
  }

  /// Ends the process by SIGALRM where parsing takes 20 seconds.
  private func parsed(_ bytes: [UInt8]) -> String {
    Self.write(bytes, last)
    alarm(20)
    defer { alarm(0) }
    return FuzzParsers.outcome(of: bytes, target)
  }

  /// What is said, without the numbers and words of the input.
  private static func kind(of outcome: String) -> String {
    String(outcome.split(separator: "found").first ?? "").filter { $0.isLetter || $0 == " " }
      .prefix(120).description
  }

  private static func write(_ bytes: [UInt8], _ path: String) {
    guard let file = fopen(path, "w") else { exit(73) }
    fwrite(bytes, 1, bytes.count, file)
    fclose(file)
  }
}

#if LIBFUZZER
  @_silgen_name("LLVMFuzzerRunDriver")
  private func runFuzzer(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
  ) -> CInt

  @_cdecl("LLVMFuzzerTestOneInput")
  func test(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    do {
      try Target.chosen?.parse(Array(UnsafeBufferPointer(start: bytes, count: count)))
    } catch {}
    return 0
  }
#endif
