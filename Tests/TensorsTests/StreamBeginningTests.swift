import Failures
import Streams
import Tensors
import TestSupport
import Testing

/// Streams and texts are told apart by their first bytes.
@Suite struct StreamBeginningTests {
  /// No changed byte among the first 24 makes a text of a stream.
  @Test func noDamagedStreamIsText() throws {
    let folder = try TemporaryFolder()
    let bytes = try StreamSample.small.bytes(0..<3)
    #expect(try TensorStreamReader.recognizes(ByteReader(folder.write("x", bytes))))
    for place in 0..<24 {
      for mask: UInt8 in [0x01, 0x20, 0x80, 0xFF] {
        var damaged = bytes
        damaged[place] ^= mask
        let path = try folder.write("x", damaged)
        // It is a stream, or it is refused.
        let isStream = (try? TensorStreamReader.recognizes(ByteReader(path))) ?? true
        #expect(isStream, "byte \(place), mask \(mask)")
      }
    }
    for length in 4..<24 {
      let path = try folder.write("x", Array(bytes[..<length]))
      #expect(throws: Failure.self, "\(length)") {
        try TensorStreamReader.recognizes(ByteReader(path))
      }
    }
  }

  @Test(arguments: ["8\n", "x", "8888888888\n", "1\tone\n", "é\n", "{\"__metadata__\": 1}\n"])
  func textIsText(text: String) throws {
    let folder = try TemporaryFolder()
    #expect(try !TensorStreamReader.recognizes(ByteReader(folder.write("x", text))))
  }
}
