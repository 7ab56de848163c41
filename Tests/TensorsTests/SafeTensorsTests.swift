import Failures
import Tensors
import TestSupport
import Testing

/// Headers of `.safetensors` files, sound and malformed.
struct SafeTensorsTests {
  private func open(_ header: String, _ data: [UInt8] = []) throws -> Tensors.SafeTensorsFile {
    let folder = try TemporaryFolder()
    try folder.write("x", SafeTensorsBuilder.blob(header: header, data: data))
    return try Tensors.SafeTensorsFile(folder("x"))
  }

  private func refusal(_ header: String, _ data: [UInt8] = []) -> Failure? {
    #expect(throws: Failure.self) { try open(header, data) }
  }

  @Test func tensors() throws {
    let file = try open(
      """
      {"b":{"dtype":"U8","shape":[3],"data_offsets":[8,11]},"__metadata__":{"format":"pt"},
       "a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},
       "none":{"dtype":"I64","shape":[0,5],"data_offsets":[8,8]},
       "scalar":{"dtype":"BF16","shape":[],"data_offsets":[11,13]}}
      """, Array(0..<13))
    #expect(file.header.entries.map(\.name) == ["a", "none", "b", "scalar"])
    #expect(file.header.metadata("format") == "pt")
    #expect(file.header.metadata("other") == nil)
    let a = try #require(file.entry("a"))
    #expect(a.type == .f32)
    #expect(a.shape == [2, 1])
    #expect(a.elements == 2)
    #expect(Array(file.bytes(a)) == Array(0..<8))
    #expect(Array(file.bytes(try #require(file.entry("b")))) == [8, 9, 10])
    #expect(file.bytes(try #require(file.entry("none"))).isEmpty)
    #expect(Array(file.bytes(try #require(file.entry("scalar")))) == [11, 12])
    #expect(file.entry("c") == nil)
  }

  /// Tensors without elements stand in any order at their byte.
  @Test(arguments: [["a", "b", "c"], ["c", "b", "a"], ["b", "a", "c"]])
  func emptyTensors(names: [String]) throws {
    let sizes = [0, 0, 4]
    let members = zip(names, sizes).map { name, size in
      #""\#(name)":{"dtype":"U8","shape":[\#(size)],"data_offsets":[0,\#(size)]}"#
    }
    let file = try open("{" + members.sorted().joined(separator: ",") + "}", [1, 2, 3, 4])
    #expect(Array(file.bytes(try #require(file.entry(names[2])))) == [1, 2, 3, 4])
  }

  @Test(
    arguments: [
      (
        #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[3,7]}}"#,
        "tensor b starts at byte 3, expected 4"
      ),
      (
        #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[5,9]}}"#,
        "tensor b starts at byte 5, expected 4"
      ),
      (#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[1,5]}}"#, "tensor a starts at byte 1"),
      (
        #"{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,4]}}"#,
        "of shape [4] needs 16 bytes, has 4"
      ),
      (#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[4,0]}}"#, "lacks dtype, shape or offsets"),
      (#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[-4,0]}}"#, "lacks dtype, shape or offsets"),
      (#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0]}}"#, "lacks dtype, shape or offsets"),
      (
        #"{"a":{"dtype":"U8","shape":[4.5],"data_offsets":[0,4]}}"#, "lacks dtype, shape or offsets"
      ),
      (#"{"a":{"dtype":"U8","shape":4,"data_offsets":[0,4]}}"#, "lacks dtype, shape or offsets"),
      (#"{"a":{"shape":[4],"data_offsets":[0,4]}}"#, "lacks dtype, shape or offsets"),
      (#"{"a":[]}"#, "lacks dtype, shape or offsets"),
      (#"{"a":{"dtype":"U8","shape":[-2,-2],"data_offsets":[0,4]}}"#, "has shape [-2, -2]"),
      (#"{"a":{"dtype":"F64","shape":[4294967296,4294967296],"data_offsets":[0,4]}}"#, "has shape"),
      (
        #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"a":{"dtype":"U8","shape":[0],"data_offsets":[4,4]}}"#,
        "damaged safetensors header"
      ),
      ("[]", "expected an object, found an array"),
      ("{", "damaged safetensors header"),
      ("{}x", "damaged safetensors header"),
    ])
  func malformed(header: String, message: String) {
    let failure = refusal(header, [1, 2, 3, 4])
    #expect(failure?.status == .data)
    #expect(failure?.message.contains(message) == true, "\(failure?.message ?? "")")
  }

  @Test func unknownType() {
    let failure = refusal(
      #"{"a":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}}"#, [1, 2, 3, 4])
    #expect(failure?.status == .config)
    #expect(failure?.message == "tensor a has element type F8_E4M3, which is not supported")
  }

  @Test func wrongSizeOfData() {
    let header = #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#
    for data in [[], [1, 2, 3], [1, 2, 3, 4, 5]] as [[UInt8]] {
      #expect(refusal(header, data)?.status == .data)
    }
    #expect(throws: Never.self) { try open(header, [1, 2, 3, 4]) }
  }

  @Test func lengths() throws {
    let folder = try TemporaryFolder()
    for length in [UInt64.max, 1 << 63, 1 << 40, 100_000_001, 3] as [UInt64] {
      let bytes = withUnsafeBytes(of: length.littleEndian) { Array($0) } + Array("{}".utf8)
      let failure = #expect(throws: Failure.self) {
        try Tensors.SafeTensorsFile(try folder.write("x", bytes))
      }
      #expect(failure?.status == .data, "\(length)")
    }
    for bytes in [[], [2], Array(repeating: 0, count: 8)] as [[UInt8]] {
      let failure = #expect(throws: Failure.self) {
        try Tensors.SafeTensorsFile(try folder.write("x", bytes))
      }
      #expect(failure?.status == .data)
    }
    let failure = #expect(throws: Failure.self) { try Tensors.SafeTensorsFile(folder("no")) }
    #expect(failure?.status == .noInput)
  }
}
