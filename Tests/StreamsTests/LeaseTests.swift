import Failures
import Glibc
import Streams
import TestSupport
import Testing

/// Who may write, where several would.
@Suite struct LeaseTests {
  private let work: TemporaryFolder
  private var path: String { work("thing.lease") }

  init() throws { work = try TemporaryFolder() }

  private func claim(_ staged: (String) -> Void = { unlink($0) }) throws(Failure) -> Lease {
    try Lease(claiming: path, for: "thing", staged: staged)
  }

  /// Leaves a lease file of somebody else.
  private func leave(_ changes: [(String, String)], renewedBefore seconds: Int = 0) throws {
    var text = LeaseHolder().text
    for (key, value) in changes {
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
      text = lines.map { $0.hasPrefix(key + " ") ? "\(key) \(value)" : String($0) }
        .joined(separator: "\n")
    }
    _ = try work.write("thing.lease", text)
    age(path, seconds)
  }

  private func age(_ path: String, _ seconds: Int) {
    let then = timespec(tv_sec: time(nil) - seconds, tv_nsec: 0)
    #expect(utimensat(AT_FDCWD, path, [then, then], 0) == 0)
  }

  /// A process that has ended and was not asked for yet, and a number that is nobody's after `waitpid`.
  private func endedProcess() throws -> pid_t {
    var process = pid_t()
    let arguments = ["true", nil].map { $0.flatMap { strdup($0) } }
    #expect(posix_spawn(&process, "/bin/true", nil, nil, arguments, nil) == 0)
    var info = siginfo_t()
    #expect(waitid(P_PID, id_t(process), &info, WEXITED | WNOWAIT) == 0)
    return process
  }

  @Test func oneAtATime() throws {
    var first: Lease? = try claim()
    try first?.check()
    let failure = #expect(throws: Failure.self) { try claim() }
    #expect(failure?.status == .cannotCreate)
    #expect(failure?.message == "another process is writing it")
    #expect(failure?.hint?.contains("process \(getpid()) of ") == true)
    first = nil
    #expect(work.names == [])
    let second = try claim()
    #expect(second.release())
    #expect(!second.release())
    #expect(work.names == [])
  }

  @Test func processesThatAreNoMore() throws {
    let ended = try endedProcess()
    // It has a number still, as it waits for its parent.
    try leave([("process", "\(ended)"), ("started", "")])
    #expect(try claim().release())
    var status: Int32 = 0
    #expect(waitpid(ended, &status, 0) == ended)
    try leave([("process", "\(ended)"), ("started", "")])
    #expect(try claim().release())
    // The number is another process's now, which began at another time.
    try leave([("started", "1")])
    #expect(try claim().release())
    try leave([("boot", "another")])
    #expect(try claim().release())
    #expect(work.names == [])
  }

  @Test(arguments: [
    [("boot", "another"), ("host", "another")], [("boot", "another"), ("machine", "another")],
    [("namespace", "another")], [("boot", "")], [("lir-lease", "none")],
  ])
  func processesElsewhere(_ changes: [(String, String)]) throws {
    // That there is no such process here says nothing.
    let changes = changes + [("process", "999999999")]
    try leave(changes, renewedBefore: FoundLease.term - 30)
    #expect(throws: Failure.self) { try claim() }
    try leave(changes, renewedBefore: FoundLease.term + 30)
    let lease = try claim()
    #expect(lease.mayHaveRival)
    try lease.check()
    #expect(work.names == ["thing.lease"])
  }

  /// A clock of this machine that is wrong changes nothing: renewals are compared with a file that is
  /// made now.
  @Test func theClockOfTheFileSystem() throws {
    let now = try #require(FoundLease.now(in: work.path))
    _ = try work.write("file", "x")
    var info = stat()
    #expect(stat(work("file"), &info) == 0)
    #expect(info.st_mtim.tv_sec - now <= 5)
    #expect(work.names == ["file"])
    #expect(FoundLease.now(in: work("none")) == nil)
  }

