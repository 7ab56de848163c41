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
    progress = Progress(policy: common.progress, tool: tool)
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
    progress.clear()
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
    progress.finish()
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
  private static var peakMegabytes: Int {
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

/// A line on the terminal that says how far the work is.
package final class Progress: Sendable {
  private struct State {
    var done = 0
    var total: Int?
    /// What is counted.
    var unit = "records"
    var lastShown: ContinuousClock.Instant?
    var isShown = false
    /// Text behind the counts.
    var note = ""
  }

  /// Whether the line is shown.
  package let isOn: Bool
  private let tool: String
  private let state = Mutex(State())
  private let started = ContinuousClock.now

  init(policy: ProgressPolicy, tool: String) {
    self.tool = tool
    isOn = policy == .always || (policy == .auto && isatty(2) == 1)
  }

  /// Sets the number of records that there will be, where it is known, or of what else is counted.
  package func expect(_ total: Int, _ unit: String = "records") {
    state.withLock { ($0.total, $0.unit) = (total, unit) }
  }

  /// Takes the line away until it is shown again.
  func clear() {
    let wasShown = state.withLock { state in
      defer { state.isShown = false }
      return state.isShown
    }
    if wasShown { Diagnostics.write("\r\u{1B}[K") }
  }

  /// Says more behind the counts from the next line on.
  package func note(_ text: @autoclosure () -> String) {
    guard isOn else { return }
    let text = text()
    state.withLock { $0.note = text }
  }

  func advance(_ count: Int) {
    guard isOn else { return }
    let now = ContinuousClock.now
    let text: String? = state.withLock { state in
      state.done += count
      if let last = state.lastShown, now - last < .milliseconds(200) { return nil }
      state.lastShown = now
      state.isShown = true
      return Self.line(tool, state, (now - started) / .seconds(1)) + state.note
    }
    if let text { Diagnostics.write("\r\u{1B}[K" + text) }
  }

  func finish() { clear() }

  private static func line(_ tool: String, _ state: State, _ seconds: Double) -> String {
    let rate = Double(state.done) / max(seconds, 1e-9)
    var text = "\(tool): \(state.done)"
    if let total = state.total { text += " of \(total)" }
    // Slow work has a rate below 1.
    text += " \(state.unit), \(ToolContext.fixed(rate, rate < 10 ? 1 : 0))/s"
    if let total = state.total, state.done > 0 {
      text += ", \(ToolContext.fixed(Double(max(0, total - state.done)) / rate, 0)) s left"
    }
    return text
  }
}
