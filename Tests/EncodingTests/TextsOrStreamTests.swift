import Encoding
import Failures
import Models
import Records
import Streams
import Tensors
import TestSupport
import Testing

struct TextsOrStreamTests {
  private let folder: TemporaryFolder
  private let texts: String
  private let stream: String

  init() throws {
    folder = try TemporaryFolder()
    texts = try folder.write("texts.tsv", "d1\tone\nd2\ttwo\n")
    stream = folder("tokens.lirt.zst")
    var sink = TokenStreamSink(try ByteWriter(stream), StreamDescription(role: .doc))
    try sink.append(ids: [Array("d1".utf8)], TokenWindow([[5, 6]]))
    try sink.finish()
  }

  @Test func theBytesSayIt() throws {
    guard case .texts(let reader) = try TextsOrStream([texts, texts], options: RecordOptions())
    else {
      Issue.record("texts are a stream")
      return
    }
    var count = 0
    while let batch = try reader.next() { count += batch.count }
    #expect(count == 4)
    guard case .stream(let reader) = try TextsOrStream([stream], options: RecordOptions()) else {
      Issue.record("a stream is text")
      return
    }
    #expect(try reader.next()?.records == 1)
  }

  @Test func mixturesAreRefused() {
    for operands in [[texts, stream], [stream, texts], [stream, stream]] {
      let found = failure { _ = try TextsOrStream(operands, options: RecordOptions()) }
      #expect(found?.status == .data)
    }
    let absent = failure { _ = try TextsOrStream([folder("absent")], options: RecordOptions()) }
    #expect(absent?.status == .noInput)
  }

  @Test func filesOfOneSort() throws {
    #expect(try TextsOrStream.areVectors([stream, stream], forModel: false))
    #expect(try !TextsOrStream.areVectors([texts, texts], forModel: false))
    #expect(try !TextsOrStream.areVectors([], forModel: false))
    #expect(
      failure { _ = try TextsOrStream.areVectors([stream, texts], forModel: false) }?.status
        == .data)
  }
}
