import Failures
import Glibc
import Records
import Streams
import Synchronization
import Workers

/// Messages, threads and counters of a running command.
package final class ToolContext: Sendable {
  package let tool: String
  package let diagnostics: Diagnostics
  package let settings: [Setting]
  /// Declared options that were given.
  package let declared: [DeclaredValue]
  package let pool: WorkerPool
  package let progress: Progress
  private let started = ContinuousClock.now
  private let counters = Mutex(Counters())

  private struct Counters {
    var records = 0
    var skipped = 0
    var truncated: Int?
    var more: [(String, String)] = []
    var isSilent = false
  }

  package init(
    tool: String, common: CommonOptions, settings: [Setting], declared: [DeclaredValue] = []
  ) throws(Failure) {
    self.tool = tool
    let level: Diagnostics.Level = common.quiet ? .quiet : common.verbose ? .verbose : .normal
    diagnostics = Diagnostics(tool: tool, level: level, format: common.logFormat)
    self.settings = settings
    self.declared = declared
    pool = WorkerPool(threads: try Self.threads(common.threads))
    progress = Progress(
      policy: common.quiet && common.progress == .auto ? .never : common.progress, diagnostics)
  }

  /// `--threads`, else `LIR_THREADS`, else the processors of the affinity mask.
  package static func threads(_ option: Int?) throws(Failure) -> Int {
    var wanted = option ?? 0
    if option == nil, let text = ShardSelection.variable("LIR_THREADS"), !text.isEmpty {
      guard let number = Int(text) else {
        throw .usage("LIR_THREADS: expected a number, found \(text)")
      }
      wanted = number
    }
    guard (0...1024).contains(wanted) else {
      throw .usage("--threads: expected 0 to 1024, found \(wanted)")
    }
    return wanted == 0 ? AvailableProcessors.count : wanted
  }

  /// Says in a line of its own how far the work is, above the progress line; nothing with `-q`.
  ///
  /// - Parameters:
  ///   - message: The message.
  ///   - fields: What it says, for programs.
  package func say(_ message: String, _ fields: [(String, String)] = []) {
    if diagnostics.level == .quiet { return }
    diagnostics.progress(message, fields)
  }

  /// Adds to what the summary line counts.
  ///
  /// - Parameters:
  ///   - records: Records that are done.
  ///   - skipped: Records that were left out.
  ///   - truncated: Texts that were cut.
  ///   - steps: Steps that the progress line goes on by, where it counts no records.
  package func count(
    records: Int = 0, skipped: Int = 0, truncated: Int? = nil, steps: Int? = nil
  ) {
    counters.withLock {
      $0.records += records
      $0.skipped += skipped
      if let truncated { $0.truncated = ($0.truncated ?? 0) + truncated }
    }
    if records > 0 { progress.advance(steps ?? records) }
  }

  /// Adds a field to the summary line.
  package func report(_ key: String, _ value: String) {
    counters.withLock { $0.more.append((key, value)) }
  }

  /// Leaves the summary line out: what ran was a question.
  package func omitSummary() { counters.withLock { $0.isSilent = true } }

  var isSilent: Bool { counters.withLock { $0.isSilent } }

  /// Seconds since the command began.
  package var seconds: Double {
    let elapsed = ContinuousClock.now - started
    return Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
  }

  func summarize() {
    let counters = counters.withLock { $0 }
    let seconds = seconds
    var fields = [
      ("records", String(counters.records)), ("skipped", String(counters.skipped)),
    ]
    if let truncated = counters.truncated { fields.append(("truncated", String(truncated))) }
    fields += counters.more
    fields.append(("seconds", Self.fixed(seconds, 3)))
    fields.append(
      ("records_per_second", Self.fixed(Double(counters.records) / max(seconds, 1e-9), 1)))
    fields.append(("peak_rss_mb", String(Self.peakMegabytes)))
    diagnostics.summary(fields)
  }

  /// Largest resident memory so far, in MiB.
  ///
  /// `getrusage` would count who started this process, too: its memory before the exec is part of the
  /// maximum there.
  private static var peakMegabytes: Int {
    let status = (try? WholeFile.read("/proc/self/status")) ?? []
    for line in status.split(separator: UInt8(ascii: "\n")) where line.starts(with: "VmHWM:".utf8) {
      let digits = line.filter { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
      if let kilobytes = Int(String(decoding: digits, as: UTF8.self)) { return kilobytes / 1024 }
    }
    var usage = rusage()
    getrusage(RUSAGE_SELF.rawValue, &usage)
    return usage.ru_maxrss / 1024
  }

  /// A number with a fixed count of decimals.
  package static func fixed(_ value: Double, _ decimals: Int) -> String {
    guard value.isFinite else { return "\(value)" }
    var scale = 1.0
    for _ in 0..<decimals { scale *= 10 }
    let scaled = (value * scale).rounded()
    guard abs(scaled) < 9e15 else { return "\(value)" }
    let digits = String(Int(abs(scaled)))
    let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
    let whole = padded.dropLast(decimals)
    let sign = scaled < 0 ? "-" : ""
    return decimals == 0 ? sign + whole : "\(sign)\(whole).\(padded.suffix(decimals))"
  }
}
