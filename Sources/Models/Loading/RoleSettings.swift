import Failures
import JSON
import Tensors

/// Settings by which the texts of one role become tokens.
package struct RoleSettings: Sendable, Equatable {
  /// Most tokens of a text, special ones included; nil for as many as the backbone has positions.
  package var maximumLength: Int?
  /// Put in front of every text.
  package var prompt = ""
  package var addsSpecialTokens = true
  /// Whether tokens of what the tokenizer does not know are left out, once texts are cut.
  package var dropsUnknown = false
  /// Whether texts are cut to what the tokenizer's own file says, too (sentence-transformers'
  /// `StaticEmbedding`, which sets no length).
  package var cutsAsTokenizer = false
  /// Whether blanks at the ends of a text with its prompt are left out.
  package var trims = false
  /// Tokens behind the first special token: markers that tell queries from documents, viewers.
  package var inserted: [InsertedToken]
  /// Tokens that short texts are filled up with.
  package var filling = Filling.none

  package init(
    maximumLength: Int? = nil, prompt: String = "", addsSpecialTokens: Bool = true,
    inserted: [InsertedToken] = [], filling: Filling = .none
  ) {
    self.maximumLength = maximumLength
    self.prompt = prompt
    self.addsSpecialTokens = addsSpecialTokens
    self.inserted = inserted
    self.filling = filling
  }

  /// Checks that texts are filled up to a number of tokens that is no burden.
  ///
  /// - Parameters:
  ///   - role: Whose texts.
  ///   - place: The model's configuration.
  /// - Throws: 78 where it is larger.
  func checkFilling(_ role: Role, at place: String) throws(Failure) {
    guard case .mask = filling, let maximumLength else { return }
    _ = try NumberField(
      "the length that texts of the role \(role.rawValue) are filled up to",
      .integer(maximumLength), at: place
    ).integer(in: FieldRanges.filledLength)
  }
}

/// A token that a role puts into every text.
package struct InsertedToken: Sendable, Equatable {
  package var name: String
  /// Id of the token, where the tokenizer does not have it.
  package var id: Int32?

  package init(_ name: String, id: Int32? = nil) {
    self.name = name
    self.id = id
  }
}

/// Tokens that short texts are filled up with.
package enum Filling: Sendable, Equatable {
  case none
  /// Mask tokens up to the maximum length (ColBERT's expansion, arXiv:2004.12832).
  case mask(isAttended: Bool)
  /// A token (nil for the mask, or the end of a text where there is none) up to a least number of
  /// tokens; padding that a text itself holds stays what it is.
  case expansion(token: String?, length: Int, isAttended: Bool)
  /// Padding that nobody attends to, up to a multiple of a number of tokens.
  case padding(multiple: Int)
}

/// A part of the pattern that a pair of texts becomes.
package enum PairPatternPart: Sendable, Equatable {
  case query, document
  case token(String)
}

/// Token ids beyond the embedding table, and the row that each one uses.
package struct RowAliases: Sendable {
  package let rows: [Int32: Int32]

  package init(_ rows: [Int32: Int32] = [:]) { self.rows = rows }

  package var isEmpty: Bool { rows.isEmpty }

  package func row(of id: Int32) -> Int32 { rows[id] ?? id }
}
