import Failures
import Testing

@Suite struct ArrayBytesTests {
  private struct Refusal: Error, Equatable { var number: Int }

  @Test func passesTheBytesAndTheResult() {
    let numbers: [UInt16] = [0x0201, 0x0403]
    let bytes = numbers.withBytes { Array($0) }
    #expect(bytes == [1, 2, 3, 4])
    #expect([UInt8]().withBytes { $0.count } == 0)
  }

  /// The error comes with its type, without a cast.
  @Test func passesATypedError() {
    do throws(Refusal) {
      try [UInt8(7)].withBytes { bytes throws(Refusal) in
        throw Refusal(number: Int(bytes[0]))
      }
      Issue.record("nothing was thrown")
    } catch { #expect(error == Refusal(number: 7)) }
  }

  @Test func keepsAsManyBytesAsWereFilled() {
    let bytes = [UInt8](atMost: 8) { memory in
      memory.copyBytes(from: [1, 2, 3])
      return 3
    }
    #expect(bytes == [1, 2, 3])
  }

  @Test func passesATypedErrorOfFilling() {
    do throws(Refusal) {
      _ = try [UInt8](atMost: 8) { memory throws(Refusal) in
        throw Refusal(number: memory.count)
      }
      Issue.record("nothing was thrown")
    } catch { #expect(error == Refusal(number: 8)) }
  }
}
