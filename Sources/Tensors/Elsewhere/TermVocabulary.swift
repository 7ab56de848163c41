import Failures
import JSON
import Streams

/// The numbers of the terms that a sparse model weights, by their texts.
package struct TermVocabulary: Sendable, Equatable {
  private let numbers: [[UInt8]: Int32]
  /// UTF-8 of each term; nil for a number without one.
  private let texts: [[UInt8]?]

  /// Size of the vocabulary.
  package var count: Int { texts.count }

  /// Reads a vocabulary.
  ///
  /// - Parameter path: A file with a term a line, whose number is that of the line from 0 on, as
  ///   `vocab.txt` of BERT; a `tokenizer.json`; or a folder with one of the two, such as a model's.
  /// - Throws: 65 where it is none or names a term twice, 66 where there is nothing.
  package init(_ path: String) throws(Failure) {
    var file = path
    if WholeFile.isDirectory(path) {
      let names = ["vocab.txt", "tokenizer.json"].map { "\(path)/\($0)" }
      guard let found = names.first(where: { WholeFile.exists($0) }) else {
        throw .config(path, "expected a folder with vocab.txt or tokenizer.json, found neither")
      }
      file = found
    }
    let input = try ByteReader(file)
    let head = try input.peek(2)
    let isJSON = head.first == UInt8(ascii: "{") && file.hasSuffix(".json")
    let terms = isJSON ? try Self.tokenizer(file) : try Self.lines(input)
    try self.init(terms, file)
  }

  /// - Parameters:
  ///   - terms: Texts in UTF-8, and numbers.
  ///   - file: Where they are from, for messages.
  /// - Throws: 65 for a text or a number that is there twice, and for numbers that no vocabulary has.
  package init(_ terms: [(text: [UInt8], number: Int)], _ file: String) throws(Failure) {
    guard let largest = terms.map(\.number).max() else {
      throw .data(file, "expected a vocabulary, found no terms")
    }
    guard terms.allSatisfy({ $0.number >= 0 }), largest < StreamLimits.maximumWidth else {
      throw .data(
        file, "expected numbers of terms from 0 to \(StreamLimits.maximumWidth - 1), found others")
    }
    var numbers: [[UInt8]: Int32] = [:]
    var texts = [[UInt8]?](repeating: nil, count: largest + 1)
    for (text, number) in terms {
      if let other = numbers[text] {
        throw .data(file, "term \(Self.words(text)) has two numbers, \(other) and \(number)")
      }
      if let other = texts[number] {
        throw .data(
          file, "number \(number) has two terms, \(Self.words(other)) and \(Self.words(text))")
      }
      numbers[text] = Int32(number)
      texts[number] = text
    }
    self.numbers = numbers
    self.texts = texts
  }

  /// The terms of sparse vectors that come with texts alone, numbered in bytewise order: the same
  /// whatever the order of vectors.
  ///
  /// - Parameter files: JSON lines of vectors, which are read once more afterwards.
  /// - Throws: 64 for a file that is gone when it was read, 65 for lines of another form.
  package init(collecting files: [String]) throws(Failure) {
    var known: Set<[UInt8]> = []
    for file in files {
      guard file != "-", WholeFile.isRegular(file) else {
        throw .usage(
          "\(file == "-" ? "the standard input" : file): terms without numbers are read twice",
          hint: "write the vectors to a file, or give a --vocabulary")
      }
      let reader = LineReader(try ByteReader(file))
      while let block = try reader.next() {
        var lines: [([UInt8], Int)] = []
        block.forEachLine { line, _, number in
          if !line.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { lines.append((Array(line), number)) }
        }
        for (line, number) in lines {
          for (text, weight) in try JSONVectorLine(line, file, number).terms ?? []
          where weight != 0 {
            guard !text.contains(0) else {
              throw .line(file, number, expected: "terms without the character NUL", found: "one")
            }
            known.insert(text)
          }
        }
      }
    }
    let terms = known.sorted { $0.lexicographicallyPrecedes($1) }
    try self.init(
      terms.enumerated().map { ($0.element, $0.offset) }, files.joined(separator: " "))
  }

  /// The terms that an index keeps: see `stored`.
  ///
  /// - Parameters:
  ///   - stored: Their texts, each with a zero behind it.
  ///   - file: Where they are from, for messages.
  /// - Throws: 65 where they are none.
  package init(stored: UnsafeRawBufferPointer, _ file: String) throws(Failure) {
    guard stored.last == 0 else { throw .data(file, "damaged: a list of terms without an end") }
    let texts = stored.dropLast().split(separator: 0, omittingEmptySubsequences: false)
    try self.init(texts.enumerated().map { (Array($0.element), $0.offset) }, file)
  }

  /// The texts of all terms, each with a zero behind it.
  package var stored: [UInt8] { texts.flatMap { ($0 ?? []) + [0] } }

  /// The number of a term; nil where it is none.
  package func number(_ text: [UInt8]) -> Int32? { numbers[text] }

  /// The text of a term in UTF-8; nil where it has none.
  package func text(_ number: Int) -> [UInt8]? {
    texts.indices.contains(number) ? texts[number] : nil
  }

  private static func words(_ text: [UInt8]) -> String { String(decoding: text, as: UTF8.self) }

  /// What tells the vocabulary from another one: 32 hexadecimal digits.
  package var digest: String {
    var bytes: [UInt8] = []
    for text in texts { bytes += (text ?? []) + [0] }
    return Checksum.xxh3Long(bytes)
  }

  private static func lines(_ input: ByteReader) throws(Failure) -> [(text: [UInt8], number: Int)] {
    let reader = LineReader(input)
    var terms: [(text: [UInt8], number: Int)] = []
    while let block = try reader.next() {
      block.forEachLine { line, _, _ in
        terms.append((Array(line), terms.count))
      }
    }
    // What stands behind the last newline is no term.
    if terms.last?.text.isEmpty == true { terms.removeLast() }
    return terms
  }

  private static func tokenizer(_ file: String) throws(Failure) -> [(text: [UInt8], number: Int)] {
    let json = try JSONFile.read(file)
    var terms: [(text: [UInt8], number: Int)] = []
    var known: Set<[UInt8]> = []
    func add(_ text: String, _ number: Int) {
      let text = Array(text.utf8)
      if known.insert(text).inserted { terms.append((text, number)) }
    }
    for token in json["added_tokens"]?.array ?? [] {
      if let text = token["content"]?.string, let number = token["id"]?.integer {
        add(text, number)
      }
    }
    let vocabulary = json["model"]?["vocab"]
    for member in vocabulary?.members ?? [] {
      if let number = member.value.integer { add(member.key, number) }
    }
    for (number, piece) in (vocabulary?.array ?? []).enumerated() {
      if let text = piece.array?.first?.string { add(text, number) }
    }
    guard vocabulary != nil else {
      throw .data(file, "expected a tokenizer with a vocabulary under model.vocab, found none")
    }
    return terms
  }
}
