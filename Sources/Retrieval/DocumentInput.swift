import Failures
import IndexFormat
import Records
import Streams
import Tensors

/// The documents that an index is built from, read as often as its type needs.
package enum DocumentInput {
  /// Tensor streams, in order, and how many of their documents count, from the first on.
  case streams([String], limit: Int = .max)
  /// Files of text records, in order.
  case texts([String], RecordOptions)

  package var operands: [String] {
    switch self {
    case .streams(let operands, _), .texts(let operands, _): operands
    }
  }

  var isTexts: Bool { if case .texts = self { true } else { false } }

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
    case .texts(let operands, let options):
      let reader = try TextRecordReader(operands, options: options)
      while let batch = try reader.next() {
        if let failure = batch.firstSkipped { warn("\(failure), skipped") }
        if batch.skipped > 0 { skip(batch.skipped) }
        reading { reader.extent }
        try body(.texts(batch), nil)
      }
    case .streams(let operands, let limit):
      // One task of an array builds the index of its shard alone.
      var agreement = StreamAgreement(allowsLonePart: operands.count == 1)
      var (finished, documents) = (0, 0)
      for operand in operands where documents < limit {
        let reader = try TensorStreamReader(operand)
        while documents < limit, let segment = try reader.next() {
          if let warning = try agreement.follow(segment, operand) { warn(warning) }
          try Self.check(segment, operand)
          reading { Self.extent(reader, finished, operands) }
          let count = min(segment.records, limit - documents)
          try body(.records(segment, 0..<count), segment)
          documents += count
        }
        finished += reader.extent.read
      }
      if operands.count > 1, documents < limit, let missing = agreement.missing {
        throw .data(operands.joined(separator: " "), "\(missing) missing")
      }
    }
  }

  private static func extent(
    _ reader: TensorStreamReader, _ finished: Int, _ operands: [String]
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

  /// Refuses an input that cannot be read twice.
  ///
  /// - Throws: 64 for a pipe.
  func checkReadableTwice(for type: String) throws(Failure) {
    for operand in operands where operand == "-" || !WholeFile.isRegular(operand) {
      throw .usage(
        "\(type) reads the documents twice, and \(operand == "-" ? "the standard input" : operand) "
          + "is gone after the first time", hint: "write them to a file")
    }
  }
}
