import Failures
import Glibc
import Streams
import Synchronization

/// Says on the terminal, or in a log, how far the work is: records, their rate, the share that is done
/// and the time that is left.
///
/// The share is that of the records where their number is known (`expect`), else that of the input's
/// bytes (`reading`). Where a block of records takes long, `within` says how much of it is done.
package final class Progress: Sendable {
  private struct State {
    var done = 0
    var total: Int?
    /// Share of the input's bytes in front of the block that is worked on, and behind it.
    var before = 0.0
    var behind: Double?
    /// Records of the block that are done, as far as that is known.
    var inside = 0.0
    /// Share of the block that is done.
    var share = 0.0
    var lastShown: ContinuousClock.Instant?
    /// Text behind the counts.
    var note = ""
    /// What is counted.
    var unit = "records"
  }

  /// How often the line is written.
  private let interval: Duration
  /// When it is written for the first time: short work needs none.
  private let delay: Duration
  /// Whether it is shown.
  package let isOn: Bool
  private let diagnostics: Diagnostics
  private let state = Mutex(State())
  private let started = ContinuousClock.now

  init(policy: ProgressPolicy, _ diagnostics: Diagnostics) {
    self.diagnostics = diagnostics
    let isAuto = policy == .auto
    isOn = policy == .always || (isAuto && isatty(2) == 1 && isatty(1) == 0)
    delay = isAuto ? .seconds(1) : .zero
    interval = diagnostics.format == .json ? .seconds(1) : .milliseconds(200)
  }

  /// Sets the number of records that there will be, where it is known, or of whatever is counted.
  package func expect(_ total: Int, _ unit: String = "records") {
    state.withLock { ($0.total, $0.unit) = (total, unit) }
  }

  /// What an encoder tells of the texts that it works on; nil where nobody looks.
  package var watch: (@Sendable (_ share: Double, _ texts: Int) -> Void)? {
    guard isOn else { return nil }
    return { [self] share, texts in within(share, of: texts) }
  }

  /// Says more behind the counts from the next line on.
  package func note(_ text: @autoclosure () -> String) {
    guard isOn else { return }
    let text = text()
    state.withLock { $0.note = text }
  }

  /// Says up to where the input is read: that much is done with the records of this block.
  package func reading(_ extent: @autoclosure () -> InputExtent) {
    guard isOn, let share = extent().share else { return }
    state.withLock { $0.behind = share }
  }

  /// Says how much of a block of records is done.
  ///
  /// - Parameters:
  ///   - share: From 0 to 1.
  ///   - records: Of the whole block.
  package func within(_ share: Double, of records: Int) {
    guard isOn else { return }
    show {
      $0.share = max($0.share, share)
      $0.inside = $0.share * Double(records)
    }
  }

  /// Counts records of a block that is done.
  func advance(_ count: Int) {
    guard isOn else { return }
    show {
      $0.done += count
      $0.inside = 0
      $0.share = 0
      if let behind = $0.behind { $0.before = behind }
    }
  }

  /// Changes what is known, and shows it where it is time to.
  private func show(_ change: (inout State) -> Void) {
    let now = ContinuousClock.now
    let line: (text: String, fields: [(String, String)])? = state.withLock { state in
      change(&state)
      if now - started < delay { return nil }
      if let last = state.lastShown, now - last < interval { return nil }
      state.lastShown = now
      return Self.line(state, seconds: (now - started) / .seconds(1))
    }
    guard let line else { return }
    if diagnostics.format == .json {
      diagnostics.progress(line.text, line.fields)
    } else {
      TerminalLine.show("\(diagnostics.tool): \(line.text)")
    }
  }

  private static func line(
    _ state: State, seconds: Double
  ) -> (text: String, fields: [(String, String)]) {
    let done = Double(state.done) + state.inside
    let rate = done / max(seconds, 1e-9)
    var share: Double?
    if let total = state.total {
      share = total == 0 ? 1 : done / Double(total)
    } else if let behind = state.behind {
      share = state.before + (behind - state.before) * state.share
    }
    let records = Int(done)
    var text = "\(records)" + (state.total.map { " of \($0)" } ?? "") + " \(state.unit)"
    var fields = [(state.unit, "\(records)")]
    if let total = state.total { fields.append(("total", "\(total)")) }
    if let share = share.map({ min(max($0, 0), 1) }) {
      text += ", \(Int(share * 100)) %"
      fields.append(("share", ToolContext.fixed(share, 4)))
    }
    text += ", \(ToolContext.fixed(rate, rate < 10 ? 1 : 0))/s"
    fields.append(("\(state.unit)_per_second", ToolContext.fixed(rate, 1)))
    if let share, share > 0 {
      let left = seconds / share * max(0, 1 - share)
      text += ", \(duration(left)) left"
      fields.append(("seconds_left", ToolContext.fixed(left, 0)))
    }
    return (text + state.note, fields)
  }

  /// A time as people say it: `40 s`, `12 min`, `3 h 5 min`.
  package static func duration(_ seconds: Double) -> String {
    guard seconds < 1e9 else { return "years" }
    let whole = Int(seconds.rounded(.up))
    if whole < 120 { return "\(whole) s" }
    let minutes = (whole + 59) / 60
    return minutes < 120 ? "\(minutes) min" : "\(minutes / 60) h \(minutes % 60) min"
  }
}
