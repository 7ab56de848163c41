internal import CYaml
import Failures

/// A value of a YAML document, aliases replaced by what they stand for.
indirect enum YAMLNode {
  /// A plain scalar is one without quotes, whose text says what it is.
  case scalar(String, isPlain: Bool)
  case sequence([YAMLNode])
  case mapping([(key: String, value: YAMLNode)])
}

extension YAMLNode {
  /// Whether the value is one of YAML's words for nothing.
  var isNull: Bool {
    guard case .scalar(let text, isPlain: true) = self else { return false }
    return ["", "~", "null", "Null", "NULL"].contains(text)
  }
}

/// Reads a YAML document from the events of libyaml, as which Yams brings it.
///
/// Yams itself builds its values without a limit, and compares keys that are mappings with each
/// other: a few hundred bytes of aliases of aliases keep it busy for ever.
struct YAMLParser {
  /// Levels of values in values.
  static let mostLevels = 64
  /// Values of a document, those that aliases stand for included.
  static let mostValues = 100_000
  /// Bytes of a file.
  static let mostBytes = 1 << 24

  /// What is said of too many levels.
  fileprivate static let levelsExpected =
    "expected at most \(mostLevels) levels of values, found more"

  /// A value with its size.
  private struct Built {
    var node: YAMLNode
    /// Values of which it consists.
    var values = 1
    /// Levels of values below it.
    var levels = 0
  }

  private let place: String
  private let events: YAMLEvents
  private var anchors: [String: Built] = [:]
  private var values = 0

  private init(_ events: YAMLEvents, _ place: String) {
    self.events = events
    self.place = place
  }

  /// The one document of a text; nil where it has none.
  ///
  /// - Throws: 65 where the text is not YAML, holds several documents, a key that is no text or is
  ///   there twice, or more levels or values than a configuration can have.
  static func document(_ text: [UInt8], place: String) throws(Failure) -> YAMLNode? {
    let events = try YAMLEvents(text, place: place)
    var parser = YAMLParser(events, place)
    _ = try events.next()
    guard case .other = try events.next() else { return nil }
    let root = try parser.value(try events.next(), level: 0).node
    _ = try events.next()
    guard case .end = try events.next() else {
      throw .data(parser.here, "expected one YAML document, found another one behind it")
    }
    return root
  }

  private var here: String { "\(place):\(events.line)" }

  private mutating func count(_ more: Int) throws(Failure) {
    values += more
    guard values <= Self.mostValues else {
      throw .data(
        here, "expected at most \(Self.mostValues) values, found more once aliases are replaced")
    }
  }

  private func check(_ level: Int) throws(Failure) {
    guard level <= Self.mostLevels else {
      throw .data(here, Self.levelsExpected)
    }
  }

  private mutating func value(_ event: YAMLEvents.Event, level: Int) throws(Failure) -> Built {
    try check(level)
    switch event {
    case .scalar(let text, let isPlain, let anchor):
      try count(1)
      return note(Built(node: .scalar(text, isPlain: isPlain)), anchor)
    case .alias(let name):
      guard let built = anchors[name] else {
        throw .data(here, "there is no anchor \(name) in front of its alias")
      }
      try count(built.values)
      try check(level + built.levels)
      return built
    case .sequenceStart(let anchor):
      try count(1)
      return note(try sequence(level), anchor)
    case .mappingStart(let anchor):
      try count(1)
      return note(try mapping(level), anchor)
    case .sequenceEnd, .mappingEnd, .other, .end: throw .data(here, "expected a value of YAML")
    }
  }

  private mutating func note(_ built: Built, _ anchor: String?) -> Built {
    if let anchor { anchors[anchor] = built }
    return built
  }

  private mutating func sequence(_ level: Int) throws(Failure) -> Built {
    var elements: [YAMLNode] = []
    var built = Built(node: .sequence([]))
    while true {
      let event = try events.next()
      if case .sequenceEnd = event { break }
      let element = try value(event, level: level + 1)
      elements.append(element.node)
      built.values += element.values
      built.levels = max(built.levels, element.levels + 1)
    }
    built.node = .sequence(elements)
    return built
  }

