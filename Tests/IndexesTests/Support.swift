import Failures
import Glibc
import IndexFormat
import Indexes
import Kernels
import Retrieval
import Streams
import Tensors
import Vectors
import Workers

/// Ids whose bytewise descending order is that of the ordinals, so that ties come out by ascending
/// ordinal as in the reference.
func descendingID(_ ordinal: Int) -> [UInt8] {
  Array("d\(9_000_000 - ordinal)".utf8)
}

func bytes<T>(_ values: [T]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }

/// Writes documents to a stream.
func writeStream(
  _ path: String, _ schema: StreamSchema, dimension: Int, similarity: String = "dot",
  aggregation: String? = nil, shard: String? = nil,
  _ records: [(id: [UInt8], items: Int, columns: [[UInt8]])]
) throws {
  var description = StreamDescription(role: .doc)
  description.dim = dimension
  description.similarity = similarity
  description.aggregation = aggregation
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

/// Builds an index of the records of streams, as lir-index does.
func buildIndex(
  _ target: String, streams: [String], type: (any IndexType.Type)? = nil,
  given: [IndexArguments.Given] = [], threads: Int = 1, maxMemory: Int = IndexWork.usualMemory
) throws {
  let build = IndexBuild(
    target, type: type, of: IndexTypes.all, given: given,
    IndexWork(Kernels(), WorkerPool(threads: threads), memory: maxMemory))
  _ = try build.run(.streams(streams))
}

/// Opens an index for searching.
func openIndex(
  _ folder: String, given: [IndexArguments.Given] = [], threads: Int = 1,
  _ isa: InstructionSet = .best
) throws -> any RescoringIndex {
  let (index, _) = try IndexTypes.open(
    IndexFolder(folder), given, IndexWork(Kernels(isa), WorkerPool(threads: threads)))
  guard let index = index as? any RescoringIndex else {
    throw Failure(.software, "an index that cannot score documents")
  }
  return index
}

/// Path of a file of an index of one segment.
func path(of name: String, in folder: String) throws -> String {
  guard let place = try IndexManifest(folder: folder).segments[0].files[name] else {
    throw Failure(.software, "an index without \(name)")
  }
  return "\(folder)/\(place)"
}

/// Puts other content into a file of an index, under a checksum that fits.
func replace(_ name: String, of folder: String, by content: [UInt8]) throws {
  let place = try path(of: name, in: folder)
  try overwrite(place, content)
  var manifest = try IndexManifest(folder: folder)
  for i in manifest.files.indices where place.hasSuffix("/" + manifest.files[i].name) {
    manifest.files[i].size = content.count
    let (digest, sums) = try FileDigest.blocks(place)
    manifest.files[i].checksum = digest
    manifest.files[i].blocks = sums
  }
  try write("\(folder)/\(IndexManifest.fileName)", manifest.json.indented())
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
func names(_ path: String) throws -> [String] { try FolderListing.names(path).sorted() }

/// Largest resident memory of this process in KiB.
///
/// `getrusage` would count the memory of the process that started this one, which ran many tests.
func peakMemory() throws -> Int? {
  let status = String(decoding: try WholeFile.read("/proc/self/status"), as: UTF8.self)
  let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
  return line?.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap {
    Int($0)
  }
}
