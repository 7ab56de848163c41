import Failures
import JSON
import Streams

/// Vectors as JSON lines: `{"id","vector":[…]}`, with several vectors a text
/// `{"id","vectors":[[…]…]}`, sparse ones `{"id","vector":{term:weight…}}`, Pyserini's, which have
/// `contents` besides, and those of `lir-encode view` (`JSONVectorLine`).
final class JSONVectors: VectorRecordSource {
  let schema: StreamSchema
  private let reader: LineReader
  private let input: ByteReader
  private let width: Int
  private let vocabulary: TermVocabulary?
  private let skipsUnknown: Bool
  private let eager: Bool
  private var lines: [(text: [UInt8], number: Int)] = []
  private var next = 0

  /// - Parameters:
  ///   - input: The lines.
  ///   - path: Where the numbers of sparse vectors' terms stand; nil where no file says them.
  ///   - terms: The numbers, where no file says them.
  ///   - skipsUnknown: Whether terms without a number are passed over.
  ///   - eager: Whether lines are taken as they come, rather than waited for until there are many.
  /// - Throws: 64 for terms without a vocabulary, 65 where the first line is no such object.
  init(
    _ input: ByteReader, vocabulary path: String?, terms: TermVocabulary? = nil,
    skipsUnknown: Bool = false, eager: Bool = false
  ) throws(Failure) {
    self.input = input
    self.skipsUnknown = skipsUnknown
    self.eager = eager
    let reader = LineReader(input)
    var lines = try Self.read(reader, eager: eager)
    while let block = lines, block.isEmpty { lines = try Self.read(reader, eager: eager) }
    guard let first = lines?.first else {
      throw .data(input.name, "expected JSON lines of vectors, found none")
    }
    let record = try JSONVectorLine(first.text, input.name, first.number)
    self.reader = reader
    if record.terms != nil {
      guard
        let terms = try path.map({ path throws(Failure) in try TermVocabulary(path) }) ?? terms
      else {
        throw .usage(
          "\(input.name): its vectors have terms, whose numbers are not known",
          hint: "--vocabulary FILE, a term a line, or the folder of the model")
      }
      (vocabulary, width, schema) = (terms, terms.count, .sparse)
      self.lines = lines ?? []
      return
    }
    if path != nil {
      throw .usage("--vocabulary: the vectors of \(input.name) have no terms")
    }
    vocabulary = nil
    width = record.width
    guard width > 0 else {
      throw .line(
        input.name, first.number, expected: "a vector of at least one number", found: "none")
    }
    schema =
      record.isMultiple
      ? .multivector(.f32, dimension: width, withTokens: record.tokens != nil)
      : .dense(.f32, dimension: width)
    self.lines = lines ?? []
  }

  var extent: InputExtent {
    InputExtent(read: input.consumed, total: input.size > 0 ? input.size : nil)
  }

  /// The lines of the next block that are not empty; nil at the end.
  private static func read(
    _ reader: LineReader, eager: Bool
  ) throws(Failure) -> [(text: [UInt8], number: Int)]? {
    guard let block = try reader.next(eager: eager) else { return nil }
    var lines: [(text: [UInt8], number: Int)] = []
    block.forEachLine { line, _, number in
      if !line.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { lines.append((Array(line), number)) }
    }
    return lines
  }

  var mustWait: Bool { eager && next == lines.count }

  func appendNext(to segment: inout SegmentBuilder) throws(Failure) -> Bool {
    while next == lines.count {
      guard let block = try Self.read(reader, eager: eager) else { return false }
      (lines, next) = (block, 0)
    }
    let (text, number) = lines[next]
    next += 1
    let record = try JSONVectorLine(text, input.name, number)
    if let vocabulary {
      try append(record, vocabulary, number, to: &segment)
      return true
    }
    guard record.terms == nil else {
      throw .line(
        input.name, number, expected: "a list of numbers, as above", found: "terms with weights")
    }
    let isMultiple = schema.kind == .multivector
    guard record.isMultiple == isMultiple else {
      throw .line(
        input.name, number, expected: isMultiple ? "\"vectors\", as above" : "\"vector\", as above",
        found: record.isMultiple ? "\"vectors\"" : "\"vector\"")
    }
    // A text without a vector of its own is one of none.
    guard record.width == width || (isMultiple && record.values.isEmpty) else {
      throw .line(
        input.name, number, expected: "\(width) numbers in a vector, as above",
        found: "\(record.width)")
    }
    let values = record.values.withUnsafeBytes { Array($0) }
    let items = record.values.count / width
    guard schema.columns.count > 1 else {
      segment.append(id: record.id, items: items, [values])
      return true
    }
    guard let tokens = record.tokens, tokens.count == items else {
      throw .line(
        input.name, number, expected: "\(items) \"input_ids\", as many as vectors",
        found: "\(record.tokens?.count ?? 0)")
    }
    segment.append(id: record.id, items: items, [values, tokens.withUnsafeBytes { Array($0) }])
    return true
  }

  /// Appends a sparse vector, its terms by their numbers, ascending; a weight of zero is as none.
  private func append(
    _ record: JSONVectorLine, _ vocabulary: TermVocabulary, _ number: Int,
    to segment: inout SegmentBuilder
  ) throws(Failure) {
    guard let terms = record.terms else {
      throw .line(
        input.name, number, expected: "terms with weights under \"vector\", as above",
        found: "numbers")
    }
    var found: [(term: Int32, weight: Float)] = []
    for (text, weight) in terms where weight != 0 {
      guard let term = vocabulary.number(text) else {
        if skipsUnknown { continue }
        throw .line(
          input.name, number, expected: "terms of the vocabulary",
          found: "'\(String(decoding: text, as: UTF8.self))'")
      }
      found.append((term, weight))
    }
    found.sort { $0.term < $1.term }
    if let place = found.indices.dropFirst().first(where: { found[$0].term == found[$0 - 1].term })
    {
      let text = vocabulary.text(Int(found[place].term)) ?? []
      throw .line(
        input.name, number, expected: "each term once",
        found: "'\(String(decoding: text, as: UTF8.self))' again")
    }
    segment.append(
      id: record.id, items: found.count,
      [
        found.map(\.term).withUnsafeBytes { Array($0) },
        found.map(\.weight).withUnsafeBytes { Array($0) },
      ])
  }

  /// What tells the vocabulary of sparse vectors from another one; nil of other vectors.
  var vocabularyDigest: String? { vocabulary?.digest }

  /// Numbers of a vector, or terms of the vocabulary.
  var dimension: Int { width }
}
