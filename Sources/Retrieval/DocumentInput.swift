import Failures
import IndexFormat
import Records
import Streams
import Tensors

/// The documents that an index is built from, read as often as its type needs.
package enum DocumentInput {
  /// Tensor streams or other files of vectors, in order, which of their documents count, and what is
  /// said of vectors that do not say it themselves; those that are open already, and copies of those that
  /// can be read once only.
  case streams(
    [String], documents: Range<Int> = 0..<Int.max, claims: VectorClaims = VectorClaims(),
    opened: [String: ByteReader] = [:], copies: [String: InputCopy] = [:])
  /// Files of text records, in order, and which of the documents count, nil for all; those that are
  /// open already.
  case texts(
    [String], RecordOptions, documents: Range<Int>? = nil, opened: [String: ByteReader] = [:])

  package var operands: [String] {
    switch self {
    case .streams(let operands, _, _, _, _), .texts(let operands, _, _, _): operands
    }
  }

  /// The numbers of terms that nothing else says; nil of texts, and where something does.
  var ownTerms: TermVocabulary? {
    guard case .streams(_, _, let claims, _, _) = self, claims.vocabulary == nil else { return nil }
    return claims.terms
  }

  var isTexts: Bool { if case .texts = self { true } else { false } }

  /// The files of vectors; nil of texts.
  var vectors: VectorInputs? {
    guard case .streams(let operands, _, let claims, _, _) = self else { return nil }
    return VectorInputs(operands, claims, as: .doc)
  }

  /// Calls `body` with all documents, block by block.
  ///
  /// - Parameters:
  ///   - warn: Gets what a user is to be told of the input.
  ///   - skip: Gets the number of records that were malformed and passed over.
  ///   - reading: Gets what tells how far reading is, before each block.
  ///   - body: Gets a block, and of tensor streams the segment that it comes from.
  /// - Throws: 65 for streams that do not belong together, and what reading throws.
  func forEachBlock(
    warn: (String) -> Void, skip: (Int) -> Void = { _ in },
    reading: (() -> InputExtent) -> Void = { _ in },
    _ body: (DocumentBlock, TensorSegment?) throws(Failure) -> Void
  ) throws(Failure) {
    switch self {
    case .texts(let operands, let options, let wanted, let opened):
      let reader = try TextRecordReader(operands, options: options, opened: opened)
      if let wanted { try reader.restrict(to: wanted) }
      while let batch = try reader.next() {
        if let failure = batch.firstSkipped { warn("\(failure), skipped") }
        if batch.skipped > 0 { skip(batch.skipped) }
        reading { reader.extent }
        try body(.texts(batch), nil)
      }
    case .streams(let operands, let wanted, let claims, let opened, let copies):
      let inputs = VectorInputs(operands, claims, as: .doc)
      // One task of an array builds the index of its shard alone.
      var agreement = StreamAgreement(allowsLonePart: operands.count == 1)
      var (finished, documents) = (0, 0)
      for (index, operand) in operands.enumerated() where documents < wanted.upperBound {
        let copy = try copies[operand].map { copy throws(Failure) in try copy.reader(operand) }
        let reader = try inputs.open(
          index, opened: copy ?? opened[operand], limit: wanted.upperBound - documents)
        for warning in reader.warnings { warn(warning) }
        while documents < wanted.upperBound, let segment = try reader.next() {
          if let warning = try agreement.follow(segment, operand) { warn(warning) }
          try Self.check(segment, operand)
          reading { Self.extent(reader, finished, operands) }
          let range = (documents..<documents + segment.records).clamped(to: wanted)
          // A segment of which nothing is wanted tells what the others are, too.
          let first = min(max(range.lowerBound - documents, 0), segment.records)
          try body(.records(segment, first..<first + range.count), segment)
          documents += segment.records
        }
        finished += reader.extent.read
      }
      if operands.count > 1, documents < wanted.upperBound, let missing = agreement.missing {
        throw .data(operands.joined(separator: " "), "\(missing) missing")
      }
    }
  }

  private static func extent(
    _ reader: any SegmentReader, _ finished: Int, _ operands: [String]
  ) -> InputExtent {
    let sizes = operands.map { WholeFile.size($0) }
    return InputExtent(
      read: finished + reader.extent.read,
      total: sizes.contains(nil) ? nil : sizes.reduce(0) { $0 + ($1 ?? 0) })
  }

  private static func check(_ segment: TensorSegment, _ operand: String) throws(Failure) {
    let role = segment.description.role
    guard role == .doc else {
      throw .config(operand, "expected embeddings of documents, found role \(role.rawValue)")
    }
  }

  /// The documents so that they can be read as often as one likes: what comes through a pipe is copied, as
  /// far as it is wanted.
  ///
  /// - Parameter folder: Where copies lie, in files that are gone with the process.
  /// - Returns: Them.
  /// - Throws: 66 where a pipe cannot be read, 73 and 74 where a copy cannot be written.
  func readableAgain(in folder: String) throws(Failure) -> DocumentInput {
    guard case .streams(let operands, let wanted, let claims, let opened, var copies) = self else {
      return self
    }
    let inputs = VectorInputs(operands, claims, as: .doc)
    var documents = 0
    for (index, operand) in operands.enumerated() where documents < wanted.upperBound {
      if operand != "-", WholeFile.isRegular(operand) {
        if wanted.upperBound < .max { documents += try inputs.countRecords(index) }
        continue
      }
      if copies[operand] != nil { continue }
      precondition(opened[operand] == nil, "\(operand): a pipe that was read already")
      copies[operand] =
        wanted.upperBound == .max
        ? InputCopy(try SpoolFile(folder: folder, copying: operand), isDecompressed: false)
        : try InputCopy(
          folder: folder, of: inputs, index, documents: &documents, upTo: wanted.upperBound)
    }
    return .streams(operands, documents: wanted, claims: claims, opened: opened, copies: copies)
  }
}
