import Failures

/// The messages of the Common Index File Format, each behind its size as a number of seven bits a byte.
///
/// Source: CommonIndexFileFormat.proto of osirrc/ciff; https://protobuf.dev/programming-guides/encoding/.
enum CIFF {
  static let version = 1

  /// What a file begins with.
  struct Header: Equatable {
    var version = CIFF.version
    /// Lists and documents that follow.
    var lists = 0
    var documents = 0
    /// Lists and documents of the whole collection.
    var totalLists = 0
    var totalDocuments = 0
    /// Terms of all documents with their repetitions.
    var totalTerms = 0
    var averageLength = 0.0
    var description = ""
  }

  /// A term's postings: documents, ascending, and their frequencies or impacts.
  struct List: Equatable {
    var term: [UInt8] = []
    var documents: [Int32] = []
    var frequencies: [Int32] = []
  }

  /// A document: its number in the lists, its id, and its length.
  struct Document: Equatable {
    var number = 0
    var id: [UInt8] = []
    var length = 0
  }
}

/// Writes messages, without fields that are zero, as in protocol buffers of version 3.
struct CIFFEncoder {
  private(set) var bytes: [UInt8] = []
  private var message: [UInt8] = []

  /// Takes the bytes that were written so far.
  mutating func take() -> [UInt8] {
    defer { bytes.removeAll(keepingCapacity: true) }
    return bytes
  }

  mutating func append(_ header: CIFF.Header) {
    number(1, header.version)
    number(2, header.lists)
    number(3, header.documents)
    number(4, header.totalLists)
    number(5, header.totalDocuments)
    number(6, header.totalTerms)
    if header.averageLength != 0 {
      message.append(7 << 3 | 1)
      withUnsafeBytes(of: header.averageLength.bitPattern.littleEndian) { message += $0 }
    }
    text(8, Array(header.description.utf8))
    finish()
  }

  mutating func append(_ list: CIFF.List) {
    text(1, list.term)
    number(2, list.documents.count)
    number(3, list.frequencies.reduce(0) { $0 + Int($1) })
    var last: Int32 = 0
    for (document, frequency) in zip(list.documents, list.frequencies) {
      let distance = UInt64(document - last)
      last = document
      let size =
        (distance == 0 ? 0 : 1 + Self.size(distance))
        + (frequency == 0 ? 0 : 1 + Self.size(UInt64(frequency)))
      message.append(4 << 3 | 2)
      message.append(UInt8(size))
      number(1, Int(distance))
      number(2, Int(frequency))
    }
    finish()
  }

  mutating func append(_ document: CIFF.Document) {
    number(1, document.number)
    text(2, document.id)
    number(3, document.length)
    finish()
  }

  private mutating func number(_ field: UInt8, _ value: Int) {
    if value == 0 { return }
    message.append(field << 3)
    Self.append(UInt64(value), to: &message)
  }

  private mutating func text(_ field: UInt8, _ value: [UInt8]) {
    if value.isEmpty { return }
    message.append(field << 3 | 2)
    Self.append(UInt64(value.count), to: &message)
    message += value
  }

  private mutating func finish() {
    Self.append(UInt64(message.count), to: &bytes)
    bytes += message
    message.removeAll(keepingCapacity: true)
  }

  private static func append(_ value: UInt64, to bytes: inout [UInt8]) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  /// Bytes that a number takes.
  private static func size(_ value: UInt64) -> Int {
    max(1, (64 - value.leadingZeroBitCount + 6) / 7)
  }
}

/// Reads the fields of one message, whatever their order; fields that are not known are passed over.
struct CIFFDecoder {
  /// A field's value.
  enum Value {
    case number(UInt64)
    case double(Double)
    case bytes(UnsafeRawBufferPointer)
  }

  private let bytes: UnsafeRawBufferPointer
  private var place = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var isAtEnd: Bool { place == bytes.count }

  /// The next field; nil for what is none.
  mutating func next() -> (field: UInt64, value: Value)? {
    guard let key = varint() else { return nil }
    switch key & 7 {
    case 0: return varint().map { (key >> 3, .number($0)) }
    case 1:
      guard let bytes = take(8) else { return nil }
      let bits = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
      return (key >> 3, .double(Double(bitPattern: bits)))
    case 2:
      guard let count = varint(), count <= UInt64(bytes.count), let bytes = take(Int(count)) else {
        return nil
      }
      return (key >> 3, .bytes(bytes))
    case 5: return take(4).map { _ in (0, .number(0)) }
    default: return nil
    }
  }

