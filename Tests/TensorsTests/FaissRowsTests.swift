import Failures
import Streams
import Tensors
import TestSupport
import Testing

/// Vectors of indexes that faiss 1.15.1 and Lightning IR wrote.
@Suite struct FaissRowsTests {
  private static let folder = Fixtures.path("faiss")

  private func read(
    _ path: String, _ claims: VectorClaims
  ) throws -> (ids: [String], rows: [[Float]], items: [Int], similarity: String?) {
    let reader = try VectorInputs([path], claims, as: .doc).open(0)
    var (ids, rows, items): ([String], [[Float]], [Int]) = ([], [], [])
    var similarity: String?
    while let segment = try reader.next() {
      similarity = segment.description.similarity
      for index in 0..<segment.records {
        ids.append(String(decoding: segment.id(index), as: UTF8.self))
        items.append(segment.items(index))
        rows.append(segment.values(index, column: 0, as: Float.self))
      }
    }
    return (ids, rows, items, similarity)
  }

  /// A file of the ids v0, v1 and so on.
  private func ids(_ count: Int) throws -> (TemporaryFolder, String) {
    let folder = try TemporaryFolder()
    try folder.write("ids", Array((0..<count).map { "v\($0)\n" }.joined().utf8))
    return (folder, folder("ids"))
  }

  private static let factories = [
    "Flat", "L2norm_Flat", "SQfp16", "SQbf16", "SQ8", "SQ4", "SQ8_direct", "HNSW8", "HNSW8_SQ8",
    "IVF4_Flat", "IVF4_SQfp16", "IVF4_SQ8", "IVF900_Flat", "PQ4x4", "PQ4x6", "OPQ4_PQ4x4",
    "OPQ4_IVF4_PQ4x4", "OPQ4_IVF4_HNSW8_PQ4x4", "RR8_Flat", "Flat_RFlat", "L2norm_RR8_Flat",
  ]

  @Test(
    arguments: factories.flatMap { ["\($0).ip", "\($0).l2"] } + ["PCA8_Flat.l2", "PCAR8_Flat.l2"])
  func vectors(name: String) throws {
    let (folder, file) = try ids(40)
    var claims = VectorClaims()
    claims.ids = [file]
    let found = try read("\(Self.folder)/good/\(name).faiss", claims)
    let expected = try read("\(Self.folder)/good/\(name).npy", claims)
    #expect(found.ids == expected.ids)
    #expect(found.ids.count == 40)
    let isNormalized = name.hasPrefix("L2norm")
    #expect(found.similarity == (isNormalized ? "cosine" : name.hasSuffix("l2") ? "l2" : "dot"))
    // What is rotated back is summed by faiss in another order; codes and flat rows are equal.
    let isRotated = ["OPQ", "RR8", "PCA"].contains(where: name.contains)
    for (row, wanted) in zip(found.rows, expected.rows) {
      for (number, wanted) in zip(row, wanted) {
        #expect(abs(number - wanted) <= (isRotated ? 2e-6 : 5e-7) * max(1, abs(wanted)))
      }
    }
    withExtendedLifetime(folder) {}
  }

