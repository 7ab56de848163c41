import Records
import TestSupport
import Testing

@Suite struct RepeatedIDsTests {
  /// How many of some ids are known to have occurred before.
  private func repeated(_ numbers: some Sequence<Int>, _ ids: inout RepeatedIDs) -> Int {
    var count = 0
    for number in numbers {
      if Array("d\(number)".utf8).withUnsafeBytes({ ids.note($0) }) { count += 1 }
    }
    return count
  }

  @Test func everyRepetition() {
    var ids = RepeatedIDs()
    let first = repeated(0..<5000, &ids)
    let second = repeated(stride(from: 0, to: 5000, by: 7), &ids)
    #expect(first == 0)
    #expect(second == 715)
    #expect(ids.count == 715)
    #expect(ids.share == 1)
    #expect(ids.summary == "715 records have an id that occurred before")
  }

  /// A table of 64 slots holds 48 hashes.
  ///
  /// Of many more ids a part is looked at, whose repetitions are all noticed: those of a file that is
  /// given twice.
  @Test func boundedMemory() {
    var ids = RepeatedIDs(maximumSlots: 64)
    let first = repeated(0..<1000, &ids)
    #expect(first == 0)
    let share = ids.share
    #expect(share <= 1.0 / 16 && share >= 1.0 / 64)
    let found = repeated(0..<1000, &ids)
    #expect(found == ids.count)
    #expect(found > 10 && found <= 48)
    #expect(ids.share == share)
    #expect(ids.summary?.contains("1 of \(Int(1 / share)) ids") == true)
  }

  /// A hash of 0 is one like others.
  @Test func zero() {
    var ids = RepeatedIDs()
    let found = [ids.note(hash: 0), ids.note(hash: 0)]
    #expect(found == [false, true])
  }

  @Test func firstIsNamed() throws {
    let reader = try TextRecordReader([TemporaryFolder.file("a\tx\nb\ty\na\tz\nb\tx\n")])
    var ids = RepeatedIDs()
    var warnings: [String] = []
    while let batch = try reader.next() { ids.note(batch) { warnings.append($0) } }
    #expect(warnings.count == 1)
    #expect(warnings[0].hasSuffix(":3: id a occurs twice"))
    #expect(ids.summary == "2 records have an id that occurred before")
  }
}
