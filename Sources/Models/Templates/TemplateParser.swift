import Failures

/// Makes nodes of the pieces of a chat template.
struct TemplateParser {
  private let pieces: [TemplateLexer.Piece]
  private let place: String
  private var index = 0
  /// Blocks that stand in one another.
  private var levels = 0

  static func nodes(of template: String, at place: String) throws(Failure) -> [TemplateNode] {
    var parser = TemplateParser(
      pieces: try TemplateLexer.pieces(of: template, at: place), place: place)
    let (nodes, end) = try parser.body(until: [])
    precondition(end == nil, "a template that ends early")
    return nodes
  }

  private init(pieces: [TemplateLexer.Piece], place: String) {
    self.pieces = pieces
    self.place = place
  }

  private func failure(_ text: String) -> Failure { .data(place, "chat template: \(text)") }

  /// Nodes up to a block that begins with one of some words, and that block.
  private mutating func body(
    until ends: [String]
  ) throws(Failure) -> (nodes: [TemplateNode], end: ExpressionParser?) {
    levels += 1
    defer { levels -= 1 }
    guard levels <= ExpressionParser.mostLevels else {
      throw failure("expected at most \(ExpressionParser.mostLevels) levels of blocks, found more")
    }
    var nodes: [TemplateNode] = []
    while index < pieces.count {
      let piece = pieces[index]
      index += 1
      switch piece {
      case .text(let text): nodes.append(.text(text))
      case .output(let tokens):
        var parser = try ExpressionParser(tokens, place)
        nodes.append(.output(try parser.whole()))
      case .block(let tokens):
        var parser = try ExpressionParser(tokens, place)
        guard let word = parser.nextName() else { throw failure("a block without a word") }
        if ends.contains(word) {
          parser.word = word
          return (nodes, parser)
        }
        nodes.append(contentsOf: try block(word, &parser))
      }
    }
    guard ends.isEmpty else { throw failure("\(ends.last ?? "") is missing") }
    return (nodes, nil)
  }

  private mutating func block(
    _ word: String, _ parser: inout ExpressionParser
  ) throws(Failure) -> [TemplateNode] {
    switch word {
    case "if": return [try choice(try parser.whole())]
    case "for": return [try loop(&parser)]
    case "set":
      let name = try parser.name()
      let member = parser.take(".") ? try parser.name() : nil
      try parser.expect("=")
      return [.set(name, member: member, try parser.whole())]
    // Marks what an assistant says, which changes no text.
    case "generation", "endgeneration": return []
    default: throw failure("the block \(word) is not supported")
    }
  }

  private mutating func choice(_ first: TemplateExpression) throws(Failure) -> TemplateNode {
    var branches: [(TemplateExpression, [TemplateNode])] = []
    var condition: TemplateExpression? = first
    var otherwise: [TemplateNode] = []
    while true {
      let (nodes, end) = try body(until: ["elif", "else", "endif"])
      if let condition { branches.append((condition, nodes)) } else { otherwise = nodes }
      guard var end else { preconditionFailure("a choice without an end") }
      if end.word == "endif" { return .choice(branches, otherwise: otherwise) }
      condition = end.word == "elif" ? try end.whole() : nil
    }
  }

  private mutating func loop(_ parser: inout ExpressionParser) throws(Failure) -> TemplateNode {
    var names = [try parser.name()]
    while parser.take(",") { names.append(try parser.name()) }
    guard parser.takeName("in") else { throw failure("a loop without in") }
    let list = try parser.expression(withChoice: false)
    let condition = parser.takeName("if") ? try parser.expression() : nil
    try parser.finish()
    let (nodes, _) = try body(until: ["endfor"])
    return .loop(names, over: list, condition: condition, nodes)
  }
}
