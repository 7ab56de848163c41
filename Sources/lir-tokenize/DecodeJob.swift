import Failures
import JSON
import ModelSupport
import Models
import Streams
import Tensors
import Tokenizers
import ToolSupport

/// `lir-tokenize --decode`: token streams to text records, special tokens left out.
struct DecodeJob {
  private let options: LirTokenize
  private let context: ToolContext
  private let operands: [String]
  private let tokenizer: Tokenizer

  init(_ options: LirTokenize, _ context: ToolContext, _ operands: [String]) throws(Failure) {
    self.options = options
    self.context = context
    self.operands = operands
    guard let path = options.modelOptions.model else { throw .usage("--model is missing") }
    tokenizer = try Tokenizer.load(folder: ModelFolder.modelPath(of: path))
  }

  func run() throws(Failure) {
    let digest = try TokenizerDigest.of(tokenizer)
    let output = try ByteWriter(
      options.output.output, compression: try options.output.compression(), checksumText: true)
    var records = 0
    for operand in operands {
      let reader = try TensorStreamReader(operand)
      while let segment = try reader.next() {
        guard segment.schema.kind == .tokens else {
          throw .config(
            operand, "expected a token stream, found kind \(segment.schema.kind.rawValue)")
        }
        if let found = segment.description.tokenizer, found != digest {
          throw .config(operand, "the tokens were made by another tokenizer")
        }
        for index in 0..<segment.records {
          try output.write(try line(segment, index, operand))
        }
        records += segment.records
        context.count(records: segment.records)
      }
    }
    try output.finishText(records: records, provenance: nil)
  }

  private func line(
    _ segment: TensorSegment, _ index: Int, _ operand: String
  ) throws(Failure) -> [UInt8] {
    let id = segment.id(index)
    let ids = segment.values(index, column: 0, as: Int32.self)
    if let unknown = ids.first(where: { tokenizer.bytes(of: $0) == nil }) {
      throw .data(
        "\(operand): record \(segment.first + index)", "the tokenizer has no token \(unknown)")
    }
    let text = tokenizer.decode(ids, skipSpecialTokens: true)
    if options.format == .jsonl {
      var line = "{\"id\":"
      JSON.quote(String(decoding: id, as: UTF8.self), to: &line)
      line += ",\"text\":"
      JSON.quote(text, to: &line)
      return Array((line + "}\n").utf8)
    }
    let bytes = Array(text.utf8)
    if bytes.contains(0x09) || bytes.contains(0x0A) {
      throw .data(
        "\(operand): record \(segment.first + index)",
        "the text has a tab or a line break, which TSV cannot hold", hint: "use --format jsonl")
    }
    return id + [0x09] + bytes + [0x0A]
  }
}
