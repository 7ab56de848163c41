import Failures
import Records
import Streams
import Workers

/// Tuples of a file of any size.
package final class TupleFile: TupleSource {
  /// How the file is read.
  package struct Options: Sendable {
    /// Nil for what the first line looks like.
    package var format: TupleFormat?
    package var targets = TargetKind.order
    /// Documents of a tuple that are taken, from the first on; nil for all.
    package var documents: Int?
    /// The systems whose hard negatives count; nil for all of them.
    ///
    /// Only the format of hard negatives names systems.
    package var systems: [String]?
    /// Whether the keys of all tuples are kept in memory.
    package var keepsKeys = false

    package init() {}
  }

  private let lines: LineStore
  private let resolver: TupleResolver
  /// The one that was asked for, or that the first line looks like.
  var format: TupleFormat { resolver.format }
  package var count: Int { lines.count - resolver.headerLines }
  package private(set) var documents = 0
  package let varies = false
  private let keys: TupleKeyList

  /// Reads a file once, and checks every tuple of it.
  ///
  /// - Parameters:
  ///   - operand: The file.
  ///   - options: How it is read.
  ///   - queries: Texts of ids.
  ///   - docs: Texts of ids.
  ///   - folder: Where scratch files go.
  ///   - pool: Checks.
  /// - Throws: 65 for a malformed tuple, one without a positive document, one with another number
  ///   of documents than the first, or an id without a text.
  package init(
    _ operand: String, _ options: Options, queries: TextStore?, docs: TextStore?,
    scratchFolder folder: String, _ pool: WorkerPool
  ) throws(Failure) {
    var checker: TupleChecker?
    lines = try LineStore(operand, scratchFolder: folder) { block throws(Failure) in
      if checker == nil {
        let resolver = try TupleResolver(operand, options, queries, docs, firstOf: block)
        checker = TupleChecker(resolver)
      }
      try checker?.check(block, pool)
    }
    guard let checker, lines.count > checker.resolver.headerLines else {
      throw .data(operand, "expected training tuples, found none")
    }
    resolver = checker.resolver
    documents = checker.documents
    keys = checker.keys
  }

  package func keys(of index: Int, epoch: Int) -> [UInt64] { keys[index] }

  package func tuple(_ index: Int, epoch: Int) throws(Failure) -> TrainingTuple {
    let line = index + resolver.headerLines
    return try resolver.tuple(lines.line(line), number: line + 1)
  }
}

/// Checks the tuples of a file block by block.
private struct TupleChecker {
  let resolver: TupleResolver
  /// Documents of the first tuple.
  private(set) var documents = 0
  /// Keys of all tuples so far, where they are kept.
  private(set) var keys = TupleKeyList()

  /// Lines that a thread takes at a time.
  private static let chunk = 256

  init(_ resolver: TupleResolver) { self.resolver = resolver }

  mutating func check(_ block: LineBlock, _ pool: WorkerPool) throws(Failure) {
    var ranges: [Range<Int>] = []
    block.forEachLine { line, start, _ in ranges.append(start..<start + line.count) }
    let header = block.firstLine == 1 ? resolver.headerLines : 0
    ranges.removeFirst(min(header, ranges.count))
    let firstLine = block.firstLine + header
    if documents == 0, let first = ranges.first {
      documents = try resolver.check(Array(block.bytes[first]), number: firstLine)
        .documents.count
    }
    let chunks = (ranges.count + Self.chunk - 1) / Self.chunk
    let failures = UnsafeMutableBufferPointer<Failure?>.allocate(capacity: chunks)
    failures.initialize(repeating: nil)
    defer { failures.deinitialize().deallocate() }
    let found = UnsafeMutableBufferPointer<[[UInt64]]>.allocate(capacity: chunks)
    found.initialize(repeating: [])
    defer { found.deinitialize().deallocate() }
    let documents = documents
    pool.forEachUnchecked(chunks) { chunk, _ in
      for i in chunk * Self.chunk..<min((chunk + 1) * Self.chunk, ranges.count) {
        let number = firstLine + i
        do throws(Failure) {
          let tuple = try resolver.check(Array(block.bytes[ranges[i]]), number: number)
          guard tuple.documents.count == documents else {
            throw Failure(
              .data, at: "\(resolver.file):\(number)",
              "expected \(documents) documents as in line \(resolver.headerLines + 1), "
                + "found \(tuple.documents.count)",
              hint: "data.num_docs cuts longer tuples")
          }
          if resolver.keepsKeys { found[chunk].append(TupleKeys.keys(of: tuple)) }
        } catch {
          failures[chunk] = error
          return
        }
      }
    }
    if let failure = failures.lazy.compactMap({ $0 }).first { throw failure }
    for keys in found.joined() { self.keys.append(keys) }
  }
}

/// Puts texts in the place of ids, and targets beside documents.
private struct TupleResolver {
  private let parser: TupleParser
  private let options: TupleFile.Options
  private let queries: TextStore?
  private let docs: TextStore?
  /// Lines at the start that are no tuples.
  let headerLines: Int
  var file: String { parser.file }
  var format: TupleFormat { parser.format }
  var keepsKeys: Bool { options.keepsKeys }

