import Failures
import Glibc
import IndexBuilding
import IndexFormat
import Kernels
import Retrieval
import Streams
import Tensors
import Vectors
import Workers

/// A folder that is gone with the test.
final class TemporaryFolder {
  let path: String

  init() {
    var template = Array("/tmp/lir-retrieval-XXXXXX".utf8CString)
    path = String(cString: mkdtemp(&template))
  }

  deinit { removeAll(path) }

  func file(_ name: String) -> String { "\(path)/\(name)" }
}

private func removeAll(_ path: String) {
  if let handle = opendir(path) {
    while let entry = readdir(handle) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { removeAll("\(path)/\(name)") }
    }
    closedir(handle)
    rmdir(path)
  } else {
    unlink(path)
  }
}

/// Ids whose bytewise descending order is that of the ordinals, so that ties come out by ascending
/// ordinal as in the reference.
func descendingID(_ ordinal: Int) -> [UInt8] {
  Array("d\(9_000_000 - ordinal)".utf8)
}

func bytes<T>(_ values: [T]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }

/// Writes documents to a stream.
func writeStream(
  _ path: String, _ schema: StreamSchema, dimension: Int, similarity: String = "dot",
  shard: String? = nil, _ records: [(id: [UInt8], items: Int, columns: [[UInt8]])]
) throws {
  var description = StreamDescription(role: .doc)
  description.dim = dimension
  description.similarity = similarity
  description.model = "m"
  description.shard = shard
  let writer = TensorStreamWriter(try ByteWriter(path), schema: schema, description: description)
  for record in records { try writer.append(id: record.id, items: record.items, record.columns) }
  try writer.finish()
}

func denseRecords(
  _ values: [Float], _ dimension: Int
) -> [(id: [UInt8], items: Int, columns: [[UInt8]])] {
  (0..<values.count / dimension).map { row in
    (descendingID(row), 1, [bytes(Array(values[row * dimension..<(row + 1) * dimension]))])
  }
}

/// Builds an index of a stream's records.
func buildIndex(
  _ target: String, streams: [String], kind: IndexManifest.Kind, maxMemory: Int = 1 << 30
) throws {
  var builder: (any IndexBuilder)?
  for stream in streams {
    let reader = try TensorStreamReader(stream)
    while let segment = try reader.next() {
      if builder == nil {
        var description = segment.description
        if streams.count > 1 { description.shard = nil }
        switch kind {
        case .flat:
          builder = try FlatIndexBuilder(
            target, schema: segment.schema, description: description, seed: 42)
        case .sparse:
          builder = try SparseIndexBuilder(
            target, dimension: description.dim ?? 0, description: description, seed: 42,
            maxMemory: maxMemory)
        }
      }
      for index in 0..<segment.records { try builder?.append(segment, index) }
    }
  }
  _ = try builder?.finish()
}

/// All files of an index with their contents.
func contents(_ folder: String) throws -> [String: [UInt8]] {
  var contents: [String: [UInt8]] = [:]
  let manifest = try IndexManifest(folder: folder)
  for file in manifest.files {
    contents[file.name] = try WholeFile.read("\(folder)/\(file.name)")
  }
  contents[IndexManifest.fileName] = try WholeFile.read("\(folder)/\(IndexManifest.fileName)")
  return contents
}

/// The status of the failure that a body ends with; nil if it does not fail.
func status(_ body: () throws -> Void) -> ExitStatus? {
  do {
    try body()
    return nil
  } catch {
    return (error as? Failure)?.status
  }
}

/// Writes a small text file.
func write(_ path: String, _ text: String) throws { try overwrite(path, Array(text.utf8)) }

func overwrite(_ path: String, _ bytes: [UInt8]) throws {
  let output = try ByteWriter(path, compression: Compression.none)
  try output.write(bytes)
  try output.finish()
}

/// Names in a folder, sorted; hidden ones too.
func names(_ path: String) throws -> [String] {
  guard let handle = opendir(path) else { return [] }
  defer { closedir(handle) }
  var names: [String] = []
  while let entry = readdir(handle) {
    let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    if name != ".", name != ".." { names.append(name) }
  }
  return names.sorted()
}