  @Test(arguments: ["IDMap_Flat.ip", "IDMap2_Flat.l2"])
  func numbers(name: String) throws {
    let found = try read("\(Self.folder)/good/\(name).faiss", VectorClaims())
    #expect(found.ids == (0..<40).reversed().map { "\($0 * 3 - 5)" })
    let (folder, file) = try ids(40)
    var claims = VectorClaims()
    claims.ids = [file]
    let failure = #expect(throws: Failure.self) {
      try read("\(Self.folder)/good/\(name).faiss", claims)
    }
    #expect(failure?.status == .usage)
    withExtendedLifetime(folder) {}
  }

  @Test func idsBeside() throws {
    let found = try read("\(Self.folder)/index-IVF4_Flat.ip/index.faiss", VectorClaims())
    #expect(found.ids == (0..<40).map { "doc\($0)" })
    let expected = try read("\(Self.folder)/index-Flat.ip/index.faiss", VectorClaims())
    #expect(found.rows == expected.rows)
    let failure = #expect(throws: Failure.self) {
      try read("\(Self.folder)/good/Flat.ip.faiss", VectorClaims())
    }
    #expect(failure?.status == .usage)
    var claims = VectorClaims()
    claims.similarity = "l2"
    let other = #expect(throws: Failure.self) {
      try read("\(Self.folder)/index-Flat.ip/index.faiss", claims)
    }
    #expect(other?.status == .config)
  }

  /// Lightning IR's matrix, whose documents have several rows.
  @Test func torchMatrix() throws {
    let found = try read("\(Self.folder)/lightning/index.pt", VectorClaims())
    #expect(found.ids == (0..<7).map { "doc\($0)" })
    #expect(found.items == [1, 3, 2, 1, 5, 1, 2])
    let flat = try read("\(Self.folder)/index-Flat.ip/index.faiss", VectorClaims())
    #expect(found.rows.flatMap { $0 } == Array(flat.rows[..<15].joined()))
  }

  @Test(
    arguments: [
      ("PCA4_Flat.l2", .config, "fewer dimensions"), ("PCAW8_Flat.l2", .config, "no rotation"),
      ("PQ4x4fs.l2", .config, "IPfs"), ("IVF4_PQ4x4fs.l2", .config, "IwPf"),
      ("LSH.l2", .config, "IxHe"), ("SQ6.l2", .config, "scalar quantizer 6"),
      ("numbered", .config, "numbers of their own"), ("untrained", .config, "not trained"),
    ] as [(String, Failures.ExitStatus, String)])
  func refusals(name: String, status: Failures.ExitStatus, text: String) throws {
    let (folder, file) = try ids(40)
    var claims = VectorClaims()
    claims.ids = [file]
    let failure = #expect(throws: Failure.self) {
      try read("\(Self.folder)/bad/\(name).faiss", claims)
    }
    #expect(failure?.status == status)
    #expect(failure?.description.contains(text) == true, "\(failure?.description ?? "")")
    withExtendedLifetime(folder) {}
  }

  /// A header may say billions of vectors where the lists hold some: no memory is taken for its word.
  @Test(arguments: ["IVF4_SQ8.l2", "IVF900_Flat.ip"]) func headerOfBillions(name: String) throws {
    let (ids, file) = try ids(40)
    var claims = VectorClaims()
    claims.ids = [file]
    var bytes = try WholeFile.read("\(Self.folder)/good/\(name).faiss")
    bytes.replaceSubrange(8..<12, with: [0xFF, 0xFF, 0xFF, 0x7F])
    let folder = try TemporaryFolder()
    try folder.write("billions", bytes)
    let failure = #expect(throws: Failure.self) { try read(folder("billions"), claims) }
    #expect(failure?.status == .data)
    #expect(failure?.message.contains("lists of 40 vectors, expected 2147483647") == true)
    withExtendedLifetime(ids) {}
  }

  /// Every cut is noticed, and no size that is changed is believed.
  @Test(arguments: [
    "Flat.ip", "IVF4_SQ8.l2", "OPQ4_IVF4_HNSW8_PQ4x4.ip", "Flat_RFlat.l2", "IVF900_Flat.ip",
  ])
  func damage(name: String) throws {
    let (ids, file) = try ids(40)
    var claims = VectorClaims()
    claims.ids = [file]
    let bytes = try WholeFile.read("\(Self.folder)/good/\(name).faiss")
    let folder = try TemporaryFolder()
    for end in stride(from: 24, to: bytes.count, by: max(1, bytes.count / 60)) {
      try folder.write("cut", Array(bytes[..<end]))
      let failure = #expect(throws: Failure.self) { try read(folder("cut"), claims) }
      #expect(failure?.status == .data, "\(end)")
    }
    try folder.write("long", bytes + [0])
    #expect(throws: Failure.self) { try read(folder("long"), claims) }
    for place in 24..<bytes.count where place % 23 == 0 || place < 80 {
      var changed = bytes
      changed[place] ^= 0xFF
      try folder.write("changed", changed)
      // Another number is taken for one; a size or a kind is refused, and nothing dies.
      _ = try? read(folder("changed"), claims)
    }
    withExtendedLifetime(ids) {}
  }
}
