import Failures
import JSON
import Testing

/// Numbers of configurations: within a range, or refused in one form.
struct NumberFieldTests {
  private func integer(_ text: String, _ range: ClosedRange<Int> = 1...10) throws -> Int {
    try NumberField("n", try JSONParser.parse(text), at: "file").integer(in: range)
  }

  @Test(arguments: [("1", 1), ("10", 10), ("3.0", 3), ("3e0", 3), ("0.3e1", 3)])
  func integers(text: String, value: Int) throws { #expect(try integer(text) == value) }

  @Test(arguments: [
    "0", "11", "-1", "2.5", "1e-12", "1e300", "9223372036854775807", "-9223372036854775808",
    "18446744073709551616", "true", "null", "\"3\"", "[]", "{}",
  ])
  func refused(text: String) {
    let failure = #expect(throws: Failure.self) { try integer(text) }
    let found = (try? JSONParser.parse(text))?.serialized() ?? ""
    #expect(
      failure == .config("file", "n: expected an integer from 1 to 10, found \(found)"))
  }

  @Test func absent() throws {
    let field = NumberField("n", nil, at: "file")
    #expect(try field.optionalInteger(in: 1...10) == nil)
    #expect(try field.optionalDouble(in: 0...1) == nil)
    #expect(try NumberField("n", .null, at: "file").optionalInteger(in: 1...10) == nil)
    let failure = #expect(throws: Failure.self) { try field.integer(in: 1...10) }
    #expect(failure?.message == "n: expected an integer from 1 to 10, found nothing")
    let other = #expect(throws: Failure.self) {
      try NumberField("n", "x", at: "file").optionalInteger(in: 1...10)
    }
    #expect(other?.message == "n: expected an integer from 1 to 10 or null, found \"x\"")
  }

  @Test func doubles() throws {
    let object: JSON = .object([JSON.Member("eps", .double(1e-12)), JSON.Member("one", 1)])
    #expect(try NumberField("eps", of: object, at: nil).double(in: 0...1) == 1e-12)
    #expect(try NumberField("one", of: object, at: nil).double(in: 0...1) == 1)
    let failure = #expect(throws: Failure.self) {
      try NumberField("one", of: object, at: "file").double(in: 0...0.999)
    }
    #expect(failure == .config("file", "one: expected a number from 0 to 0.999, found 1"))
  }

  /// A message is no place for a megabyte.
  @Test func long() {
    let failure = #expect(throws: Failure.self) {
      try NumberField("n", .array(Array(repeating: 5, count: 100_000)), at: "file").integer(
        in: 1...2)
    }
    #expect((failure?.message.utf8.count ?? 0) < 150)
  }
}
