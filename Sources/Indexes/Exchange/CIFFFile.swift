import Failures
import Streams

/// An index in the Common Index File Format, read as often as is needed: lists, then documents.
///
/// Memory: the ids of all documents, two numbers for each, and the longest list.
package final class CIFFFile {
  let path: String
  let header: CIFF.Header
  /// Ids of the documents by their numbers, one behind the other, and where each ends.
  private var ids: [UInt8] = []
  private var ends: [Int] = []
  /// How many terms each document has, with repetitions: what the file says, or what the lists add up
  /// to where they are there in full and the file's lengths were rounded as Lucene rounds them.
  private(set) var lengths: [Int] = []
  /// How many lists each document is in.
  private var counts: [Int32] = []
  /// Whether the lengths are sums over the lists.
  private(set) var sumsLists = false

  /// Reads the file once.
  ///
  /// - Throws: 64 for what cannot be read twice, 65 for what is no such file, is cut or contradicts
  ///   itself, 66 where it is not there.
  package init(_ path: String) throws(Failure) {
    guard path != "-", WholeFile.isRegular(path) || !WholeFile.exists(path) else {
      throw .usage("\(path): CIFF is read more than once", hint: "write it to a file")
    }
    self.path = path
    var messages = try CIFFMessages(path)
    header = try messages.header()
    var sums: [Int] = []
    try messages.forEachList(header) { list throws(Failure) in
      let needed = Int(list.documents[list.documents.count - 1]) + 1
      if needed > sums.count {
        sums += repeatElement(0, count: needed - sums.count)
        counts += repeatElement(0, count: needed - counts.count)
      }
      for (document, frequency) in zip(list.documents, list.frequencies) {
        sums[Int(document)] += Int(frequency)
        counts[Int(document)] += 1
      }
    }
    try readDocuments(&messages)
    let missing = lengths.count - sums.count
    sums += repeatElement(0, count: missing)
    counts += repeatElement(0, count: missing)
    if header.lists == header.totalLists,
      lengths.allSatisfy({ $0 == 0 })
        || zip(sums, lengths).allSatisfy({ sum, length in
          length == sum || length == DocumentLength.length(DocumentLength.byte(sum))
        })
    {
      (lengths, sumsLists) = (sums, true)
    }
  }

  private func readDocuments(_ messages: inout CIFFMessages) throws(Failure) {
    var found: [(id: Range<Int>, length: Int)?] = []
    var all: [UInt8] = []
    for place in 0..<header.documents {
      let document = try messages.document(place)
      guard document.number < header.documents else {
        throw messages.damage(
          "document \(place)", "a number below \(header.documents)", "\(document.number)")
      }
      if document.number >= found.count {
        found += repeatElement(nil, count: document.number + 1 - found.count)
      }
      guard found[document.number] == nil else {
        throw messages.damage("document \(place)", "another number", "\(document.number) again")
      }
      guard !document.id.isEmpty,
        !document.id.contains(where: { $0 == 0 || $0 == 0x20 || (0x09...0x0D).contains($0) })
      else {
        throw messages.damage(
          "document \(place)", "an id without white space and NUL",
          "'\(String(decoding: document.id, as: UTF8.self))'")
      }
      guard document.length <= Int(Int32.max) else {
        throw messages.damage("document \(place)", "a length", "\(document.length)")
      }
      found[document.number] = (all.count..<all.count + document.id.count, document.length)
      all += document.id
    }
    try messages.finish()
    for case let (id, length)? in found {
      ids += all[id]
      ends.append(ids.count)
      lengths.append(length)
    }
  }

  var documents: Int { ends.count }

  /// A document's id.
  package func id(_ document: Int) -> ArraySlice<UInt8> {
    ids[(document == 0 ? 0 : ends[document - 1])..<ends[document]]
  }

  /// Calls `body` with each list, in their order.
  func forEachList(_ body: (CIFF.List) throws(Failure) -> Void) throws(Failure) {
    var messages = try CIFFMessages(path)
    guard try messages.header() == header else { throw .data(path, "changed while it was read") }
    try messages.forEachList(header, body)
  }

  /// Calls `body` with the terms of each document, by the numbers of their lists, and how often it has
  /// them.
  ///
  /// The file is read once for as many documents as there is memory for.
  ///
  /// - Parameters:
  ///   - memory: Bytes.
  ///   - body: Gets documents in order.
  /// - Throws: What reading and `body` throw.
  package func forEachDocument(
    memory: Int,
    _ body: (_ document: Int, _ terms: ArraySlice<Int32>, _ frequencies: ArraySlice<Int32>)
      throws(Failure) -> Void
  ) throws(Failure) {
    var first = 0
    while first < documents {
      var starts = [0]
      var last = first
      while last < documents, last == first || starts[starts.count - 1] * 8 < memory {
        starts.append(starts[starts.count - 1] + Int(counts[last]))
        last += 1
      }
      var terms = [Int32](repeating: 0, count: starts[last - first])
      var frequencies = terms
      var next = starts
      var number: Int32 = 0
      try forEachList { list throws(Failure) in
        for (document, frequency) in zip(list.documents, list.frequencies)
        where document >= first && document < last {
          let place = next[Int(document) - first]
          guard place < starts[Int(document) - first + 1] else {
            throw .data(path, "changed while it was read")
          }
          next[Int(document) - first] += 1
          (terms[place], frequencies[place]) = (number, frequency)
        }
        number += 1
      }
      for document in first..<last {
        let range = starts[document - first]..<starts[document - first + 1]
        try body(document, terms[range], frequencies[range])
      }
      first = last
    }
  }
}

