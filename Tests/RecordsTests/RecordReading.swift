import Failures
import Records
import TestSupport

/// All records of operands as `id|text`, read in blocks of a given size.
func records(
  _ operands: [String], _ options: RecordOptions = RecordOptions(), blockSize: Int = 1 << 18,
  range: Range<Int>? = nil
) throws -> [String] {
  let reader = try TextRecordReader(operands, options: options, blockSize: blockSize)
  if let range { try reader.restrict(to: range) }
  var found: [String] = []
  while let batch = try reader.next() {
    for i in 0..<batch.count { found.append("\(batch.idString(i))|\(batch.text(i))") }
  }
  return found
}

func records(_ text: String, _ options: RecordOptions = RecordOptions()) throws -> [String] {
  try records([TemporaryFolder.file(text)], options)
}

func whyRefused(_ text: String, _ options: RecordOptions = RecordOptions()) -> Failure? {
  do {
    _ = try records(text, options)
    return nil
  } catch { return error as? Failure }
}
