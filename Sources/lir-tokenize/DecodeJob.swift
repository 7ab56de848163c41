import Encoding
import Failures
import Models
import Streams
import Tensors
import Tokenizers
import ToolSupport

/// `lir-tokenize --decode`: token streams to text records.
struct DecodeJob {
  private let options: LirTokenize
  private let context: ToolContext
  private let operands: [String]
  private let tokenizer: Tokenizer

  init(_ options: LirTokenize, _ context: ToolContext, _ operands: [String]) throws(Failure) {
    self.options = options
    self.context = context
    self.operands = operands
    try RecordLimit.check(options.shards.limit)
    try options.resumption.check(inputs: operands, output: options.output)
    guard let path = options.modelOptions.model else { throw .usage("--model is missing") }
    tokenizer = try Tokenizer.load(folder: ModelFolder.modelPath(of: path))
  }

  func run() throws(Failure) {
    if options.resumption.resume {
      let finished = FinishedOutput(options.output, shard: nil, context.diagnostics)
      if try finished.isThere(text: nil, calling: [:]) { return }
    }
    let decoder = try TokenDecoder(tokenizer, options.format == .jsonl ? .jsonl : .tsv)
    let output = try ByteWriter(
      options.output.output, compression: try options.output.compression(), checksumText: true)
    var records = 0
    for operand in operands {
      let reader = try TensorStreamReader(operand)
      while records < RecordLimit.range(options.shards.limit).upperBound,
        let segment = try reader.next()
      {
        try decoder.check(segment, operand)
        let count = min(
          segment.records, RecordLimit.range(options.shards.limit).upperBound - records)
        for index in 0..<count {
          try output.write(try decoder.line(segment, index, operand))
        }
        records += count
        if operands.count == 1 { context.progress.reading(reader.extent) }
        context.count(records: count)
      }
    }
    try output.finishText(records: records, provenance: nil)
  }
}
