import Failures
import JSON
import Streams

/// The chat template of a tokenizer, which writes a query and a document into one text.
package struct ChatTemplate: Sendable {
  private let nodes: [TemplateNode]
  private let variables: [String: TemplateValue]
  private let place: String

  package static let file = "chat_template.jinja"

  /// What stands around a query and a document.
  struct Frame: Sendable {
    var front: String
    var middle: String
    var back: String
    var documentFirst: Bool
    /// Whether blanks around the texts are left out.
    var trims: Bool
  }

  /// Reads the template of a folder: `chat_template.jinja`, or `chat_template` of the tokenizer's
  /// configuration.
  ///
  /// - Throws: 78 where there is none, 65 where it is not understood.
  init(_ folder: ModelFolder) throws(Failure) {
    let file = "\(folder.modelPath)/\(Self.file)"
    let config = try folder.json("tokenizer_config.json")
    var text: String?
    if WholeFile.exists(file) {
      place = file
      text = String(decoding: try WholeFile.read(file), as: UTF8.self)
    } else {
      place = "\(folder.modelPath)/tokenizer_config.json"
      let named = config?["chat_template"]?.array?.first { $0["name"]?.string == "default" }
      text = config?["chat_template"]?.string ?? named?["template"]?.string
    }
    guard let text else {
      throw .config(folder.path, "expected a chat template for pairs, found none")
    }
    nodes = try TemplateParser.nodes(of: text, at: place)
    var variables: [String: TemplateValue] = ["add_generation_prompt": .bool(false)]
    for name in ["bos_token", "eos_token", "pad_token", "unk_token"] {
      if let token = config?[name]?.string ?? config?[name]?["content"]?.string {
        variables[name] = .string(token)
      }
    }
    self.variables = variables
  }

  /// What a template makes of messages, each with its members.
  ///
  /// - Throws: 65 for what is not understood, or what the template refuses.
  package static func text(
    of template: String, _ messages: [[String: String]], tokens: [String: String]
  ) throws(Failure) -> String {
    var variables: [String: TemplateValue] = [
      "messages": .list(messages.map { .object($0.mapValues { .string($0) }) })
    ]
    for (name, token) in tokens { variables[name] = .string(token) }
    let nodes = try TemplateParser.nodes(of: template, at: "template")
    return try TemplateRun.text(of: nodes, variables, at: "template")
  }

  /// Scalars that stand for the texts while the template is run; no text has them.
  private static let (query, document) = ("\u{F0000}", "\u{F0001}")

  /// What stands around the texts, a prompt being what the system says.
  ///
  /// - Throws: 65 for a template that leaves a text out, or has it more than once.
  func frame(prompt: String) throws(Failure) -> Frame {
    func message(_ role: String, _ content: String) -> TemplateValue {
      .object(["role": .string(role), "content": .string(content)])
    }
    var messages = [message("query", " \(Self.query) "), message("document", " \(Self.document) ")]
    if !prompt.isEmpty { messages.insert(message("system", prompt), at: 0) }
    var variables = variables
    variables["messages"] = .list(messages)
    let text = try TemplateRun.text(of: nodes, variables, at: place)
    var scalars: [[UnicodeScalar]] = [[]]
    var found: [UnicodeScalar] = []
    for scalar in text.unicodeScalars {
      if ["\u{F0000}", "\u{F0001}"].contains(scalar) {
        found.append(scalar)
        scalars.append([])
      } else {
        scalars[scalars.count - 1].append(scalar)
      }
    }
    guard found.count == 2, found[0] != found[1] else {
      throw .config(
        place, "chat template: expected the query and the document once each",
        hint: "messages have the roles query and document, and system for a prompt")
    }
    let keeps = [
      scalars[0].last == " ", scalars[1].first == " ", scalars[1].last == " ",
      scalars[2].first == " ",
    ]
    guard Set(keeps).count == 1 else {
      throw .config(place, "chat template: blanks are left out of some texts only")
    }
    if keeps[0] {
      scalars = [
        Array(scalars[0].dropLast()), Array(scalars[1].dropFirst().dropLast()),
        Array(scalars[2].dropFirst()),
      ]
    }
    let parts = scalars.map { part in
      var view = String.UnicodeScalarView()
      view.append(contentsOf: part)
      return String(view)
    }
    return Frame(
      front: parts[0], middle: parts[1], back: parts[2], documentFirst: found[0] == "\u{F0001}",
      trims: !keeps[0])
  }
}
