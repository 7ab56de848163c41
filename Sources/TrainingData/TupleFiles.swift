import Failures
import Records
import Workers

/// The tuples of several files, one file behind the other; each may have a format of its own.
package final class TupleFiles: TupleSource {
  private let files: [TupleFile]
  /// How many tuples there are up to the end of each file.
  private let ends: [Int]
  package var count: Int { ends.last ?? 0 }
  package let documents: Int
  package let varies = false

  /// Reads each file once, and checks every tuple.
  ///
  /// - Parameters:
  ///   - operands: The files, at least one.
  ///   - options: How all are read, but for the formats.
  ///   - formats: One for each file; nil for what its first line looks like.
  ///   - queries: Texts of ids.
  ///   - docs: Texts of ids.
  ///   - folder: Where scratch files go.
  ///   - pool: Checks.
  /// - Throws: As `TupleFile` does; 65 for a file whose tuples have another number of documents than
  ///   those of the first, 78 for systems without hard negatives.
  package init(
    _ operands: [String], _ options: TupleFile.Options, formats: [TupleFormat?],
    queries: TextStore?, docs: TextStore?, scratchFolder folder: String, _ pool: WorkerPool
  ) throws(Failure) {
    precondition(operands.count == formats.count && !operands.isEmpty, "\(operands), \(formats)")
    var files: [TupleFile] = []
    var ends: [Int] = []
    for (operand, format) in zip(operands, formats) {
      var own = options
      own.format = format
      let file = try TupleFile(
        operand, own, queries: queries, docs: docs, scratchFolder: folder, pool)
      if let first = files.first, file.documents != first.documents {
        throw Failure(
          .data, at: "\(operand):1",
          "expected \(first.documents) documents as in \(operands[0]), found \(file.documents)",
          hint: "data.num_docs cuts longer tuples")
      }
      ends.append((ends.last ?? 0) + file.count)
      files.append(file)
    }
    if options.systems != nil, !files.contains(where: { $0.format == .hardNegatives }) {
      let found = files[0].format.rawValue
      throw .config(
        operands[0], "data.systems is for hard negatives (format sbert), and this is \(found)")
    }
    documents = files[0].documents
    self.files = files
    self.ends = ends
  }

  package func tuple(_ index: Int, epoch: Int) throws(Failure) -> TrainingTuple {
    let (file, own) = place(of: index)
    return try file.tuple(own, epoch: epoch)
  }

  package func keys(of index: Int, epoch: Int) -> [UInt64] {
    let (file, own) = place(of: index)
    return file.keys(of: own, epoch: epoch)
  }

  /// The file of a tuple, and its number there.
  private func place(of index: Int) -> (file: TupleFile, index: Int) {
    precondition(index >= 0 && index < count, "tuple \(index) of \(count)")
    // Lists are short: nobody has more files than a search by halves would pay for.
    let file = ends.firstIndex { index < $0 } ?? 0
    return (files[file], index - (file == 0 ? 0 : ends[file - 1]))
  }
}
