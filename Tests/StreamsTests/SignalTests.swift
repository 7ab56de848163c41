import Failures
import Glibc
import Streams
import TestSupport
import Testing

/// What a signal does, each in a process of its own.
@Suite struct SignalTests {
  private static func make(_ path: String) { close(open(path, O_WRONLY | O_CREAT, 0o666)) }

  /// To the process: the thread that runs this may block signals.
  private static func end(by signal: Int32) {
    kill(getpid(), signal)
    sleep(10)
  }

  /// However many files there are, and folders within folders, registered from the outside in.
  @Test func removesEverythingUnfinished() async throws {
    let work = try TemporaryFolder()
    await #expect(processExitsWith: .signal(SIGTERM)) { [folder = work.path as String] in
      Signals.install()
      for name in ["/a", "/a/b", "/a/b/c"] {
        _ = Signals.register(folder + name)
        mkdir(folder + name, 0o777)
      }
      for number in 0..<300 {
        let path = "\(folder)/a/b/c/\(number)"
        _ = Signals.register(path)
        Self.make(path)
      }
      Self.end(by: SIGTERM)
    }
    #expect(work.names == [])
  }

  /// What was forgotten stays, and its place can be taken by another path.
  @Test func leavesWhatIsForgotten() async throws {
    let work = try TemporaryFolder()
    await #expect(processExitsWith: .signal(SIGINT)) { [folder = work.path as String] in
      Signals.install()
      let first = Signals.register("\(folder)/first")
      Self.make("\(folder)/first")
      Signals.forget(first)
      _ = Signals.register("\(folder)/second")
      Self.make("\(folder)/second")
      // The first one's place is the second one's now.
      Signals.forget(first)
      Self.end(by: SIGINT)
    }
    #expect(work.names == ["first"])
  }

  /// An output that is finished does not take the protection of the one that came after it.
  @Test func anOutputForgetsItselfAlone() async throws {
    let work = try TemporaryFolder()
    await #expect(processExitsWith: .signal(SIGHUP)) { [folder = work.path as String] in
      Signals.install()
      var finished: OutputFile? = try OutputFile("\(folder)/finished")
      try finished?.finish()
      let unfinished = try OutputFile("\(folder)/unfinished")
      finished = nil
      withExtendedLifetime(unfinished) { Self.end(by: SIGHUP) }
    }
    #expect(work.names == ["finished"])
  }

  /// Whichever of the two duties is asked for first, both are done.
  @Test(arguments: [true, false])
  func asksWhereThereIsSomethingToContinue(asksFirst: Bool) async throws {
    let work = try TemporaryFolder()
    await #expect(processExitsWith: .signal(SIGINT)) {
      [folder = work.path as String, asksFirst = asksFirst as Bool] in
      if asksFirst { StopRequest.install() }
      Signals.install()
      if !asksFirst { StopRequest.install() }
      _ = Signals.register("\(folder)/file")
      Self.make("\(folder)/file")
      var saved = 0
      func status() -> Failures.ExitStatus? {
        do throws(Failure) {
          try StopRequest.check { saved += 1 }
          return nil
        } catch { return error.status }
      }
      guard status() == nil else { exit(1) }
      kill(getpid(), SIGTERM)
      for _ in 0..<1000 where !Signals.hasAsked { usleep(10_000) }
      guard status() == .retry, saved == 1, WholeFile.exists("\(folder)/file") else { exit(2) }
      Self.end(by: SIGINT)
    }
    #expect(work.names == [])
  }

  /// A mapped file that is cut while it is in use: a message, 65, and nothing left.
  @Test func aMappedFileThatIsCut() async throws {
    let work = try TemporaryFolder()
    try work.write("mapped", [UInt8](repeating: 1, count: 1 << 16))
    await #expect(processExitsWith: .exitCode(65)) { [folder = work.path as String] in
      Signals.install(tool: "lir-test")
      let number = open("\(folder)/mapped", O_RDWR)
      let base = mmap(nil, 1 << 16, PROT_READ, MAP_PRIVATE, number, 0)
      let bytes = UnsafeRawBufferPointer(start: base, count: 1 << 16)
      let other = MappedRegions.register(bytes, of: "\(folder)/other")
      MappedRegions.forget(other)
      _ = MappedRegions.register(bytes, of: "\(folder)/mapped")
      _ = Signals.register("\(folder)/unfinished")
      Self.make("\(folder)/unfinished")
      ftruncate(number, 4096)
      var sum = 0
      for byte in bytes { sum += Int(byte) }
      exit(sum == 0 ? 1 : 0)
    }
    #expect(work.names == ["mapped"])
  }

  /// A fault elsewhere ends the process as it would have.
  @Test func anotherFault() async throws {
    await #expect(processExitsWith: .signal(SIGBUS)) {
      Signals.install()
      Self.end(by: SIGBUS)
    }
  }
}
