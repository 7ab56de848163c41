import Failures
import Records
import Tensors

extension ShardOptions {
  /// The shard that was asked for; nil if none.
  package func selection() throws(Failure) -> ShardSelection? {
    guard let shard else { return nil }
    return try ShardSelection(parsing: shard)
  }

  /// The shard as an output says it, `i/n`; nil for all of the input, and where nothing is said.
  package func recorded(in output: OutputOptions) throws(Failure) -> String? {
    output.noProvenance ? nil : try selection()?.description
  }

  /// The records of a tensor stream that are asked for; nil for all.
  ///
  /// - Throws: 64 for a shard that is none, 66 and 74 where the stream cannot be read.
  package func records(ofStream path: String) throws(Failure) -> Range<Int>? {
    guard let selection = try selection() else { return limit.map { 0..<$0 } }
    let count = try TensorStreamReader.countRecords(path)
    return selection.range(of: min(count, limit ?? count))
  }

  /// Counts the records of the operands and keeps the shard's; the range that is kept.
  ///
  /// - Throws: 64 where an operand cannot be read twice.
  @discardableResult
  package func restrict(
    _ reader: TextRecordReader, operands: [String], options: RecordOptions
  ) throws(Failure) -> Range<Int>? {
    guard let selection = try selection() else { return nil }
    let total = try TextRecordReader.countRecords(operands, options: options)
    let range = selection.range(of: total)
    try reader.restrict(to: range)
    return range
  }
}

/// Operands of tools that read the standard input where there are none.
package enum Operands {
  /// The operands, or `-`.
  ///
  /// - Throws: 64 where there is none and the standard input is a terminal.
  package static func resolve(_ operands: [String]) throws(Failure) -> [String] {
    if !operands.isEmpty { return operands }
    if isTerminal(0) {
      throw .usage(
        "nothing to read", hint: "name a file, or pipe something into it; --help says more")
    }
    return ["-"]
  }
}
