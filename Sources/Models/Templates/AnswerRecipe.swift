import Failures
import JSON
import Tensors
import Tokenizers

/// What published rerankers on decoders write around a query and a document, and the words whose scores as
/// the next one they compare: for folders that say neither.
package struct AnswerRecipe: Sendable, Equatable {
  /// A text that is tokenised by itself.
  enum Segment: Sendable, Equatable {
    case text(String)
    /// What the user asks for, with what stands around it; nothing where it is empty.
    case instruction(String, String)
    /// A query or a document behind a text.
    case query(String)
    case document(String)
  }

  let name: String
  let segments: [[Segment]]
  let (yes, no): (String, String)
  let activation: ScoreActivation
  /// What the user asks for where nobody says it.
  let instruction: String
  /// Most tokens of the query and the document, or of all.
  let maximumLength: Int

  package static func == (a: AnswerRecipe, b: AnswerRecipe) -> Bool { a.name == b.name }

  static let all = [
    // Qwen3-Reranker's model card.
    AnswerRecipe(
      name: "qwen3-reranker",
      segments: [
        [
          .text(
            "<|im_start|>system\nJudge whether the Document meets the requirements based on the "
              + "Query and the Instruct provided. Note that the answer can only be \"yes\" or "
              + "\"no\".<|im_end|>\n<|im_start|>user\n"), .instruction("<Instruct>: ", "\n"),
          .query("<Query>: "), .document("\n<Document>: "),
          .text("<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"),
        ]
      ], yes: "yes", no: "no", activation: .sigmoid,
      instruction: "Given a web search query, retrieve relevant passages that answer the query",
      maximumLength: 8192),
    // mxbai_rerank 0.1.6 of PyPI, `mxbai_rerank_v2.py`.
    AnswerRecipe(
      name: "mxbai-rerank-v2",
      segments: [
        [
          .text(
            "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful "
              + "assistant.<|im_end|>\n<|im_start|>user\n")
        ], [.instruction("instruction: ", "\n"), .query("query: ")], [.text("\n")],
        [.document("document: ")], [.text("\n")],
        [
          .text(
            "You are a search relevance expert who evaluates how well documents match search "
              + "queries. For each query-document pair, carefully analyze the semantic relationship "
              + "between them, then provide your binary relevance judgment (0 for not relevant, 1 "
              + "for relevant).\nRelevance:")
        ], [.text("<|im_end|>\n<|im_start|>assistant\n")],
      ], yes: "1", no: "0", activation: .logit, instruction: "", maximumLength: 8192),
  ]

  /// The recipe that a folder's `answer_recipe` names; nil where it names none.
  ///
  /// - Throws: 78 for a name that is not known.
  static func of(_ folder: ModelFolder) throws(Failure) -> AnswerRecipe? {
    guard let name = try folder.string("answer_recipe", default: nil) else { return nil }
    guard let recipe = all.first(where: { $0.name == name }) else {
      throw folder.invalid(
        "answer_recipe", expected: "one of \(all.map(\.name).joined(separator: ", "))")
    }
    return recipe
  }
}

extension AnswerRecipe {
  /// A pair's parts, each tokenised by itself.
  package struct Parts: Sendable {
    /// Tokens of what has neither text, or the texts around a query or a document.
    enum Part: Sendable {
      case tokens([Int32])
      case query(front: [UInt8])
      case document(front: [UInt8])
    }

    fileprivate(set) var parts: [Part] = []

    /// Tokens of the parts that are the same for every pair, but for those between the texts.
    fileprivate(set) var around = 0
    fileprivate(set) var between = 0
  }

  /// The parts of pairs for an instruction; nil where all is one text.
  ///
  /// - Throws: 65 for a text that the tokenizer refuses.
  func parts(_ tokenizer: Tokenizer, instruction: String) throws(Failure) -> Parts? {
    if segments.count == 1 { return nil }
    var parts = Parts()
    var hasQuery = false
    for segment in segments {
      var front = ""
      var last: Parts.Part?
      for piece in segment {
        switch piece {
        case .text(let text): front += text
        case .instruction(let before, let behind):
          if !instruction.isEmpty { front += before + instruction + behind }
        case .query(let text): last = .query(front: Array((front + text).utf8))
        case .document(let text): last = .document(front: Array((front + text).utf8))
        }
      }
      if let last {
        if case .query = last { hasQuery = true } else { hasQuery = false }
        parts.parts.append(last)
        continue
      }
      var buffer = TokenBuffer()
      var scratch = TokenizerScratch()
      _ = try Array(front.utf8).withBytes { bytes throws(Failure) in
        try tokenizer.encode(bytes, addSpecialTokens: false, into: &buffer, scratch: &scratch)
      }
      if hasQuery { parts.between += buffer.count } else { parts.around += buffer.count }
      parts.parts.append(.tokens(buffer.ids))
    }
    return parts
  }

  /// What stands around the texts where all is one text.
  func frame(instruction: String) -> ChatTemplate.Frame {
    var texts = [""]
    for piece in segments.flatMap({ $0 }) {
      switch piece {
      case .text(let text): texts[texts.count - 1] += text
      case .instruction(let before, let behind):
        if !instruction.isEmpty { texts[texts.count - 1] += before + instruction + behind }
      case .query(let text), .document(let text):
        texts[texts.count - 1] += text
        texts.append("")
      }
    }
    return ChatTemplate.Frame(
      front: texts[0], middle: texts[1], back: texts[2], documentFirst: false, trims: false)
  }
}
