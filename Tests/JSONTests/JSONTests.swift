import JSON
import Testing

struct JSONTests {
  @Test func numbers() throws {
    #expect(try JSONParser.parse("-12").integer == -12)
  }
}
