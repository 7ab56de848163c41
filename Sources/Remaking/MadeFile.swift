import Failures
import IndexFormat
import JSON
import Streams
import Tensors

/// What a tensor stream, a compressed text or an index says of how it was made.
package struct MadeFile {
  /// What was made in one way.
  package struct Part {
    /// JSON list with sorted keys, one entry a stage.
    package let by: String
    /// The part of the input that it is, `i/n`; nil for all of it, and where it does not say so.
    package let shard: String?
  }

  package let path: String
  /// The parts in their order; of neighbours that were made the same way, such as joined shards, the
  /// first.
  package private(set) var parts: [Part] = []
  package let isIndex: Bool
  private(set) var isStream = false
  /// How the file is compressed; nil where it is not.
  package private(set) var codec: Codec?
  /// The lines that tell of options which are in no record; empty of streams and indexes.
  private(set) var text = MadeText()

  /// Reads a file to its end, or the manifest of an index.
  ///
  /// - Parameter path: The file or folder.
  /// - Throws: 66 where there is none, 65 where it is damaged.
  package init(_ path: String) throws(Failure) {
    self.path = path
    isIndex = WholeFile.isDirectory(path)
    if isIndex {
      try readManifest()
      return
    }
    let reader = try ByteReader(path)
    isStream = try TensorStreamReader.recognizes(reader)
    if isStream {
      try readMembers(TensorStreamReader(reader))
    } else {
      try readText(reader)
    }
    codec = reader.isCompressed ? reader.codec : nil
  }

  /// XXH3-128 by which records of what was made name a file, or an index (that of its manifest).
  package static func digest(of path: String) throws(Failure) -> String {
    WholeFile.isDirectory(path)
      ? try IndexManifest(folder: path).digest : try FileDigest.of(path)
  }

  private mutating func add(_ by: String?, shard: String?) {
    guard let by, !by.isEmpty, let json = try? JSONParser.parse(by) else { return }
    let text = json.serialized(sortingKeys: true)
    if let last = parts.last, last.by == text {
      // Shards that were joined are the whole; a second member of one shard is still that shard.
      if last.shard != shard { parts[parts.count - 1] = Part(by: text, shard: nil) }
    } else {
      parts.append(Part(by: text, shard: shard))
    }
  }

  /// Whatever else the manifest says: of an index of a newer version, too, it is known what made it.
  private mutating func readManifest() throws(Failure) {
    let file = "\(path)/\(IndexManifest.fileName)"
    guard WholeFile.exists(file) else { return }
    let bytes = try WholeFile.read(file)
    do throws(JSONError) {
      let manifest = try JSONParser.parse(bytes)
      add(manifest["by"]?.serialized(sortingKeys: true), shard: manifest["shard"]?.string)
    } catch { throw .data(file, "expected JSON: \(error)") }
  }

  private mutating func readMembers(_ stream: TensorStreamReader) throws(Failure) {
    while let segment = try stream.next() {
      if segment.first == 0 { add(segment.description.by, shard: segment.description.shard) }
    }
  }

  private mutating func readText(_ reader: ByteReader) throws(Failure) {
    text = MadeText(head: try reader.peekLine(limit: 1 << 20))
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    var count = buffer.count
    while count > 0 {
      count = try buffer.withUnsafeMutableBufferPointer { bytes throws(Failure) in
        try reader.read(into: UnsafeMutableRawBufferPointer(bytes))
      }
      text.look(buffer[..<count])
    }
    for trailer in reader.trailers {
      guard let json = try? JSONParser.parse(trailer.json) else { continue }
      add(json["by"]?.serialized(sortingKeys: true), shard: json["shard"]?.string)
    }
  }
}
