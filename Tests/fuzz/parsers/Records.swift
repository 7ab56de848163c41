import JSON
import Records
import Streams
import Tensors
import ToolSupport
import TrainingData
import Workers

extension Target {
  /// Text: runs, judgements, records, tuples, JSON, YAML, what is compressed and what was not finished.
  static let records = [
    Target("run", [".run"]) {
      _ = try RunReader.read(
        Scratch.file("input.run", $0), keeping: [.texts, .exactScores, .ranks])
    },
    Target("qrels", ["qrels"]) {
      _ = try Qrels.read([Scratch.file("qrels", $0)], allowsFractions: true)
    },
    Target("tsv", [".tsv"]) { try read($0, .tsv) },
    Target("jsonl", [".jsonl"]) { try read($0, .jsonl) },
    Target("sgml", [".trec", ".sgml"]) { try read($0, .trec) },
    Target("tuples", ["triples.tsv", "tuples.jsonl", ".tuples"]) { bytes in
      let path = Scratch.file("tuples", bytes)
      let pool = WorkerPool(threads: 1)
      let file = try TupleFile(
        path, TupleFile.Options(), queries: nil, docs: nil, scratchFolder: Scratch.path, pool)
      for index in 0..<file.count { _ = try file.tuple(index, epoch: 0) }
    },
    Target("partial", [".partial", ".run.zst", ".lirt", ".lirt.zst"]) { bytes in
      let path = Scratch.file("input.partial", bytes)
      _ = try RunResumePoint.find(in: path)
      _ = try ResumePoint.find(in: path)
    },
    Target("json", [".json"]) { _ = try JSONParser.parse($0) },
    Target("yaml", [".yml", ".yaml"]) {
      _ = try YAMLFile.read(Scratch.file("input.yml", $0))
    },
    Target("compressed", [".zst", ".lz4", ".gz", ".bz2", ".xz"]) { bytes in
      let reader = try ByteReader(Scratch.file("input", bytes), allowingEmpty: true)
      var buffer = [UInt8](repeating: 0, count: 1 << 16)
      // What is small may stand for gigabytes; a megabyte shows the framing.
      for _ in 0..<16 {
        let count = try buffer.withUnsafeMutableBytes { try reader.read(into: $0) }
        if count == 0 { break }
      }
    },
  ]

  /// Reads records as texts and as pairs; what is neither is refused.
  private static func read(_ bytes: [UInt8], _ format: RecordFormat) throws {
    var refused: [any Error] = []
    for content in [RecordContent.texts, .pairs] {
      do {
        let reader = try TextRecordReader(
          [Scratch.file("input", bytes)],
          options: RecordOptions(format: format, content: content))
        while try reader.next() != nil {}
      } catch { refused.append(error) }
    }
    if refused.count == 2 { throw refused[0] }
  }
}
