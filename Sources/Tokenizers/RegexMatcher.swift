import COniguruma
import Failures
import Glibc

/// Runs regular expressions: the working memory of one thread.
///
/// What a search may take is bounded, as patterns come with models and texts from anywhere: ways that
/// fail at one place as in the reference, ways that fail in a whole search, memory, and time.
///
/// The library has no clock, and a way that fails may take steps as many as the text is long. So a search
/// may try few ways at first, and is made again with twice as many while there is time for it.
package final class RegexMatcher {
  /// Why a search was given up.
  package enum Refusal: String {
    case retries = "try at most 10000000 ways at one place of a text"
    case stack = "remember at most 6000000 choices in a text"
    case time = "take at most ten seconds for a text"
    case order = "find matches one after another"
    case other = "end without an error"

    /// What a text gets that needs more.
    var failure: Failure {
      Failure(
        .data,
        "expected the tokenizer's regular expressions to \(rawValue), found one that does not")
    }
  }

  /// The library's own limit, and so the reference's.
  private static let mostRetries: UInt = 10_000_000
  private static let mostRetriesOfSearch: UInt = 50_000_000
  private static let mostChoices: UInt32 = 6_000_000
  private let longestTime: Double
  /// How often time is looked at: after so many searches, or bytes that they may have gone through.
  private static let searchesBetweenLooks = 256
  private static let bytesBetweenLooks = 1 << 24
  /// Steps of the ways that a search may try at first.
  private static let stepsAtFirst = 20_000_000

  /// Made at the first search: most tokenizers have no expression that comes here.
  private var memory: (region: UnsafeMutablePointer<OnigRegion>, limits: OpaquePointer)?
  private var searches = 0
  private var bytesSearched = 0
  /// How often the ways of a search were doubled.
  private var doublings = 0
  /// Ways that `memory` allows to a search.
  private var retries: UInt = 0
  private var start: Double?
  private var lastLook: Double?
  /// Why the search of this text was given up; nil while none was.
  package private(set) var refusal: Refusal?

  /// Working memory that was not used yet.
  ///
  /// - Parameter longestTime: Seconds of the thread's time that a text may take.
  package init(longestTime: Double = 10) { self.longestTime = longestTime }

  deinit {
    guard let memory else { return }
    onig_region_free(memory.region, 1)
    onig_free_match_param(memory.limits)
  }

  /// Begins a text.
  package func reset() {
    refusal = nil
    searches = 0
    bytesSearched = 0
    doublings = 0
    start = nil
    lastLook = nil
  }

  /// Calls `part` with what matches and what lies between, in order and without gaps.
  ///
  /// As the iterator of the crate onig: an empty match right after another one does not count.
  @inline(__always)
  package func parts(
    _ regex: Regex, _ bytes: UnsafePointer<UInt8>, _ count: Int,
    _ part: (_ start: Int, _ end: Int, _ isMatch: Bool) -> Void
  ) {
    if count == 0 { return part(0, 0, false) }
    var done = 0
    var from = 0
    var lastEnd = -1
    while from <= count, let (start, end) = find(regex, bytes, from, count) {
      if start == end, end == lastEnd {
        from &+= from < count ? UTF8Scalar.decode(bytes + from).length : 1
        continue
      }
      // `\K` in a look-around can put a match before the last one, or its end before its start.
      guard start >= done, end >= start else {
        refusal = .order
        break
      }
      if start > done { part(done, start, false) }
      part(start, end, true)
      (done, from, lastEnd) = (end, end, end)
    }
    if done < count { part(done, count, false) }
  }

  /// Whether there is a match anywhere; false where the search was given up.
  func isFound(_ regex: Regex, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    find(regex, bytes, 0, count) != nil
  }

  /// The first match that starts at `from` or later.
  private func find(
    _ regex: Regex, _ bytes: UnsafePointer<UInt8>, _ from: Int, _ count: Int
  ) -> (Int, Int)? {
    guard refusal == nil, let (region, limits) = prepare() else { return nil }
    searches &+= 1
    bytesSearched &+= count &- from
    if searches % Self.searchesBetweenLooks == 0 || bytesSearched > Self.bytesBetweenLooks {
      bytesSearched = 0
      if isTooLate() { return nil }
    }
    while true {
      allow(limits, count)
      let place = onig_search_with_param(
        regex.handle, bytes, bytes + count, bytes + from, bytes + count, region, 0, limits)
      if place >= 0 { return (Int(region.pointee.beg[0]), Int(region.pointee.end[0])) }
      if place == ONIGERR_RETRY_LIMIT_IN_SEARCH_OVER, retries < Self.mostRetriesOfSearch {
        if isTooLate(twiceSince: true) { return nil }
        doublings += 1
        continue
      }
      if place != ONIG_MISMATCH { refusal = Self.refusal(place) }
      return nil
    }
  }

  /// Sets how many ways a search may try in a text of `count` bytes.
  @inline(__always)
  private func allow(_ limits: OpaquePointer, _ count: Int) {
    let first = UInt(max(64, Self.stepsAtFirst / max(1, count)))
    let allowed = min(Self.mostRetriesOfSearch, first << UInt(doublings))
    guard allowed != retries else { return }
    retries = allowed
    onig_set_retry_limit_in_search_of_match_param(limits, allowed)
  }

  private func prepare() -> (UnsafeMutablePointer<OnigRegion>, OpaquePointer)? {
    if let memory { return memory }
    guard let region = onig_region_new(), let limits = onig_new_match_param() else {
      refusal = .other
      return nil
    }
    onig_set_match_stack_limit_size_of_match_param(limits, Self.mostChoices)
    onig_set_retry_limit_in_match_of_match_param(limits, Self.mostRetries)
    memory = (region, limits)
    return memory
  }

  private static func refusal(_ code: Int32) -> Refusal {
    switch code {
    case ONIGERR_RETRY_LIMIT_IN_MATCH_OVER, ONIGERR_RETRY_LIMIT_IN_SEARCH_OVER: .retries
    case ONIGERR_MATCH_STACK_LIMIT_OVER, ONIGERR_MEMORY: .stack
    default: .other
    }
  }

  /// Whether the text has taken too much of this thread's time.
  ///
  /// - Parameter twiceSince: Whether what took the time since the last look is to be done again, and as
  ///   much once more.
  /// - Returns: Whether it has, or will.
  private func isTooLate(twiceSince: Bool = false) -> Bool {
    var now = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now)
    let seconds = Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
    let first = start ?? seconds
    let next = twiceSince ? 2 * (seconds - (lastLook ?? seconds)) : 0
    (start, lastLook) = (first, seconds)
    if seconds + next - first > longestTime { refusal = .time }
    return refusal != nil
  }
}
