import Failures
import JSON
import Streams
import Tensors
import TestSupport
import Testing

/// Vectors of indexes that fast-plaid 1.7.0 wrote.
@Suite struct PlaidRowsTests {
  private static func folder(_ name: String) -> String { Fixtures.path("fast-plaid/\(name)") }

  private static func open(_ folder: String) throws -> any SegmentReader {
    var claims = VectorClaims()
    claims.label = "a model"
    return try VectorInputs([VectorInputs.file(of: folder)], claims, as: .doc).open(0)
  }

  private static func documents(_ folder: String) throws -> [(id: String, rows: [[Float]])] {
    let reader = try open(folder)
    var documents: [(id: String, rows: [[Float]])] = []
    while let segment = try reader.next() {
      #expect(segment.schema.columns[0].width == 16)
      for index in 0..<segment.records {
        let values = segment.values(index, column: 0, as: Float.self)
        let rows = stride(from: 0, to: values.count, by: 16).map { Array(values[$0..<$0 + 16]) }
        documents.append((String(decoding: segment.id(index), as: UTF8.self), rows))
      }
    }
    return documents
  }

  private static func product(_ query: [JSON], _ vector: [Float]) -> Double {
    zip(query, vector).reduce(0) { $0 + ($1.0.double ?? .nan) * Double($1.1) }
  }

  /// The scores are those that fast-plaid has for them.
  @Test(arguments: ["joined", "chunks"]) func scores(name: String) throws {
    let documents = try Self.documents(Self.folder(name))
    #expect(documents.map(\.id) == (0..<70).map { "doc\($0)" })
    #expect(documents.map(\.rows.count) == (0..<70).map { 1 + $0 * 7 % 9 })
    let searched = try JSONFile.read("\(Self.folder(name))/searched.json")
    let queries = try #require(searched["queries"]?.array)
    let found = try #require(searched["found"]?.array)
    #expect(queries.count == 5)
    for (query, found) in zip(queries, found) {
      let pairs = try #require(found.array)
      #expect(pairs.count == 70)
      for pair in pairs {
        let document = try documents[#require(pair.array?[0].integer)]
        let score = try #require(query.array).reduce(0.0) { sum, vector in
          let query = vector.array ?? []
          return sum + (document.rows.map { Self.product(query, $0) }.max() ?? 0)
        }
        // Its products are of half precision, whose last bit is up to 2^-11 of a score of 1 to 2.
        #expect(abs(score - (pair.array?[1].double ?? .nan)) < 2e-3)
      }
    }
  }

  /// What is cut or does not fit is noticed.
  @Test(arguments: ["joined", "chunks"]) func damage(name: String) throws {
    let files =
      name == "joined"
      ? ["merged_codes.npy", "merged_residuals.npy"] : ["1.codes.npy", "2.residuals.npy"]
    for file in files + ["centroids.npy", "bucket_weights.npy", "doclens.1.json", "metadata.json"] {
      let copy = try copied(name)
      let bytes = try WholeFile.read(copy("index/\(file)"))
      try copy.write("index/\(file)", Array(bytes.dropLast(5)))
      #expect(Self.status(copy) == .data, "\(file)")
    }
    let strange = try copied(name)
    var bytes = try WholeFile.read(strange("index/\(files[0])"))
    bytes[bytes.count - 8 * 40 + 7] = 0x7F
    try strange.write("index/\(files[0])", bytes)
    #expect(Self.status(strange) == .data)
    let lengths = try copied(name)
    try lengths.write("index/doclens.0.json", Array("[1, 2, -1]".utf8))
    #expect(Self.status(lengths) == .data)
    let other = try copied(name)
    try other.write("index/metadata.json", Array(#"{"nbits": 3, "num_chunks": 3}"#.utf8))
    #expect(Self.status(other) != nil)
  }

  /// Chunks that were added are not joined with the others before fast-plaid opens the index.
  @Test func chunksThatWait() throws {
    let copy = try copied("joined")
    try copy.write("index/2.codes.npy", WholeFile.read(copy("index/merged_codes.npy")))
    #expect(Self.status(copy) == .config)
  }

  /// A copy of an index, with the name of its folder.
  private func copied(_ name: String) throws -> TemporaryFolder {
    let copy = try TemporaryFolder()
    try copy.copy(Self.folder(name), to: "index")
    return copy
  }

  private static func status(_ folder: TemporaryFolder) -> Failures.ExitStatus? {
    do {
      _ = try documents(folder("index"))
      return nil
    } catch { return (error as? Failure)?.status }
  }
}