  private mutating func mapping(_ level: Int) throws(Failure) -> Built {
    var members: [(key: String, value: YAMLNode)] = []
    var keys: Set<String> = []
    var built = Built(node: .mapping([]))
    while true {
      let event = try events.next()
      if case .mappingEnd = event { break }
      let line = here
      guard case .scalar(let key, _) = try value(event, level: level + 1).node else {
        throw .data(line, "expected a text as key")
      }
      guard keys.insert(key).inserted else { throw .data(line, "key \(key) is there twice") }
      let member = try value(try events.next(), level: level + 1)
      members.append((key, member.node))
      built.values += member.values + 1
      built.levels = max(built.levels, member.levels + 1)
    }
    built.node = .mapping(members)
    return built
  }
}

/// The events of a YAML text, one after the other.
private final class YAMLEvents {
  enum Event {
    case scalar(String, isPlain: Bool, anchor: String?)
    case alias(String)
    case sequenceStart(anchor: String?)
    case sequenceEnd
    case mappingStart(anchor: String?)
    case mappingEnd
    /// The start of the stream or of a document, or the end of one.
    case other
    case end
  }

  private let text: UnsafeMutableBufferPointer<UInt8>
  private let place: String
  private let parser: UnsafeMutablePointer<yaml_parser_t>
  /// Line of the last event, from 1.
  private(set) var line = 1

  init(_ text: [UInt8], place: String) throws(Failure) {
    self.place = place
    // The parser keeps pointers into the text, and into itself.
    self.text = .allocate(capacity: text.count)
    _ = self.text.initialize(from: text)
    parser = .allocate(capacity: 1)
    guard yaml_parser_initialize(parser) == 1 else {
      parser.deallocate()
      self.text.deallocate()
      throw Failure(.software, at: place, "no memory for a parser of YAML")
    }
    yaml_parser_set_input_string(parser, self.text.baseAddress, self.text.count)
  }

  deinit {
    yaml_parser_delete(parser)
    parser.deallocate()
    text.deallocate()
  }

  /// The next event.
  ///
  /// - Throws: 65 where the text is not YAML.
  func next() throws(Failure) -> Event {
    var event = yaml_event_t()
    guard yaml_parser_parse(parser, &event) == 1 else { throw failure }
    defer { yaml_event_delete(&event) }
    line = Int(event.start_mark.line) + 1
    let data = event.data
    switch event.type {
    case YAML_SCALAR_EVENT:
      let bytes = UnsafeBufferPointer(start: data.scalar.value, count: data.scalar.length)
      let tag = Self.text(data.scalar.tag)
      return .scalar(
        String(decoding: bytes, as: UTF8.self),
        isPlain: data.scalar.style == YAML_PLAIN_SCALAR_STYLE && tag != YAML_STR_TAG,
        anchor: Self.text(data.scalar.anchor))
    case YAML_ALIAS_EVENT: return .alias(Self.text(data.alias.anchor) ?? "")
    case YAML_SEQUENCE_START_EVENT:
      return .sequenceStart(anchor: Self.text(data.sequence_start.anchor))
    case YAML_SEQUENCE_END_EVENT: return .sequenceEnd
    case YAML_MAPPING_START_EVENT:
      return .mappingStart(anchor: Self.text(data.mapping_start.anchor))
    case YAML_MAPPING_END_EVENT: return .mappingEnd
    case YAML_STREAM_END_EVENT: return .end
    default: return .other
    }
  }

  private static func text(_ bytes: UnsafeMutablePointer<UInt8>?) -> String? {
    bytes.map { String(cString: $0) }
  }

  private var failure: Failure {
    func text(_ message: UnsafePointer<CChar>?) -> String? { message.map { String(cString: $0) } }
    let error = parser.pointee
    guard error.error != YAML_READER_ERROR else {
      return .data(place, "expected YAML: \(text(error.problem) ?? "no UTF-8")")
    }
    let line = error.problem_mark.line + 1
    let problem = text(error.problem) ?? "something else"
    // The library has a limit of its own, which it may meet first: it looks ahead.
    if problem.hasPrefix("Maximum nesting") {
      return .data("\(place):\(line)", YAMLParser.levelsExpected)
    }
    let context = text(error.context).map { ", \($0)" } ?? ""
    return .data("\(place):\(line)", "expected YAML: \(problem)\(context)")
  }
}
