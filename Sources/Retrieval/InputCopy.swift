import Failures
import Streams
import Tensors

/// What came through a pipe, in a file that is gone with the process.
package struct InputCopy {
  private let file: SpoolFile
  private let isDecompressed: Bool

  init(_ file: SpoolFile, isDecompressed: Bool) {
    self.file = file
    self.isDecompressed = isDecompressed
  }

  /// A copy of the beginning of a pipe, of no more than what holds the records that are wanted: nobody
  /// waits for what comes behind them.
  ///
  /// - Parameters:
  ///   - folder: Where the file is made.
  ///   - inputs: All inputs.
  ///   - index: The place of the pipe among them.
  ///   - documents: Records of the inputs in front of it; those of this one are added.
  ///   - limit: How many records are wanted of all inputs.
  /// - Throws: As reading it does; 73 and 74 where the copy cannot be written.
  init(
    folder: String, of inputs: VectorInputs, _ index: Int, documents: inout Int, upTo limit: Int
  ) throws(Failure) {
    let file = try SpoolFile(folder: folder)
    let input = try ByteReader(inputs.operands[index], takingArrays: true)
    input.copy = file
    let reader = try inputs.open(index, opened: input, limit: limit - documents, eager: true)
    while documents < limit, let segment = try reader.next() { documents += segment.records }
    try file.drain()
    self.init(file, isDecompressed: true)
  }

  func reader(_ name: String) throws(Failure) -> ByteReader {
    try file.reader(name, isDecompressed: isDecompressed)
  }
}
