/// Byte strings stored end to end.
package struct FlatBytes: Sendable {
  private var bytes: [UInt8] = []
  /// Where each string ends in `bytes`: the low 32 bits of it.
  private var ends: [UInt32] = []
  /// The first strings that end beyond each multiple of 2^32, ascending.
  private var wraps: [Int] = []

  /// No byte strings.
  package init() {}

  /// Number of byte strings.
  package var count: Int { ends.count }

  /// Appends one.
  @inline(__always)
  package mutating func append(_ string: some Collection<UInt8>) {
    let before = bytes.count
    bytes.append(contentsOf: string)
    mark(before, bytes.count, ends.count)
    ends.append(UInt32(truncatingIfNeeded: bytes.count))
  }

  /// Makes room for so many strings of so many bytes in all.
  mutating func reserve(_ count: Int, bytes size: Int) {
    bytes.reserve(size)
    ends.reserve(count)
  }

  /// The bytes of all strings.
  var size: Int { bytes.count }

  /// Appends strings that end at `ends` in `text`.
  mutating func append(_ text: UnsafeRawBufferPointer, ends new: UnsafeBufferPointer<UInt32>) {
    let base = bytes.count
    bytes.append(contentsOf: text)
    if base >> 32 != bytes.count >> 32 {
      let first = new.firstIndex { base + Int($0) >> 32 != base >> 32 } ?? new.count
      mark(base, bytes.count, ends.count + first)
    }
    let low = UInt32(truncatingIfNeeded: base)
    ends.append(contentsOf: new.lazy.map { $0 &+ low })
  }

  private mutating func mark(_ before: Int, _ after: Int, _ index: Int) {
    precondition(after >> 32 - before >> 32 <= 1, "a string of more than 4 GiB")
    if after >> 32 != before >> 32 { wraps.append(index) }
  }

  /// Where a string ends.
  @inline(__always)
  private func end(_ index: Int) -> Int {
    let low = Int(ends[index])
    return wraps.isEmpty ? low : wraps.count { $0 <= index } << 32 + low
  }

  /// Calls `body` with one.
  @inline(__always)
  package func withBytes<R>(_ index: Int, _ body: (UnsafeRawBufferPointer) -> R) -> R {
    let range = (index == 0 ? 0 : end(index - 1))..<end(index)
    return bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[range])) }
  }

  /// One as text.
  package func text(_ index: Int) -> String {
    withBytes(index) { String(decoding: $0, as: UTF8.self) }
  }
}

extension Array {
  /// Makes room for so many elements, if there is none, and so that growing stays cheap.
  mutating func reserve(_ wanted: Int) {
    if wanted > capacity { reserveCapacity(Swift.max(wanted, capacity * 3 / 2)) }
  }
}
