import Failures
import Glibc
import Streams

/// Text records of several operands, read one after the other.
///
/// Reading is split in two: `nextBlock`, sequential and cheap, cuts the input between records;
/// `parser.parse`, pure, may run on any thread. `next` does both.
package final class TextRecordReader {
  /// Parses the blocks of this reader.
  package let parser: RecordParser
  private let operands: [String]
  private let blockSize: Int
  /// Operands that somebody has opened already, to look into them; each stands for one reading.
  private var opened: [String: ByteReader]
  private var nextOperand = 0
  private var file: FileState?
  private var ordinal = 0
  private var wanted: Range<Int>?
  /// Bytes of the operands that were read to their ends.
  private var finishedBytes = 0

  /// What is known of the operand that is being read.
  private struct FileState {
    var lines: LineReader
    var format: RecordFormat
    var columns = TSVColumns()
    var isAtStart = true
    /// SGML behind the last whole record, and its first line.
    var rest: [UInt8] = []
    var restLine = 1
  }

  /// A reader over operands; none is the standard input.
  ///
  /// - Throws: 66 if an operand does not exist, before any is read.
  package init(
    _ operands: [String], options: RecordOptions = RecordOptions(), blockSize: Int = 1 << 18,
    opened: [String: ByteReader] = [:]
  ) throws(Failure) {
    self.operands = operands.isEmpty ? ["-"] : operands
    self.blockSize = blockSize
    self.opened = opened
    parser = RecordParser(options)
    wanted = options.limit.map { 0..<$0 }
    for operand in self.operands where operand != "-" && !WholeFile.exists(operand) {
      throw Failure(.noInput, at: operand, SystemError.text(ENOENT))
    }
  }

  /// Reads only the records with these ordinals: a shard.
  ///
  /// - Throws: 64 where the operands cannot be read twice, as whoever chose the range must
  ///   have counted them.
  package func restrict(to range: Range<Int>) throws(Failure) {
    for operand in operands { try Self.checkRereadable(operand) }
    wanted = range
  }

  /// How far reading is, in bytes of the operands.
  package var extent: InputExtent {
    var total: Int? = 0
    for operand in operands {
      let size = WholeFile.size(operand)
      total = total.flatMap { total in size.map { total + $0 } }
    }
    return InputExtent(read: finishedBytes + (file?.lines.consumed ?? 0), total: total)
  }

  /// The records of the next block; nil at the end.
  ///
  /// An eager reader does not wait for a full block: for a pipe that somebody types into.
  package func next(eager: Bool = false) throws(Failure) -> RecordBatch? {
    guard let block = try nextBlock(eager: eager) else { return nil }
    return try parser.parse(block)
  }

  /// The next block of whole records; nil at the end.
  package func nextBlock(eager: Bool = false) throws(Failure) -> RecordBlock? {
    while true {
      if let wanted, ordinal >= wanted.upperBound { return nil }
      if file == nil { file = try open() }
      // Out of its place while it changes, so that its buffers have one owner.
      guard var state = file.take() else { return nil }
      guard var block = try cut(&state, eager: eager) else {
        finishedBytes += state.lines.consumed
        continue
      }
      file = state
      ordinal += block.count
      if let wanted {
        let range = block.firstOrdinal..<ordinal
        let kept = range.clamped(to: wanted)
        block.kept = (kept.lowerBound - range.lowerBound)..<(kept.upperBound - range.lowerBound)
      }
      if block.kept.isEmpty { continue }
      return block
    }
  }

  /// Opens the next operand; nil if there is none.
  private func open() throws(Failure) -> FileState? {
    guard nextOperand < operands.count else { return nil }
    let operand = operands[nextOperand]
    nextOperand += 1
    let format =
      parser.options.format == .auto
      ? RecordFormat(suffixOf: operand) ?? .auto : parser.options.format
    let reader: ByteReader
    if let known = opened.removeValue(forKey: operand) {
      reader = known
    } else {
      reader = try ByteReader(operand)
    }
    return FileState(lines: LineReader(reader, blockSize: blockSize), format: format)
  }

  private func cut(_ state: inout FileState, eager: Bool) throws(Failure) -> RecordBlock? {
    guard let lines = try state.lines.next(eager: eager) else {
      return state.rest.isEmpty ? nil : lastSGML(&state)
    }
    var headerLines = 0
    if state.isAtStart {
      headerLines = try start(&state, lines)
      state.isAtStart = false
    }
    if state.format == .trec { return try cutSGML(&state, lines, eager: eager) }
    let count = lines.lineCount - headerLines
    return RecordBlock(
      bytes: lines.bytes, firstLine: lines.firstLine, file: state.lines.name,
      firstOrdinal: ordinal, count: count, format: state.format, headerLines: headerLines,
      columns: state.columns, kept: 0..<count)
  }

  /// Finds out the format at the start of a file; the number of header lines.
  private func start(_ state: inout FileState, _ lines: LineBlock) throws(Failure) -> Int {
    if InputSort.isStream(lines.bytes) {
      throw .data(
        state.lines.name, "expected text records, found a tensor stream",
        hint: InputSort.stream.hintForTexts)
    }
    if state.format == .auto {
      state.format = lines.bytes.withUnsafeBytes { RecordFormat(detecting: $0) }
    }
    let options = parser.options
    if state.format == .trec, options.content == .pairs {
      throw .usage("\(state.lines.name): pairs come as TSV or JSONL, not as TREC SGML")
    }
    guard state.format == .tsv else { return 0 }
    let end = lines.bytes.firstIndex(where: { $0 == 0x0A || $0 == 0x0D }) ?? lines.bytes.count
    let name = state.lines.name
    let reading = try lines.bytes.withBytes { bytes throws(Failure) in
      try TSVHeader.read(UnsafeRawBufferPointer(rebasing: bytes[..<end]), options, file: name)
    }
    state.columns = reading.columns
    return reading.isHeader ? 1 : 0
  }

  /// Cuts behind the last whole record, and keeps the rest for the next block.
  private func cutSGML(
    _ state: inout FileState, _ first: LineBlock, eager: Bool
  ) throws(Failure) -> RecordBlock? {
    var bytes = state.rest
    state.rest = []
    bytes.append(contentsOf: first.bytes)
    while true {
      if let records = SGML.records(bytes) {
        let line = state.restLine
        state.rest = Array(bytes[records.end...])
        bytes.removeSubrange(records.end...)
        state.restLine += bytes.count { $0 == Bytes.newline }
        return sgmlBlock(state, bytes, line: line, count: records.count)
      }
      if bytes.count > LineReader.maximumLineLength {
        throw .line(
          state.lines.name, state.restLine,
          expected: "</DOC> or </top> within \(LineReader.maximumLineLength) bytes",
          found: "none")
      }
      guard let more = try state.lines.next(eager: eager) else {
        state.rest = bytes
        return lastSGML(&state)
      }
      bytes.append(contentsOf: more.bytes)
    }
  }

  /// What is behind the last whole record: nothing but space, or a record that is cut.
  private func lastSGML(_ state: inout FileState) -> RecordBlock? {
    let bytes = state.rest
    state.rest = []
    if bytes.allSatisfy(Bytes.isSpace) { return nil }
    var block = sgmlBlock(state, bytes, line: state.restLine, count: 1)
    block.endsFile = true
    return block
  }

  private func sgmlBlock(
    _ state: FileState, _ bytes: [UInt8], line: Int, count: Int
  ) -> RecordBlock {
    RecordBlock(
      bytes: bytes, firstLine: line, file: state.lines.name, firstOrdinal: ordinal, count: count,
      format: .trec, kept: 0..<count)
  }

  /// Counts the records of operands, good and bad, without parsing them.
  ///
  /// - Throws: 64 where an operand cannot be read twice.
  package static func countRecords(
    _ operands: [String], options: RecordOptions = RecordOptions()
  ) throws(Failure) -> Int {
    let reader = try TextRecordReader(operands, options: options, blockSize: 1 << 20)
    for operand in reader.operands { try checkRereadable(operand) }
    var count = 0
    while let block = try reader.nextBlock() { count += block.kept.count }
    return count
  }

  private static func checkRereadable(_ operand: String) throws(Failure) {
    var isRereadable = false
    if operand != "-" { isRereadable = try OwnedDescriptor.isRegular(operand) }
    if !isRereadable {
      throw .usage(
        "a shard is counted off first, and \(operand == "-" ? "the standard input" : operand) "
          + "cannot be read twice", hint: "give the input as a file")
    }
  }
}

extension OwnedDescriptor {
  /// Whether a path leads to a regular file; looked up without opening it, which would block on a
  /// pipe.
  fileprivate static func isRegular(_ path: String) throws(Failure) -> Bool {
    var info = stat()
    guard stat(path, &info) == 0 else {
      throw Failure(.noInput, at: path, SystemError.text(errno))
    }
    return info.st_mode & S_IFMT == S_IFREG
  }
}
