import Failures
import Streams
import Tensors
import TestSupport
import Testing

/// Vectors as NumPy, safetensors, Tevatron, Pyserini and lir-encode write them.
@Suite struct VectorInputsTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private struct Records {
    var ids: [String] = []
    var values: [[Float]] = []
    var items: [Int] = []
    var schema: StreamSchema?
    var description: StreamDescription?
    var warnings: [String] = []
  }

  private func read(
    _ path: String, _ claims: VectorClaims = VectorClaims(), as role: Role = .doc
  ) throws -> Records {
    let reader = try VectorInputs([path], claims, as: role).open(0)
    var records = Records()
    records.warnings = reader.warnings
    while let segment = try reader.next() {
      #expect(segment.first == records.ids.count)
      records.schema = segment.schema
      records.description = segment.description
      for index in 0..<segment.records {
        records.ids.append(String(decoding: segment.id(index), as: UTF8.self))
        records.items.append(segment.items(index))
        records.values.append(
          segment.schema.columns[0].type == .f16
            ? segment.values(index, column: 0, as: UInt16.self).map(Self.half)
            : segment.values(index, column: 0, as: Float.self))
      }
    }
    return records
  }

  /// The number of half precision: all of the fixtures' are normal, or zero.
  private static func half(_ bits: UInt16) -> Float {
    if bits & 0x7FFF == 0 { return 0 }
    let exponent = UInt32(bits >> 10 & 0x1F) + 112
    return Float(
      bitPattern: UInt32(bits & 0x8000) << 16 | exponent << 23 | UInt32(bits & 0x3FF) << 13)
  }

  /// The vectors that `scripts/golden/make_vectors.py` writes into all files.
  private static let rows: [[Float]] = (0..<5).map { row in
    (0..<3).map { Float(row * 3 + $0 - 7) / 8 }
  }

  @Test(arguments: [
    "f2.npy", "f4.npy", "f8.npy", "version2.npy", "beside.safetensors", "metadata.safetensors",
    "bytes.safetensors", "numbers.safetensors", "protocol3.pkl", "protocol4.pkl", "protocol5.pkl",
    "numpy1.pkl", "half.pkl", "own.jsonl", "pyserini.jsonl",
  ])
  func vectors(name: String) throws {
    let records = try read(Fixtures.path("vectors/good/\(name)"))
    #expect(records.values == Self.rows)
    let areNumbers = ["numbers.safetensors", "half.pkl"].contains(name)
    #expect(records.ids == (0..<5).map { areNumbers ? "\($0)" : "d\($0)" })
    let isHalf = ["f2.npy", "half.pkl", "metadata.safetensors"].contains(name)
    #expect(records.schema == .dense(isHalf ? .f16 : .f32, dimension: 3))
    #expect(records.description?.dim == 3)
    #expect(records.description?.similarity == "dot")
    let isRounded = ["f8.npy", "bytes.safetensors"].contains(name)
    #expect(
      records.warnings.contains { $0.hasSuffix("double precision is rounded to single") }
        == isRounded)
    #expect(records.warnings.contains { $0.contains("without --model-label") })
  }

  @Test(arguments: ["several.safetensors", "several.jsonl"])
  func severalVectorsARecord(name: String) throws {
    let records = try read(Fixtures.path("vectors/good/\(name)"))
    #expect(records.ids == ["0", "1", "2"])
    #expect(records.items == [2, 0, 3])
    #expect(records.values.flatMap { $0 } == Self.rows.flatMap { $0 })
    #expect(records.schema == .multivector(.f32, dimension: 3, withTokens: false))
  }

  @Test func whatIsSaid() throws {
    var claims = VectorClaims()
    claims.label = "my-model"
    claims.similarity = "l2"
    claims.role = .query
    claims.ids = [folder("ids")]
    try WholeFileWriter.write(folder("ids"), "a\nb\nc\nd\ne")
    let records = try read(Fixtures.path("vectors/good/f4.npy"), claims)
    #expect(records.ids == ["a", "b", "c", "d", "e"])
    #expect(records.description?.model == "my-model")
    #expect(records.description?.similarity == "l2")
    #expect(records.description?.role == .query)
    #expect(records.warnings == [])
    claims.ids = []
    claims.tensor = "b"
    #expect(
      try read(Fixtures.path("vectors/bad/two.safetensors"), claims).values == Self.rows)
  }

  /// The status and a part of the message of what is refused.
  @Test(arguments: [
    ("fortran.npy", 78, "Fortran order"), ("big-endian.npy", 78, "big-endian ('>f4')"),
    ("integers.npy", 78, "found '<i8'"), ("one-dimension.npy", 78, "found shape (3,)"),
    ("three.npy", 78, "found shape (1, 5, 3)"), ("infinite.npy", 65, "finite values, found inf"),
    ("half-infinite.npy", 65, "finite values, found inf"),
    ("large.npy", 65, "1e+39, too large for single precision"),
    ("complex.npy", 78, "found '<c8'"), ("objects.npy", 78, "found '|O'"),
    ("named.npy", 78, "found shape (1,)"), ("no-columns.npy", 65, "at least one number"),
    ("two.safetensors", 78, "found a, b"), ("integers.safetensors", 78, "found none"),
    ("no-ids.safetensors", 64, "the ids of its vectors are missing"),
    ("few-ids.safetensors", 65, "expected 5 ids, as there are vectors, found 4"),
    ("offsets.safetensors", 65, "offsets do not ascend"),
    ("call.pkl", 65, "names builtins.print, which is no part of an array"),
    ("array-alone.pkl", 65, "expected a pickle of an array and a list of ids"),
    ("few-ids.pkl", 65, "expected 5 ids"), ("fortran.pkl", 78, "Fortran order"),
    ("big-endian.pkl", 78, "big-endian (>f4)"), ("integers.pkl", 78, "found i4"),
    ("one-dimension.pkl", 78, "two dimensions"), ("objects.pkl", 65, "pickle"),
    ("ids-of-floats.pkl", 65, "strings or integers, found a float"),
    ("width.jsonl", 65, "expected 3 numbers in a vector, as above, found 2"),
    ("nan.jsonl", 65, "expected a JSON value"), ("infinite.jsonl", 65, "found"),
    ("large.jsonl", 65, "fit single precision, found 1e+39"),
    ("text.jsonl", 65, "a list of numbers under \"vector\""),
    ("no-id.jsonl", 65, "an id under \"id\", found the keys \"vector\""),
    ("space.jsonl", 65, "without white space"), ("mixed.jsonl", 65, "\"vector\", as above"),
    ("ragged.jsonl", 65, "vectors of 3 numbers, as the first, found 2"),
    ("no-vector.jsonl", 65, "found the keys \"id\", \"contents\""),
  ])
  func refusals(name: String, status: Int32, message: String) throws {
    let failure = #expect(throws: Failure.self) {
      try read(Fixtures.path("vectors/bad/\(name)"))
    }
    #expect(failure?.status.rawValue == status, "\(failure.map(\.description) ?? "")")
    #expect(failure?.message.contains(message) == true, "\(failure.map(\.description) ?? "")")
  }

  /// What is cut anywhere is refused, and never read as less.
  @Test(arguments: [
    "f4.npy", "beside.safetensors", "bytes.safetensors", "protocol4.pkl", "protocol5.pkl",
  ])
  func cuts(name: String) throws {
    let whole = try Fixtures.bytes("vectors/good/\(name)")
    let target = folder(name)
    try WholeFileWriter.write(target + ".ids", "d0\nd1\nd2\nd3\nd4\n")
    for length in 0..<whole.count {
      try WholeFileWriter.write(target, Array(whole[..<length]))
      let failure = #expect(throws: Failure.self) { try read(target) }
      #expect(failure?.status == .data, "\(length) bytes: \(failure.map(\.description) ?? "")")
    }
    try WholeFileWriter.write(target, whole)
    #expect(try read(target).values == Self.rows)
    if name == "f4.npy" {
      try WholeFileWriter.write(target, whole + [0])
      #expect(throws: Failure.self) { try read(target) }
    }
  }

  @Test(arguments: [
    ("d0\nd1\nd2\nd3\n", "expected 5 ids, as there are vectors, found 4"),
    ("d0\nd1\nd2\nd3\nd4\nd5\n", "expected 5 ids, as there are vectors, found more"),
    ("d0\nd 1\nd2\nd3\nd4\n", "expected an id without white space and NUL, found \"d 1\""),
    ("d0\n\nd2\nd3\nd4\n", "expected an id without white space and NUL, found an empty line"),
  ])
  func idsThatDoNotFit(lines: String, message: String) throws {
    var claims = VectorClaims()
    claims.ids = [folder("ids")]
    try WholeFileWriter.write(folder("ids"), lines)
    for name in ["f4.npy", "beside.safetensors"] {
      let failure = #expect(throws: Failure.self) {
        try read(Fixtures.path("vectors/good/\(name)"), claims)
      }
      #expect(failure?.status == .data)
      #expect(failure?.message == message)
    }
  }

  /// Segments are as large as a stream's, whatever the file.
  @Test func manyRecords() throws {
    let rows = (0..<2500).map { "{\"id\":\"d\($0)\",\"vector\":[\($0),0.1]}\n" }
    try WholeFileWriter.write(folder("many.jsonl"), rows.joined())
    let records = try read(folder("many.jsonl"))
    #expect(records.ids == (0..<2500).map { "d\($0)" })
    #expect(records.values == (0..<2500).map { [Float($0), 0.1] })
    #expect(try VectorInputs([folder("many.jsonl")], as: .doc).countRecords(0) == 2500)
  }

  /// A stream says itself what it is; ids stand in JSON lines and pickles.
  @Test func whatIsSaidTwice() throws {
    var claims = VectorClaims()
    claims.ids = [folder("ids")]
    try WholeFileWriter.write(folder("ids"), "a\n")
    for name in ["protocol4.pkl", "own.jsonl"] {
      let failure = #expect(throws: Failure.self) {
        try read(Fixtures.path("vectors/good/\(name)"), claims)
      }
      #expect(failure?.status == .usage)
    }
    claims.ids = []
    claims.label = "mine"
    var description = StreamDescription(role: .doc)
    description.dim = 2
    let writer = TensorStreamWriter(
      try ByteWriter(folder("s.lirt")), schema: .dense(.f32, dimension: 2),
      description: description)
    try writer.finish()
    let failure = #expect(throws: Failure.self) { try read(folder("s.lirt"), claims) }
    #expect(failure?.status == .usage)
    #expect(failure?.message.hasPrefix("--model-label: ") == true)
  }
}

private enum WholeFileWriter {
  static func write(_ path: String, _ bytes: [UInt8]) throws {
    let output = try ByteWriter(path, compression: Compression.none)
    try output.write(bytes)
    try output.finish()
  }

  static func write(_ path: String, _ text: String) throws { try write(path, Array(text.utf8)) }
}
