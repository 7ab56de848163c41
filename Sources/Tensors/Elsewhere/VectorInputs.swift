import Failures
import Streams

/// What somebody says of vectors that do not say it themselves.
package struct VectorClaims: Sendable, Equatable {
  /// Stands for the digest of the model.
  package var label: String?
  package var role: Role?
  package var similarity: String?
  /// Name of the tensor that holds the vectors, where a file has several.
  package var tensor: String?
  /// Where the numbers of sparse vectors' terms stand: see `TermVocabulary`.
  package var vocabulary: String?
  /// The numbers themselves, where an index or the vectors say them.
  package var terms: TermVocabulary?
  /// Whether terms without a number are passed over: no document has them.
  package var skipsUnknownTerms = false
  /// Files of ids, one for each input.
  package var ids: [String] = []

  package init() {}

  /// The flags that were given, for messages.
  package var flags: [String] {
    [
      ("--model-label", label != nil), ("--role", role != nil), ("--similarity", similarity != nil),
      ("--tensor", tensor != nil), ("--ids", !ids.isEmpty), ("--vocabulary", vocabulary != nil),
    ].filter(\.1).map(\.0)
  }
}

/// Files of vectors: tensor streams, and what other programs write, told by their first bytes.
package struct VectorInputs: Sendable {
  package let operands: [String]
  package let claims: VectorClaims
  /// Whose texts the vectors are of where nobody says it.
  private let role: Role

  package init(_ operands: [String], _ claims: VectorClaims = VectorClaims(), as role: Role) {
    self.operands = operands
    self.claims = claims
    self.role = role
  }

  /// What a file of vectors is.
  package enum Form: Sendable {
    case stream, numpy, safetensors, pickle, jsonLines, faiss, torch, plaid
  }

  /// Whether a file holds vectors that do not say themselves what they are; what is no plain file is
  /// not opened.
  package static func isForeign(_ file: String) throws(Failure) -> Bool {
    guard WholeFile.isRegular(file) else { return false }
    switch try form(ByteReader(file, allowingEmpty: true, takingArrays: true)) {
    case .numpy, .safetensors, .pickle, .jsonLines, .faiss, .torch, .plaid: return true
    case .stream, nil: return false
    }
  }

  /// Whether the vectors of a file are sparse ones whose terms are texts.
  package static func haveTerms(_ file: String) throws(Failure) -> Bool {
    guard WholeFile.isRegular(file) else { return false }
    let input = try ByteReader(file, allowingEmpty: true, takingArrays: true)
    guard try form(input) == .jsonLines else { return false }
    let line = try input.peekLine(limit: LineReader.maximumLineLength)
    return (try? JSONVectorLine(line, file, 1))?.terms != nil
  }

  /// The file of vectors that an operand stands for: a folder for what Lightning IR or Pyserini write
  /// into it.
  ///
  /// - Throws: 78 for a folder with no such file.
  package static func file(of operand: String) throws(Failure) -> String {
    guard operand != "-", WholeFile.isDirectory(operand) else { return operand }
    let folder = operand.hasSuffix("/") ? String(operand.dropLast()) : operand
    if let file = PlaidRows.file(in: folder) { return file }
    let names = ["index.faiss", "index.pt", "index"]
    guard let name = names.first(where: { WholeFile.exists("\(folder)/\($0)") }) else {
      throw .config(
        operand,
        "expected a file of vectors, found a folder without index.faiss, index.pt, index or an "
          + "index of fast-plaid")
    }
    return "\(folder)/\(name)"
  }

  /// The files of vectors that operands stand for.
  ///
  /// - Throws: 78 for a folder with no such file.
  package static func files(of operands: [String]) throws(Failure) -> [String] {
    var files: [String] = []
    for operand in operands { files.append(try file(of: operand)) }
    return files
  }

  /// Every file that the vectors of files are read from.
  ///
  /// - Throws: 65 and 66 for files that are damaged or not there.
  package static func parts(of files: [String]) throws(Failure) -> [String] {
    var parts: [String] = []
    for file in files {
      parts.append(file)
      if let folder = PlaidRows.folder(of: file) { parts += try PlaidRows.parts(of: folder) }
    }
    return parts
  }

  /// What begins with the next bytes; nil of nothing that holds vectors.
  ///
  /// - Throws: 65 where they look like a stream that is damaged.
  package static func form(_ input: ByteReader) throws(Failure) -> Form? {
    guard let first = try input.peek(1).first else { return nil }
    // First of all, as the length of a header may begin with the first byte of any of the others.
    if try isSafeTensors(input) { return .safetensors }
    if first == 0x93 { return try input.peek(6) == NPYHeader.magic ? .numpy : nil }
    if first == 0x80 {
      let version = try input.peek(2).last
      return version.map { (2...5).contains($0) } == true ? .pickle : nil
    }
    if first == UInt8(ascii: "{") {
      if PlaidRows.folder(of: input.name) != nil { return .plaid }
      let line = try input.peekLine(limit: LineReader.maximumLineLength)
      return JSONVectorLine.hasVector(line) ? .jsonLines : nil
    }
    if first == UInt8(ascii: "P") {
      return try input.peek(4) == [0x50, 0x4B, 0x03, 0x04] ? .torch : nil
    }
    if first == UInt8(ascii: "I"), FaissReader.recognizes(Array(try input.peek(24))) {
      return .faiss
    }
    return try TensorStreamReader.recognizes(input) ? .stream : nil
  }

  /// Whether a safetensors header comes that is none of a stream's.
  private static func isSafeTensors(_ input: ByteReader) throws(Failure) -> Bool {
    // The upper bytes of a length are zeros, and text has none: a line is not waited for.
    let upper = try input.peek(4).last
    guard let upper, upper <= 1 else { return false }
    let head = try input.peek(9)
    guard head.count == 9, head[4..<8].allSatisfy({ $0 == 0 }), head[8] == UInt8(ascii: "{") else {
      return false
    }
    let length = head[..<4].reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = try input.peek(8 + length)
    return header.count == 8 + length && !contains(header, Array("\"lir.".utf8))
  }

  private static func contains(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
    var start = 8
    while start + part.count <= bytes.count {
      if bytes[start] == part[0], bytes[start..<start + part.count].elementsEqual(part) {
        return true
      }
      start += 1
    }
    return false
  }

  /// Opens an operand.
  ///
  /// - Parameters:
  ///   - index: Its place.
  ///   - opened: The operand, where it is open already.
  ///   - limit: How many records are read of what is no stream.
  ///   - eager: Whether JSON lines are taken as they come, for a pipe that somebody types into.
  /// - Returns: What gives its records.
  /// - Throws: 64 for what is said of vectors that say it themselves, and where ids are missing; 65,
  ///   66 and 78 for files that are damaged, not there or unsuitable.
  package func open(
    _ index: Int, opened: ByteReader? = nil, limit: Int = .max, eager: Bool = false
  ) throws(Failure) -> any SegmentReader {
    let reader = try openAll(index, opened, eager: eager)
    if let reader = reader as? VectorRecordReader { reader.limit = limit }
    return reader
  }

  private func openAll(
    _ index: Int, _ opened: ByteReader?, eager: Bool
  ) throws(Failure) -> any SegmentReader {
    let operand = operands[index]
    let input = if let opened { opened } else { try ByteReader(operand, takingArrays: true) }
    guard claims.ids.isEmpty || claims.ids.count == operands.count else {
      throw .usage(
        "--ids: expected one for each input, \(operands.count), found \(claims.ids.count)")
    }
    let form = try Self.form(input)
    if let path = claims.vocabulary, form != .jsonLines, form != .stream, form != nil {
      throw .usage("--vocabulary: \(operand) has no terms, whose numbers \(path) would say")
    }
    let idFile = claims.ids.isEmpty ? nil : claims.ids[index]
    switch form {
    case .numpy:
      let source = try NPYVectors(input, RecordIDs(try Self.ids(idFile, of: operand)))
      return try reader(source, operand, isRounded: source.isRounded)
    case .safetensors:
      try Self.checkMappable(input, "a safetensors file")
      let source = try SafeTensorsVectors(operand, tensor: claims.tensor, idFile)
      return try reader(source, operand, isRounded: source.isRounded)
    case .pickle:
      try Self.checkMappable(input, "a pickle")
      try refuse(["--ids"], operand, "a pickle", "has the ids of its vectors")
      let source = try PickledVectors(operand)
      return try reader(source, operand, isRounded: source.isRounded)
    case .jsonLines:
      try refuse(["--ids"], operand, "JSON lines", "have the ids of their vectors")
      let source = try JSONVectors(
        input, vocabulary: claims.vocabulary, terms: claims.terms,
        skipsUnknown: claims.skipsUnknownTerms, eager: eager)
      return try reader(source, operand, isRounded: false)
    case .faiss:
      try Self.checkMappable(input, "a faiss index")
      return try rows(FaissRows(operand), operand, idFile)
    case .torch:
      try Self.checkMappable(input, "a file of PyTorch")
      return try rows(TorchRows(operand), operand, idFile)
    case .plaid: return try rows(PlaidRows(operand), operand, idFile)
    case .stream, nil:
      if form == .stream {
        try refuse(claims.flags, operand, "a tensor stream", "says itself what its vectors are")
      }
      return TensorStreamReader(input)
    }
  }

  private func refuse(
    _ flags: [String], _ operand: String, _ what: String, _ reason: String
  ) throws(Failure) {
    guard let flag = claims.flags.first(where: flags.contains) else { return }
    throw .usage("\(flag): \(operand) is \(what), which \(reason)")
  }

  /// Mapped files have any size; what comes through a pipe, or compressed, cannot be mapped.
  private static func checkMappable(_ input: ByteReader, _ what: String) throws(Failure) {
    guard input.name != "-", WholeFile.isRegular(input.name), !input.isCompressed else {
      throw .usage(
        "\(input.name): \(what) is read from a file that is not compressed",
        hint: "decompress it into a file")
    }
  }

  private static func ids(_ file: String?, of operand: String) throws(Failure) -> String {
    if let file { return file }
    guard operand != "-", WholeFile.exists("\(operand).ids") else { throw missingIDs(operand) }
    return "\(operand).ids"
  }

  static func missingIDs(_ operand: String) -> Failure {
    .usage(
      "\(operand): the ids of its vectors are missing",
      hint: "--ids FILE, an id a line; without, \(operand).ids is looked for")
  }

  private func rows(
    _ rows: any NumberRows, _ operand: String, _ idFile: String?
  ) throws(Failure) -> VectorRecordReader {
    try reader(
      RowVectors(rows, idFile), operand, isRounded: false, similarity: rows.similarity)
  }

  private func reader(
    _ source: any VectorRecordSource, _ operand: String, isRounded: Bool, similarity: String? = nil
  ) throws(Failure) -> VectorRecordReader {
    if let similarity, let claimed = claims.similarity, claimed != similarity {
      throw .config(
        operand, "the index compares by \(similarity), --similarity says \(claimed)",
        hint: "leave --similarity out")
    }
    var description = StreamDescription(role: claims.role ?? role)
    description.model = claims.label
    description.similarity = claims.similarity ?? similarity ?? "dot"
    description.dim = source.dimension
    description.tokenizer = source.vocabularyDigest
    var warnings: [String] = []
    if isRounded { warnings.append("\(operand): double precision is rounded to single") }
    if claims.label == nil {
      warnings.append(
        "\(operand): without --model-label nothing tells its vectors from those of another model")
    }
    return VectorRecordReader(source, description, operand, warnings: warnings)
  }
}
