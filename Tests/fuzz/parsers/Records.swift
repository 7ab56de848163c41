import JSON
import Records
import Streams

@testable import ToolSupport

extension Target {
  /// Text: runs, judgements, records, JSON, YAML.
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
    Target("json", [".json"]) { _ = try JSONParser.parse($0) },
    Target("yaml", [".yml", ".yaml"]) { _ = try YAMLParser.document($0, place: "input.yml") },
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

  private static func read(_ bytes: [UInt8], _ format: RecordFormat) throws {
    for content in [RecordContent.texts, .pairs] {
      let reader = try TextRecordReader(
        [Scratch.file("input", bytes)],
        options: RecordOptions(format: format, content: content))
      while try reader.next() != nil {}
    }
  }
}
