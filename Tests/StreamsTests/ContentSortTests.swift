import Streams
import TestSupport
import Testing

@Suite struct ContentSortTests {
  @Test func beginnings() {
    let stream: [UInt8] = [56, 2, 0, 0, 0, 0, 0, 0] + Array("{\"__metadata__\":{".utf8)
    #expect(ContentSort(beginning: stream) == .tensorStream)
    #expect(ContentSort(beginning: Array("d1\tÄ text\r\n".utf8)) == .text)
    #expect(ContentSort(beginning: [0x93] + Array("NUMPY\u{1}".utf8)) == .numpy)
    #expect(ContentSort(beginning: Array("PK\u{3}\u{4}…".utf8)) == .zip)
    #expect(ContentSort(beginning: [0, 1, 2]) == .binary)
    #expect(ContentSort(beginning: []) == nil)
  }

  @Test func paths() throws {
    let folder = try TemporaryFolder()
    try folder.write("a.tsv", "d1\ttext\n")
    try folder.write("empty", "")
    #expect(ContentSort(of: folder("a.tsv")) == .text)
    #expect(ContentSort(of: folder("empty")) == nil)
    #expect(ContentSort(of: folder("none")) == nil)
    #expect(ContentSort(of: folder("")) == .folder)
    try folder.write("config.json", "{}")
    #expect(ContentSort(of: folder("")) == .model)
    try folder.write("manifest.json", "{}")
    #expect(ContentSort(of: folder("")) == .index)
  }
}