  @Test func renewal() throws {
    let lease = try claim()
    age(path, 1000)
    LeaseRenewal.renewAll()
    let here = LeaseHolder()
    let text = String(decoding: try work.read("thing.lease"), as: UTF8.self)
    let holder = try #require(LeaseHolder(text))
    #expect(holder.process == here.process && holder.started == here.started)
    #expect(text.split(separator: "\n").count == 9)
    #expect(text.contains("\nrenewed 20"))
    var info = stat()
    #expect(stat(path, &info) == 0)
    #expect(info.st_mtim.tv_sec > time(nil) - 500)
    try lease.check()
  }

  /// Who was stopped for long and lost the lease publishes nothing, and does not disturb who has it.
  @Test func whoLostTheLease() throws {
    let late = try claim()
    _ = try work.write("late", "late")
    try leave([("host", "another"), ("boot", "another")], renewedBefore: FoundLease.term + 30)
    let lease = try claim()
    #expect(throws: Failure.self) { try late.check() }
    let failure = #expect(throws: Failure.self) {
      try late.publish(work("late"), as: work("target"))
    }
    #expect(failure?.status == .retry)
    LeaseRenewal.renewAll()
    #expect(!late.release())
    #expect(Lease.cause(of: .data("x", "y")).status == .retry)
    try lease.check()
    _ = try work.write("new", "new")
    try lease.publish(work("new"), as: work("target"))
    #expect(work.names == ["late", "target", "thing.lease"])
    #expect(try work.read("target") == Array("new".utf8))
  }

  /// What was about to get its name when its lease was taken over does not get it any more.
  @Test func whatWasAboutToBePublished() throws {
    _ = try work.write("thing.lease.abc.publish", "half")
    try leave([("process", "999999999")])
    _ = try claim().release()
    #expect(work.names == [])
    _ = try work.write("thing.lease.abc.publish", "half")
    try leave([("process", "999999999")])
    var staged: [String] = []
    _ = try claim { staged.append($0) }.release()
    #expect(staged == [work("thing.lease.abc.publish")])
  }

  /// A file that another has put in the place of the one that was opened is not published.
  @Test func anotherFileInItsPlace() throws {
    let lease = try claim()
    let mine = try work.write("file", "mine")
    let number = open(mine, O_RDONLY)
    defer { close(number) }
    unlink(mine)
    _ = try work.write("file", "theirs")
    let failure = #expect(throws: Failure.self) {
      try lease.publish(mine, as: work("target"), opened: number)
    }
    #expect(failure?.status == .retry)
    #expect(work.names == ["file", "thing.lease"])
  }

  /// Who was killed while he took over a lease leaves a second one, which is taken over as well.
  @Test func takingOverATakeover() throws {
    try leave([("process", "999999999"), ("token", "old")])
    let next = path + ".old.next"
    #expect(rename(path, next) == 0)
    try leave([("process", "999999999"), ("token", "old")])
    #expect(try claim().release())
    #expect(work.names == [])
    // While he does so, nobody else does.
    try leave([("process", "999999999"), ("token", "old")])
    _ = try work.write("thing.lease.old.next", LeaseHolder().text)
    #expect(throws: Failure.self) { try claim() }
  }

  @Test func filesThatAreNoLease() throws {
    _ = try work.write("thing.lease", "")
    #expect(throws: Failure.self) { try claim() }
    age(path, FoundLease.term + 30)
    #expect(try claim().release())
    symlink("elsewhere", path)
    #expect(throws: Failure.self) { try claim() }
    unlink(path)
    // A token becomes a part of names.
    #expect(LeaseHolder(LeaseHolder().text.replacing("token ", with: "token ../")) == nil)
    #expect(LeaseHolder("process 1\n") == nil)
    #expect(throws: Failure.self) { try Lease(claiming: work("none/lease"), for: "thing") }
  }
}
