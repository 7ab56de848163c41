/// Runs regular expressions: the working memory of one thread.
final class RegexMatcher {
  /// What to do where the way taken fails.
  private struct Choice: BitwiseCopyable {
    enum Kind: UInt8 { case go, giveBack, takeMore, restore }

    var kind: Kind
    /// Where to go on; the register for `restore`.
    var instruction: Int32
    /// Runs that may still take so many.
    var left: Int32
    var position: Int
    /// How far a run gives back.
    var low: Int
  }

  private let choices = GrowableBuffer<Choice>(capacity: 64)
  private var registers: [Int] = []
  /// Instructions since the last `reset`, and ways given up since the last start of a match.
  private var steps = 0
  private var retries = 0
  /// Whether a search was given up.
  private(set) var hasFailed = false

  /// Begins a text.
  func reset() {
    hasFailed = false
    steps = 0
  }

  /// Calls `part` with what matches and what lies between, in order and without gaps.
  ///
  /// As the iterator of the crate onig: an empty match right after another one does not count.
  @inline(__always)
  func parts(
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
      if start > done { part(done, start, false) }
      part(start, end, true)
      (done, from, lastEnd) = (end, end, end)
    }
    if done < count { part(done, count, false) }
  }

  /// The first match that starts at `from` or later.
  private func find(
    _ regex: Regex, _ bytes: UnsafePointer<UInt8>, _ from: Int, _ count: Int
  ) -> (Int, Int)? {
    if registers.count < regex.registerCount {
      registers = [Int](repeating: -1, count: regex.registerCount)
    }
    return regex.program.withUnsafeBufferPointer { program in
      regex.sets.withUnsafeBufferPointer { sets in
        let run = Run(
          program: program.baseAddress.unsafelyUnwrapped, sets: sets, bytes: bytes, count: count)
        var start = from
        while start <= count {
          if let first = regex.firstBytes {
            while start < count, !first[Int(bytes[start])] { start &+= 1 }
            if start == count { return nil }
          }
          retries = 0
          if let end = match(run, 0, start) { return (start, end) }
          if hasFailed { return nil }
          start &+= start < count ? UTF8Scalar.decode(bytes + start).length : 1
        }
        return nil
      }
    }
  }

  private struct Run {
    let program: UnsafePointer<Regex.Instruction>
    let sets: UnsafeBufferPointer<ScalarSet>
    let bytes: UnsafePointer<UInt8>
    let count: Int

    /// The place after the scalar at `position`, -1 where `set` does not have it.
    @inline(__always)
    func step(_ set: Int32, _ position: Int) -> Int {
      if position >= count { return -1 }
      let (scalar, length) = UTF8Scalar.decode(bytes + position)
      return sets[Int(set)].contains(scalar) ? position &+ length : -1
    }
  }

  /// Where the instructions from `start` on, up to `accept`, end a match; nil for no match.
  private func match(_ run: Run, _ start: Int32, _ from: Int) -> Int? {
    let base = choices.count
    defer { choices.count = base }
    var (next, position) = (start, from)
    while true {
      steps &+= 1
      if steps > Regex.stepLimit || retries > Regex.retryLimit {
        hasFailed = true
        return nil
      }
      let instruction = run.program[Int(next)]
      next &+= 1
      var isMatched = true
      switch instruction.code {
      case .accept: return position
      case .scalar:
        if position < run.count,
          case let (scalar, length) = UTF8Scalar.decode(run.bytes + position),
          scalar == UInt32(bitPattern: instruction.a)
        {
          position &+= length
        } else {
          isMatched = false
        }
      case .set:
        let after = run.step(instruction.set, position)
        if after < 0 { isMatched = false } else { position = after }
      case .greedyRun, .lazyRun, .possessiveRun:
        isMatched = take(run, instruction, next, &position)
      case .split:
        push(.go, instruction.b, position)
        next = instruction.a
      case .jump: next = instruction.a
      case .assertion: isMatched = holds(run, instruction.a, position)
      case .lookAhead, .noLookAhead, .lookBehind, .noLookBehind:
        let found = match(run, next, position) != nil
        if hasFailed { return nil }
        isMatched = found == (instruction.code == .lookAhead || instruction.code == .lookBehind)
        next = instruction.a
      case .atomic:
        if let end = match(run, next, position) { position = end } else { isMatched = false }
        if hasFailed { return nil }
        next = instruction.a
      case .back:
        var left = instruction.a
        while left > 0, position > 0 {
          position &-= UTF8Scalar.decode(before: run.bytes + position).length
          left &-= 1
        }
        isMatched = left == 0
      case .mark:
        push(.restore, instruction.a, registers[Int(instruction.a)])
        registers[Int(instruction.a)] = position
      case .again:
        if registers[Int(instruction.a)] != position { next = instruction.b }
      }
      if !isMatched, !backtrack(run, base, &next, &position) { return nil }
    }
  }

  /// A run of one set; says no where it is too short.
  @inline(__always)
  private func take(
    _ run: Run, _ instruction: Regex.Instruction, _ next: Int32, _ position: inout Int
  ) -> Bool {
    var taken: Int32 = 0
    let most = instruction.b < 0 ? Int32.max : instruction.b
    let first = instruction.code == .lazyRun ? instruction.a : most
    var low = position
    while taken < first {
      let after = run.step(instruction.set, position)
      if after < 0 { break }
      position = after
      taken &+= 1
      if taken == instruction.a { low = position }
    }
    steps &+= Int(taken)
    if taken < instruction.a { return false }
    switch instruction.code {
    case .greedyRun:
      if position > low { push(.giveBack, next, position, low: low) }
    case .lazyRun:
      if taken < most {
        push(.takeMore, next, position, low: Int(instruction.set), left: most &- taken)
      }
    default: break
    }
    return true
  }

  private func push(
    _ kind: Choice.Kind, _ instruction: Int32, _ position: Int, low: Int = 0, left: Int32 = 0
  ) {
    choices.reserve(1)
    choices.push(
      Choice(kind: kind, instruction: instruction, left: left, position: position, low: low))
  }

  /// Goes to the last choice that is left; says no where none is.
  private func backtrack(
    _ run: Run, _ base: Int, _ next: inout Int32, _ position: inout Int
  ) -> Bool {
    retries &+= 1
    while choices.count > base {
      let last = choices.pointer + (choices.count &- 1)
      switch last.pointee.kind {
      case .go:
        (next, position) = (last.pointee.instruction, last.pointee.position)
        choices.count &-= 1
        return true
      case .restore:
        registers[Int(last.pointee.instruction)] = last.pointee.position
        choices.count &-= 1
      case .giveBack:
        position =
          last.pointee.position
          &- UTF8Scalar.decode(before: run.bytes + last.pointee.position).length
        next = last.pointee.instruction
        if position <= last.pointee.low {
          choices.count &-= 1
        } else {
          last.pointee.position = position
        }
        return true
      case .takeMore:
        let after = run.step(Int32(last.pointee.low), last.pointee.position)
        if after < 0 {
          choices.count &-= 1
          continue
        }
        (next, position) = (last.pointee.instruction, after)
        last.pointee.position = after
        last.pointee.left &-= 1
        if last.pointee.left == 0 { choices.count &-= 1 }
        return true
      }
    }
    return false
  }

  // MARK: Assertions

  private func holds(_ run: Run, _ assertion: Int32, _ position: Int) -> Bool {
    let (bytes, count) = (run.bytes, run.count)
    switch RegexNode.Assertion(rawValue: UInt8(truncatingIfNeeded: assertion)) {
    case .textStart: return position == 0
    case .textEnd: return position == count
    case .lineStart: return position == 0 || position < count && bytes[position - 1] == 0x0A
    case .lineEnd: return position == count || bytes[position] == 0x0A
    case .textEndOrNewline:
      return position == count || position + 1 == count && bytes[position] == 0x0A
    case .wordBoundary: return isBoundary(bytes, position, count)
    case .noWordBoundary: return !isBoundary(bytes, position, count)
    case nil: return false
    }
  }

  private func isBoundary(_ bytes: UnsafePointer<UInt8>, _ position: Int, _ count: Int) -> Bool {
    let before =
      position > 0
      && ScalarSet.word.contains(UTF8Scalar.decode(before: bytes + position).scalar)
    let after =
      position < count && ScalarSet.word.contains(UTF8Scalar.decode(bytes + position).scalar)
    return before != after
  }
}