  @inline(__always)
  private mutating func varint() -> UInt64? {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while place < bytes.count, shift < 64 {
      let byte = bytes[place]
      place += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    return nil
  }

  private mutating func take(_ count: Int) -> UnsafeRawBufferPointer? {
    guard count <= bytes.count - place else { return nil }
    defer { place += count }
    return UnsafeRawBufferPointer(rebasing: bytes[place..<place + count])
  }

  // MARK: Messages; nil for bytes that are none

  static func header(_ bytes: UnsafeRawBufferPointer) -> CIFF.Header? {
    var (decoder, header) = (CIFFDecoder(bytes), CIFF.Header())
    header.version = 0
    while !decoder.isAtEnd {
      guard let (field, value) = decoder.next() else { return nil }
      switch (field, value) {
      case (1...6, .number(let number)):
        guard let number = Int(exactly: number) else { return nil }
        switch field {
        case 1: header.version = number
        case 2: header.lists = number
        case 3: header.documents = number
        case 4: header.totalLists = number
        case 5: header.totalDocuments = number
        default: header.totalTerms = number
        }
      case (7, .double(let average)): header.averageLength = average
      case (8, .bytes(let text)): header.description = String(decoding: text, as: UTF8.self)
      case (1...8, _): return nil
      default: break
      }
    }
    return header
  }

  /// - Parameters:
  ///   - bytes: The message.
  ///   - list: Gets the list.
  /// - Returns: What is wrong with the list; nil for nothing.
  static func list(_ bytes: UnsafeRawBufferPointer, into list: inout CIFF.List) -> String? {
    list.term.removeAll(keepingCapacity: true)
    list.documents.removeAll(keepingCapacity: true)
    list.frequencies.removeAll(keepingCapacity: true)
    var decoder = CIFFDecoder(bytes)
    var (count, last): (UInt64?, UInt64) = (nil, 0)
    while !decoder.isAtEnd {
      guard let (field, value) = decoder.next() else { return "no message of a list" }
      switch (field, value) {
      case (1, .bytes(let term)): list.term += term
      case (2, .number(let number)): count = number
      case (4, .bytes(let posting)):
        guard let (distance, frequency) = Self.posting(posting) else { return "no posting" }
        guard distance > 0 || list.documents.isEmpty else { return "a document twice" }
        last &+= distance
        guard distance <= UInt64(Int32.max), last < UInt64(Int32.max) else {
          return "a document of number \(last)"
        }
        guard frequency > 0, frequency < UInt64(Int32.max) else {
          return "a frequency of \(frequency)"
        }
        list.documents.append(Int32(last))
        list.frequencies.append(Int32(frequency))
      case (1...4, _): if field != 3 { return "no message of a list" }
      default: break
      }
    }
    guard !list.documents.isEmpty else { return "no postings" }
    guard count ?? 0 == UInt64(list.documents.count) else {
      return "\(list.documents.count) postings, where \(count ?? 0) are said"
    }
    return nil
  }

  @inline(__always)
  private static func posting(
    _ bytes: UnsafeRawBufferPointer
  ) -> (distance: UInt64, frequency: UInt64)? {
    var decoder = CIFFDecoder(bytes)
    var (distance, frequency): (UInt64, UInt64) = (0, 0)
    while !decoder.isAtEnd {
      guard let (field, value) = decoder.next() else { return nil }
      switch (field, value) {
      case (1, .number(let number)): distance = number
      case (2, .number(let number)): frequency = number
      default: break
      }
    }
    return (distance, frequency)
  }

  static func document(_ bytes: UnsafeRawBufferPointer) -> CIFF.Document? {
    var (decoder, document) = (CIFFDecoder(bytes), CIFF.Document())
    while !decoder.isAtEnd {
      guard let (field, value) = decoder.next() else { return nil }
      switch (field, value) {
      case (1, .number(let number)):
        guard let number = Int(exactly: number) else { return nil }
        document.number = number
      case (2, .bytes(let id)): document.id = Array(id)
      case (3, .number(let number)):
        guard let number = Int(exactly: number) else { return nil }
        document.length = number
      case (1...3, _): return nil
      default: break
      }
    }
    return document
  }
}
