import Failures

/// Words and signs of the tags of a chat template.
enum TemplateToken: Equatable {
  case name(String)
  case string(String)
  case integer(Int)
  case sign(String)
}

/// Pieces of a chat template in the syntax of Jinja, with the settings of transformers: blocks take the
/// blanks in front of them in their line and the line's end behind them along (`trim_blocks`,
/// `lstrip_blocks`), and the last line's end is left out.
struct TemplateLexer {
  enum Piece {
    case text(String)
    case output([TemplateToken])
    case block([TemplateToken])
  }

  private let scalars: [UnicodeScalar]
  private let place: String
  private var position = 0
  private var pieces: [Piece] = []

  static func pieces(of template: String, at place: String) throws(Failure) -> [Piece] {
    var lexer = TemplateLexer(template, place)
    try lexer.run()
    return lexer.pieces
  }

  private init(_ template: String, _ place: String) {
    var scalars = Array(template.unicodeScalars)
    if scalars.last == "\n" { scalars.removeLast() }
    self.scalars = scalars
    self.place = place
  }

  private func isAt(_ text: String, _ position: Int) -> Bool {
    let wanted = Array(text.unicodeScalars)
    return position + wanted.count <= scalars.count
      && scalars[position..<position + wanted.count].elementsEqual(wanted)
  }

  private mutating func run() throws(Failure) {
    var text: [UnicodeScalar] = []
    while position < scalars.count {
      guard let kind = ["{{", "{%", "{#"].first(where: { isAt($0, position) }) else {
        text.append(scalars[position])
        position += 1
        continue
      }
      if isAt("-", position + 2) {
        while let last = text.last, last.properties.isWhitespace { text.removeLast() }
      } else if kind != "{{" {
        Self.stripLine(&text)
      }
      if !text.isEmpty { pieces.append(.text(Self.string(text))) }
      text = []
      try readTag(kind)
    }
    if !text.isEmpty { pieces.append(.text(Self.string(text))) }
  }

  private static func string(_ scalars: [UnicodeScalar]) -> String {
    var text = String.UnicodeScalarView()
    text.append(contentsOf: scalars)
    return String(text)
  }

  /// Takes away blanks behind the last line's end, where there is nothing else.
  private static func stripLine(_ text: inout [UnicodeScalar]) {
    let blanks = text.reversed().prefix { $0 == " " || $0 == "\t" }.count
    let rest = text.count - blanks
    if rest == 0 || text[rest - 1] == "\n" { text.removeLast(blanks) }
  }

  private mutating func readTag(_ kind: String) throws(Failure) {
    let end = kind == "{{" ? "}}" : kind == "{%" ? "%}" : "#}"
    position += 2
    if isAt("-", position) || isAt("+", position) { position += 1 }
    var tokens: [TemplateToken] = []
    while !isAt(end, position) && !(isAt("-" + end, position)) {
      guard position < scalars.count else {
        throw .data(place, "chat template: a tag \(kind) that does not end")
      }
      if kind == "{#" {
        position += 1
      } else if let token = try readToken() {
        tokens.append(token)
      }
    }
    let strips = isAt("-", position)
    position += strips ? 3 : 2
    if strips {
      while position < scalars.count, scalars[position].properties.isWhitespace { position += 1 }
    } else if kind != "{{", position < scalars.count, scalars[position] == "\n" {
      position += 1
    }
    if kind == "{{" { pieces.append(.output(tokens)) }
    if kind == "{%" { pieces.append(.block(tokens)) }
  }

  private static let signs = [
    "==", "!=", "<=", ">=", "//", "**", "<", ">", "+", "-", "*", "/", "%", "~", "|", "(", ")",
    "[", "]", "{", "}", ".", ",", ":", "=",
  ]

  private mutating func readToken() throws(Failure) -> TemplateToken? {
    let first = scalars[position]
    if first.properties.isWhitespace {
      position += 1
      return nil
    }
    if first == "'" || first == "\"" { return try readString(first) }
    if first.properties.isAlphabetic || first == "_" {
      return .name(readRun { $0.properties.isAlphabetic || $0 == "_" || ("0"..."9").contains($0) })
    }
    if ("0"..."9").contains(first) {
      let digits = readRun { ("0"..."9").contains($0) }
      guard let number = Int(digits) else {
        throw .data(place, "chat template: the number \(digits) is not supported")
      }
      return .integer(number)
    }
    guard let sign = Self.signs.first(where: { isAt($0, position) }) else {
      throw .data(place, "chat template: the sign \(first) is not supported")
    }
    position += sign.unicodeScalars.count
    return .sign(sign)
  }

  private mutating func readRun(_ belongs: (UnicodeScalar) -> Bool) -> String {
    let start = position
    while position < scalars.count, belongs(scalars[position]) { position += 1 }
    return Self.string(Array(scalars[start..<position]))
  }

  private mutating func readString(_ quote: UnicodeScalar) throws(Failure) -> TemplateToken {
    var text: [UnicodeScalar] = []
    position += 1
    while position < scalars.count, scalars[position] != quote {
      if scalars[position] == "\\", position + 1 < scalars.count {
        position += 1
        let escapes: [UnicodeScalar: UnicodeScalar] = ["n": "\n", "t": "\t", "r": "\r"]
        text.append(escapes[scalars[position]] ?? scalars[position])
      } else {
        text.append(scalars[position])
      }
      position += 1
    }
    guard position < scalars.count else {
      throw .data(place, "chat template: a string that does not end")
    }
    position += 1
    return .string(Self.string(text))
  }
}