/// The messages of a file, one after the other.
private struct CIFFMessages {
  private let input: ByteReader
  private var list = CIFF.List()
  /// Bytes that were read, and how many of them were taken.
  private var window: [UInt8] = []
  private var taken = 0

  init(_ path: String) throws(Failure) { input = try ByteReader(path) }

  func damage(_ place: String, _ expected: String, _ found: String) -> Failure {
    .data("\(input.name): \(place)", "expected \(expected), found \(found)")
  }

  mutating func header() throws(Failure) -> CIFF.Header {
    let header = try message("the header") { CIFFDecoder.header($0) }
    guard let header, (1...Int(Int32.max)).contains(header.version) else {
      throw .data(input.name, "expected an index in the Common Index File Format (CIFF)")
    }
    guard header.version == CIFF.version else {
      throw .config(input.name, "CIFF of version \(header.version), this release reads 1")
    }
    // A message takes two bytes at least, so that a header that lies cannot claim memory.
    let limit = min(Int(Int32.max), input.size * ByteReader.expansionRatio)
    guard header.lists < limit, header.documents < limit, header.totalTerms >= 0 else {
      throw .data(
        input.name,
        "expected a file of \(header.lists) lists and \(header.documents) documents, found a short one"
      )
    }
    return header
  }

  mutating func forEachList(
    _ header: CIFF.Header, _ body: (CIFF.List) throws(Failure) -> Void
  ) throws(Failure) {
    for number in 0..<header.lists {
      let place = "postings list \(number)"
      var list = self.list
      self.list = CIFF.List()
      let fault = try message(place) { CIFFDecoder.list($0, into: &list) }
      if let fault { throw damage(place, "a term's postings", fault) }
      guard let last = list.documents.last, last < header.documents else {
        throw damage(
          place, "documents below \(header.documents)", "\(list.documents.last ?? 0)")
      }
      try body(list)
      self.list = list
    }
  }

  mutating func document(_ number: Int) throws(Failure) -> CIFF.Document {
    let document = try message("document \(number)") { CIFFDecoder.document($0) }
    guard let document else { throw damage("document \(number)", "a record", "other bytes") }
    return document
  }

  /// - Throws: 65 where more follows.
  mutating func finish() throws(Failure) {
    guard try ensure(1) == 0 else {
      throw .data(input.name, "damaged: more follows the last document")
    }
  }

  /// Calls `body` with the bytes of the next message.
  private mutating func message<R>(
    _ place: String, _ body: (UnsafeRawBufferPointer) -> R
  ) throws(Failure) -> R {
    var (size, shift) = (0, 0)
    while true {
      guard try ensure(1) > 0, shift < 35 else {
        throw .data("\(input.name): \(place)", "truncated: the file ends before it")
      }
      let byte = window[taken]
      taken += 1
      size |= Int(byte & 0x7F) << shift
      shift += 7
      if byte < 0x80 { break }
    }
    guard size <= Int(Int32.max) else {
      throw damage(place, "a message of at most \(Int32.max) bytes", "\(size)")
    }
    guard try ensure(size) >= size else {
      throw .data("\(input.name): \(place)", "truncated: the file ends inside of it")
    }
    defer { taken += size }
    return window.withUnsafeBytes {
      body(UnsafeRawBufferPointer(rebasing: $0[taken..<taken + size]))
    }
  }

  /// Reads until so many bytes wait, or the file ends: memory grows with what really comes.
  ///
  /// - Returns: How many wait.
  private mutating func ensure(_ count: Int) throws(Failure) -> Int {
    if window.count - taken >= count { return window.count - taken }
    window.removeFirst(taken)
    taken = 0
    while window.count < count {
      let chunk = try [UInt8](atMost: 1 << 20) { memory throws(Failure) in
        try input.read(into: memory)
      }
      if chunk.isEmpty { break }
      window += chunk
    }
    return window.count
  }
}