  init(
    _ file: String, _ options: TupleFile.Options, _ queries: TextStore?, _ docs: TextStore?,
    firstOf block: LineBlock
  ) throws(Failure) {
    let lines = block.bytes.split(
      separator: 0x0A, maxSplits: 2, omittingEmptySubsequences: false
    ).map { Array($0.last == 0x0D ? $0.dropLast() : $0) }
    headerLines = try TupleHeader.recognizes(Self.withoutMark(lines[0]), file: file) ? 1 : 0
    let first = headerLines < lines.count ? lines[headerLines] : []
    guard
      let format = options.format
        ?? TupleFormat(
          detecting: Self.withoutMark(first), hasTexts: queries != nil && docs != nil)
    else {
      throw .line(
        file, headerLines + 1, expected: "a training tuple (JSON, 3 columns or 5)",
        found: first.isEmpty ? "a blank line" : "something else")
    }
    if options.format == nil { try Self.check(format, file, firstOf: block, headerLines) }
    parser = TupleParser(format: format, file: file, systems: options.systems)
    self.options = options
    self.queries = queries
    self.docs = docs
  }

  /// A line without the byte order mark that some editors put in front of a file.
  private static func withoutMark(_ line: [UInt8]) -> [UInt8] {
    line.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(line.dropFirst(3)) : line
  }

  /// Three columns may be texts or ids: refuses those that look like the other.
  private static func check(
    _ format: TupleFormat, _ file: String, firstOf block: LineBlock, _ headerLines: Int
  ) throws(Failure) {
    guard format == .triples || format == .idTriples else { return }
    let lines = block.bytes.split(separator: 0x0A, maxSplits: linesSeen).prefix(linesSeen)
      .dropFirst(headerLines)
    let haveSpaces = lines.map { $0.contains(0x20) }
    if format == .triples, !haveSpaces.contains(true) {
      throw .data(
        "\(file):\(headerLines + 1)",
        "three columns of texts or of ids? without white space they look like ids",
        hint: "name data.queries and data.docs, or say data.format: triples if they are texts")
    }
    if format == .idTriples, haveSpaces.first == true {
      throw .data(
        "\(file):\(headerLines + 1)",
        "expected ids, as data.queries and data.docs are given, found texts",
        hint: "data.format: triples says that the columns are texts")
    }
  }

  private static let linesSeen = 16

  private func written(_ line: [UInt8], _ number: Int) throws(Failure) -> WrittenTuple {
    var tuple = try parser.parse(number == 1 ? Self.withoutMark(line) : line, number: number)
    if let limit = options.documents {
      guard tuple.documents.count >= limit else {
        throw .line(
          file, number, expected: "\(limit) documents, as data.num_docs says",
          found: "\(tuple.documents.count)")
      }
      tuple.documents = Array(tuple.documents.prefix(limit))
    }
    if tuple.documents.isEmpty {
      throw .line(
        file, number, expected: "a tuple with a positive document", found: "one without documents")
    }
    return tuple
  }

  /// A line as a tuple whose ids all have texts.
  func check(_ line: [UInt8], number: Int) throws(Failure) -> WrittenTuple {
    let tuple = try written(line, number)
    let place = "\(file):\(number)"
    if tuple.query == nil { try check(tuple.queryID, queries, "query", place) }
    for document in tuple.documents {
      if document.text == nil { try check(document.id, docs, "doc", place) }
      if options.targets == .score, document.score == nil {
        throw .data(place, "expected a score with every document, as data.targets is score")
      }
    }
    return tuple
  }

  private func check(
    _ id: RecordID?, _ store: TextStore?, _ what: String, _ place: String
  ) throws(Failure) {
    guard let id else { throw .data(place, "expected a \(what)'s text or id, found neither") }
    guard let store else {
      throw Failure(
        .data, at: place, "\(what) \(id) has no text",
        hint: "data.\(what == "doc" ? "docs" : "queries") names a file with texts")
    }
    if !store.has(id) { throw store.missing(id, for: place) }
  }

  func tuple(_ line: [UInt8], number: Int) throws(Failure) -> TrainingTuple {
    let written = try written(line, number)
    let place = "\(file):\(number)"
    var documents: [TrainingTuple.Document] = []
    for (i, document) in written.documents.enumerated() {
      documents.append(
        TrainingTuple.Document(
          id: document.id, text: try text(document.text, document.id, docs, place),
          target: options.targets == .score ? document.score ?? 0 : i == 0 ? 1 : 0))
    }
    return TrainingTuple(
      queryID: written.queryID,
      query: try text(written.query, written.queryID, queries, place), documents: documents,
      place: place)
  }

  private func text(
    _ text: [UInt8]?, _ id: RecordID?, _ store: TextStore?, _ place: String
  ) throws(Failure) -> [UInt8] {
    if let text { return text }
    guard let id, let store else { throw .data(place, "the file was changed while it was in use") }
    return try store.text(id, for: place)
  }
}
