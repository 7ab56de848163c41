import Failures
import Streams

extension TensorStreamReader {
  /// Counts the records of a stream, for shards.
  ///
  /// - Throws: 64 where the operand cannot be read a second time.
  package static func countRecords(_ operand: String) throws(Failure) -> Int {
    try VectorInputs([operand], as: .doc).countRecords(0)
  }
}

extension VectorInputs {
  /// Counts the records of an operand, for shards.
  ///
  /// - Throws: 64 where it cannot be read a second time.
  package func countRecords(_ index: Int) throws(Failure) -> Int {
    let operand = operands[index]
    guard operand != "-", WholeFile.isRegular(operand) || !WholeFile.exists(operand) else {
      throw .usage("--shard needs inputs that can be read twice, not a pipe")
    }
    let reader = try open(index)
    var count = 0
    while let segment = try reader.next() { count += segment.records }
    return count
  }
}
