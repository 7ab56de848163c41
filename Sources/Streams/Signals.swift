import Failures
import Glibc
import Synchronization

/// What signals do to this process.
///
/// A signal that ends it first removes the unfinished outputs, and then ends it as if there were no
/// handler. Once `askFirst` was called, there is something to continue: then SIGTERM and SIGUSR1
/// ask, and the work stops at its next checkpoint. SIGKILL leaves files behind: names that begin
/// with a dot and end in a random part. A file that is too large is an error of the write, and a
/// mapped file that was cut one of its own, with a message.
package enum Signals {
  /// Stands for a path that was registered.
  package struct Token: Sendable {
    fileprivate let token: UnfinishedOutputs.Token
  }

  /// Has a file, or a folder of registered files, removed if a signal ends the process.
  ///
  /// Call it before the file is made, so that there is no moment between the two.
  package static func register(_ path: String) -> Token {
    Token(token: UnfinishedOutputs.register(path))
  }

  /// Leaves a file where it is from here on: it is finished, or removed.
  package static func forget(_ token: Token) { UnfinishedOutputs.forget(token.token) }

  /// Signals that end a process and that people and batch systems send.
  private static let ending = [SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU]

  /// Signals that batch systems send before they kill.
  private static let asking = [SIGTERM, SIGUSR1]

  private static let asksFirst = Atomic<Bool>(false)
  private static let isStopRequested = Atomic<Bool>(false)

  /// Handles the signals that end a process, except those that are ignored.
  ///
  /// - Parameters:
  ///   - tool: The tool's name, for the message of a fault.
  ///   - json: Whether messages are JSON.
  package static func install(tool: String = "lir", json: Bool = false) {
    FaultMessage.prepare(tool: tool, json: json)
    MappedRegions.prepare()
    signal(SIGXFSZ, SIG_IGN)
    handleFaults()
    for number in ending {
      var old = sigaction()
      sigaction(number, nil, &old)
      if unsafeBitCast(old.__sigaction_handler.sa_handler, to: Int.self) == 1 { continue }
      handle(number)
    }
  }

  private static let isEnding = Atomic<Bool>(false)

  private static func handleFaults() {
    // Statics are made when they are first used: not in a handler.
    _ = isEnding.load(ordering: .relaxed)
    UnfinishedOutputs.prepare()
    var action = sigaction()
    action.__sigaction_handler.sa_sigaction = { number, info, _ in
      Signals.receiveFault(number, UInt(bitPattern: info?.pointee._sifields._sigfault.si_addr))
    }
    action.sa_flags = SA_SIGINFO
    sigaction(SIGBUS, &action, nil)
  }

  /// What was done at SIGSEGV before.
  ///
  /// Unsafe in name only: it is written once, before the handler is there.
  nonisolated(unsafe) private static var oldAction = sigaction()

  private static let handlesUnchecked: Bool = {
    _ = isEnding.load(ordering: .relaxed)
    UnfinishedOutputs.prepare()
    MappedRegions.prepare()
    sigaction(SIGSEGV, nil, &oldAction)
    var action = sigaction()
    action.__sigaction_handler.sa_sigaction = { number, info, _ in
      // One that somebody sent names no address.
      let isSent = (info?.pointee.si_code ?? 0) <= 0
      Signals.receiveUnchecked(
        isSent ? nil : UInt(bitPattern: info?.pointee._sifields._sigfault.si_addr))
    }
    // A handler of crashes may be about, which runs on a stack of its own.
    action.sa_flags = SA_SIGINFO | oldAction.sa_flags & SA_ONSTACK
    sigaction(SIGSEGV, &action, nil)
    return true
  }()

  /// From here on mapped files that cannot be read are compared as they are touched.
  static func handleUnchecked() { _ = handlesUnchecked }

  /// The handler of SIGSEGV: async-signal-safe, as `receive` is.
  private static func receiveUnchecked(_ address: UInt?) {
    guard let address, let region = MappedRegions.find(address), let checks = region.checks else {
      // Met again, it is what it was without this handler; one that was sent has to be sent again.
      sigaction(SIGSEGV, &oldAction, nil)
      if address == nil { raise(SIGSEGV) }
      return
    }
    if region.admit(address, checks) { return }
    while isEnding.exchange(true, ordering: .relaxed) { pause() }
    UnfinishedOutputs.removeAll()
    FaultMessage.write(
      path: region.path, "damaged: its bytes do not have their checksum",
      status: ExitStatus.data.rawValue)
    _exit(ExitStatus.data.rawValue)
  }

  /// The handler of SIGBUS: async-signal-safe, as `receive` is.
  private static func receiveFault(_ number: Int32, _ address: UInt) {
    guard let region = MappedRegions.find(address) else {
      UnfinishedOutputs.removeAll()
      signal(number, SIG_DFL)
      raise(number)
      return
    }
    // Other threads that meet the same wait for the end.
    while isEnding.exchange(true, ordering: .relaxed) { pause() }
    UnfinishedOutputs.removeAll()
    if region.isCut {
      FaultMessage.write(
        path: region.path, "the file was cut while it was in use", status: ExitStatus.data.rawValue)
      _exit(ExitStatus.data.rawValue)
    }
    FaultMessage.write(
      path: region.path, "the file could not be read any more while it was in use",
      status: ExitStatus.io.rawValue)
    _exit(ExitStatus.io.rawValue)
  }

  /// From here on SIGTERM and SIGUSR1 ask instead of ending the process.
  package static func askFirst() {
    asksFirst.store(true, ordering: .relaxed)
    for number in asking { handle(number) }
  }

  /// Whether a signal has asked.
  package static var hasAsked: Bool { isStopRequested.load(ordering: .relaxed) }

  private static func handle(_ number: Int32) {
    // Statics are made when they are first used: not in a handler.
    _ = (asksFirst.load(ordering: .relaxed), hasAsked)
    UnfinishedOutputs.prepare()
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { Signals.receive($0) }
    sigaction(number, &action, nil)
  }

  /// The handler: atomics, `unlink`, `rmdir`, `signal` and `raise`, all of them async-signal-safe.
  private static func receive(_ number: Int32) {
    if asksFirst.load(ordering: .relaxed), number == SIGTERM || number == SIGUSR1 {
      isStopRequested.store(true, ordering: .relaxed)
      return
    }
    UnfinishedOutputs.removeAll()
    signal(number, SIG_DFL)
    raise(number)
  }
}
