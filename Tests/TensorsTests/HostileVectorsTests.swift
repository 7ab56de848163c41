import Failures
import Tensors
import TestSupport
import Testing

/// Files of a few bytes whose numbers would overflow, or whose vectors would fill all memory.
@Suite struct HostileVectorsTests {
  private func failure(_ name: String, _ bytes: [UInt8]) throws -> Failure? {
    let folder = try TemporaryFolder()
    try folder.write(name, bytes)
    try folder.write("\(name).ids", Array("v0\n".utf8))
    return #expect(throws: Failure.self) {
      let reader = try VectorInputs([folder(name)], as: .doc).open(0)
      while try reader.next() != nil {}
    }
  }

  /// A pickle as Tevatron writes it, of an array of single precision and what stands for a list of ids.
  private func pickle(_ rows: Int, _ columns: Int, _ count: Int, ids: [UInt8]) -> [UInt8] {
    func number(_ value: Int) -> [UInt8] {
      [0x8A, 8] + (0..<8).map { UInt8(value >> (8 * $0) & 0xFF) }
    }
    let size = (0..<4).map { UInt8(count >> (8 * $0) & 0xFF) }
    let type =
      Array("cnumpy\ndtype\nX\u{2}\0\0\0f4".utf8) + [0x85] + Array("R(K\u{3}X\u{1}\0\0\0<tb".utf8)
    let made =
      Array("cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0".utf8)
      + [0x85] + Array("C\u{1}b".utf8) + [0x87] + Array("R".utf8)
    let state =
      Array("(K\u{1}".utf8) + number(rows) + number(columns) + [0x86] + type + [0x89]
      + Array("B".utf8) + size + [UInt8](repeating: 0, count: count) + Array("tb".utf8)
    return [0x80, 3] + made + state + ids + [0x86] + Array(".".utf8)
  }

  private static let list = Array("](".utf8)
  private static let end = Array("e".utf8)

  @Test func pickledShapeThatOverflows() throws {
    let ids = Self.list + Self.end
    let found = try failure("v.pkl", pickle(0, 1 << 62, 0, ids: ids))
    #expect(found?.status == .data)
    #expect(found?.message.contains("an array of shape [0, 4611686018427387904]") == true)
  }

  @Test func pickledIDThatIsNamedAgain() throws {
    let text = [UInt8](repeating: UInt8(ascii: "x"), count: 200)
    let first = Array("X".utf8) + [200, 0, 0, 0] + text + Array("q\0".utf8)
    let again = (0..<999).flatMap { _ in Array("h\0".utf8) }
    let bytes = pickle(1000, 1, 4000, ids: Self.list + first + again + Self.end)
    let found = try failure("v.pkl", bytes)
    #expect(found?.status == .data)
    #expect(found?.message.contains("ids that differ") == true)
  }

  @Test func pickledTupleOfManyDimensions() throws {
    let shape = Array("(".utf8) + (0..<65).flatMap { _ in Array("K\u{1}".utf8) } + Array("t".utf8)
    var bytes = pickle(1, 1, 4, ids: Self.list + Array("K\0".utf8) + Self.end)
    let pair: [UInt8] = [0x8A, 8, 1, 0, 0, 0, 0, 0, 0, 0]
    let place = try #require(
      (0..<bytes.count - 21).first { bytes[$0..<$0 + 20].elementsEqual(pair + pair) })
    bytes.replaceSubrange(place..<place + 21, with: shape)
    let found = try failure("v.pkl", bytes)
    #expect(found?.message.contains("65 dimensions") == true)
  }

  @Test(arguments: ["[0,4611686018427387904]", "[0,0]"]) func tensorOfNoRows(shape: String) throws {
    var header = Array("{\"v\":{\"dtype\":\"F32\",\"shape\":\(shape),\"data_offsets\":[0,0]}}".utf8)
    while header.count % 8 != 0 { header.append(0x20) }
    let found = try failure(
      "v.safetensors", [UInt8(header.count), 0, 0, 0, 0, 0, 0, 0] + header)
    #expect(found?.status == .data)
    #expect(found?.message.contains("expected vectors of 1 to") == true)
  }

  /// A header's length may begin as a zip file (80) or a pickle (128, 640) does.
  @Test(arguments: [80, 88, 128, 640]) func lengthsOfHeaders(length: Int) throws {
    var header = Array("{\"v\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]}}".utf8)
    while header.count < length { header.append(0x20) }
    let folder = try TemporaryFolder()
    let start = [UInt8(length & 0xFF), UInt8(length >> 8), 0, 0, 0, 0, 0, 0]
    try folder.write("v.safetensors", start + header + [0, 0, 0x80, 0x3F, 0, 0, 0, 0x40])
    try folder.write("v.safetensors.ids", "v0\n")
    let reader = try VectorInputs([folder("v.safetensors")], as: .doc).open(0)
    let segment = try #require(try reader.next())
    #expect(segment.values(0, column: 0, as: Float.self) == [1, 2])
  }

  @Test func lineOfManyKeys() throws {
    let keys = (0..<100_000).map { "\"k\($0)\":0," }.joined()
    let found = try failure(
      "v.jsonl", Array("{\"id\":\"a\",\"vector\":[1],\(keys)\"k7\":1}\n".utf8))
    #expect(found?.status == .data)
    #expect(found?.message.contains("\"k7\" again") == true)
  }
}
