/// What a line looks like that is not what was expected of it, so that swapped operands can be named.
enum InputSort {
  case run
  case judgements
  case texts
  case stream
  case json

  /// What a line looks like; nil for nothing known.
  static func of(_ line: UnsafeRawBufferPointer) -> InputSort? {
    if isStream(line) { return .stream }
    let fields = LineFields(line)
    switch fields.count {
    case 0: return nil
    case 6 where NumberText.integer(fields[3]) != nil && NumberText.score(fields[4]) != nil:
      return .run
    case 4 where NumberText.double(fields[3]) != nil:
      return .judgements
    case 3 where QrelsHeader.recognizes(line): return .judgements
    default: break
    }
    switch line.first {
    case UInt8(ascii: "{"), UInt8(ascii: "["): return .json
    case UInt8(ascii: "<"): return .texts
    default: return isText(line, fields) ? .texts : nil
    }
  }

  /// Whether a line holds text: behind an id and a tab, or words without a number among them.
  ///
  /// The columns of runs and judgements hold no spaces, and numbers besides ids.
  private static func isText(_ line: UnsafeRawBufferPointer, _ fields: LineFields) -> Bool {
    let columns = line.split(separator: Bytes.tab, omittingEmptySubsequences: false)
    guard columns.count > 1 else {
      return fields.count > 1
        && line.allSatisfy { $0 >= 0x80 || !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
    guard !columns[0].contains(UInt8(ascii: " ")) else { return false }
    return columns.count == 2 || fields.count > 6
      || columns.dropFirst().contains { column in
        column.drop { $0 == 0x20 }.contains(0x20)
      }
  }

  /// Whether these bytes start a tensor stream: the length of a header of JSON, and its bracket.
  static func isStream(_ bytes: some Collection<UInt8>) -> Bool {
    let head = Array(bytes.prefix(9))
    return head.count == 9 && head[8] == UInt8(ascii: "{") && head[4..<8].allSatisfy { $0 == 0 }
  }

  /// What to do where a run was expected.
  var hintForRun: String? {
    switch self {
    case .judgements: "this looks like judgements, which are for --qrels; runs are operands"
    case .texts: "this looks like texts, not like a run; lir-search makes runs of queries"
    case .stream: "this is a tensor stream; lir-search makes runs of queries"
    case .json, .run: nil
    }
  }

  /// What to do where judgements were expected.
  var hintForJudgements: String? {
    switch self {
    case .run: "this looks like a run; judgements are for --qrels, runs are operands"
    case .texts: "this looks like texts, not like judgements"
    case .stream: "this is a tensor stream"
    case .json: "this looks like JSON lines; a JSONL run with grades is an operand"
    case .judgements: nil
    }
  }

  /// What to do where text records were expected.
  var hintForTexts: String? {
    switch self {
    case .run: "this looks like a run; lir-rerank takes one as its operand"
    case .judgements: "this looks like judgements"
    case .stream: "this is a tensor stream; lir-encode view shows what it holds"
    case .texts, .json: nil
    }
  }
}
