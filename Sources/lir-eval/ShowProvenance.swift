import ArgumentParser
import Failures
import IndexFormat
import JSON
import Streams
import Tensors
import ToolSupport

/// `lir-eval provenance`: what made a file.
struct ShowProvenance: ToolCommand {
  static let tool = LirEval.name
  static let isSilent = true

  static let configuration = CommandConfiguration(
    commandName: "provenance",
    abstract: "Print what made a tensor stream, a compressed text or an index, as JSON.")

  @OptionGroup(title: "Common") var common: CommonOptions

  @Argument(help: "A tensor stream, a run or other text that ends in .zst, or an index folder.")
  var file: String

  func execute(_ context: ToolContext) throws {
    guard let found = try find(), !found.isEmpty else {
      throw Failure(
        .refused, at: file, "expected a note of what made it, found none",
        hint: "uncompressed text has no place for one; zstd-compressed text does")
    }
    // Members of a stream that were made the same way say it once.
    var texts: [String] = []
    for text in found where !texts.contains(text) { texts.append(text) }
    try StandardOutput.write(texts.joined(separator: "\n") + "\n")
  }

  /// One JSON list for each part of the file that has one.
  private func find() throws(Failure) -> [String]? {
    if WholeFile.isDirectory(file) { return try manifest() }
    let reader = try ByteReader(file)
    if try TensorStreamReader.recognizes(reader) { return try members(TensorStreamReader(reader)) }
    return try trailers(reader)
  }

  private func manifest() throws(Failure) -> [String]? {
    let path = "\(file)/\(IndexManifest.fileName)"
    guard WholeFile.exists(path) else { return nil }
    let bytes = try WholeFile.read(path)
    do throws(JSONError) {
      return try JSONParser.parse(bytes)["by"].map { [$0.serialized(sortingKeys: true)] }
    } catch { throw .data(path, "expected JSON: \(error)") }
  }

  private func members(_ stream: TensorStreamReader) throws(Failure) -> [String] {
    var found: [String] = []
    while let segment = try stream.next() {
      if segment.first == 0, let by = segment.description.by { found.append(by) }
    }
    return found
  }

  private func trailers(_ reader: ByteReader) throws(Failure) -> [String] {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    var count = buffer.count
    while count > 0 {
      count = try buffer.withUnsafeMutableBufferPointer { bytes throws(Failure) in
        try reader.read(into: UnsafeMutableRawBufferPointer(bytes))
      }
    }
    return reader.trailers.compactMap { trailer in
      (try? JSONParser.parse(trailer.json))?["by"]?.serialized(sortingKeys: true)
    }
  }
}
