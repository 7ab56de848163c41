import Failures
import IndexFormat
import Tensors
import Vectors

/// An index that can be searched.
package protocol SearchableIndex: Sendable {
  /// Ids of its documents, in one segment or several.
  associatedtype Documents: DocumentIDs
  var documents: Documents { get }

  /// The best documents of every query, best first.
  ///
  /// - Throws: 65 for a query or a score that is not a finite number, and for damaged files; 78 for
  ///   queries of another form than the index's.
  func search(_ request: SearchRequest) throws(Failure) -> [[TopDocuments.Entry]]

  /// What is to be said of all searches so far, for the summary.
  var figures: [(name: String, value: String)] { get }

  /// Whether scores that documents elsewhere reach (`SearchRequest.reached`) exclude its own, and nothing
  /// else becomes of them.
  var heedsReached: Bool { get }
}

extension SearchableIndex {
  package var heedsReached: Bool { false }
  package var figures: [(name: String, value: String)] { [] }
}

/// An index that can score documents that are given.
package protocol RescoringIndex: SearchableIndex {
  /// Scores of some documents for one query, in their order: the bits that `search` gives.
  ///
  /// - Throws: As `search` does.
  func scores(
    _ queries: Embeddings, _ query: Int, of ordinals: [Int]
  ) throws(Failure) -> [Float]
}

extension IndexSource {
  /// Refuses queries that the index cannot answer, before any work is done.
  ///
  /// - Parameters:
  ///   - description: What the queries say of themselves.
  ///   - schema: What is in their records.
  ///   - place: Where they are, for messages.
  ///   - dims: Numbers that vectors are cut to, so that those of queries may have more; nil where they
  ///     are compared as they are.
  /// - Throws: 78 for queries of another role, model, kind, width or similarity than the documents'.
  package func check(
    queries description: StreamDescription, _ schema: StreamSchema, _ place: String,
    cutTo dims: Int? = nil
  ) throws(Failure) {
    guard description.role == .query else {
      throw .config(
        place, "expected embeddings of queries, found role \(description.role.rawValue)",
        hint: "encode them with --role query")
    }
    guard let own = self.schema else {
      throw .config(place, "the index holds texts: its queries are texts, too")
    }
    try check(queryModel: description.model, place, description.words(kind: schema.kind))
    guard schema.kind == own.kind else {
      throw .config(
        place,
        "expected a \(own.kind.rawValue) stream for this index, found \(schema.kind.rawValue)")
    }
    let isWide = dims.map { $0 <= description.dim ?? 0 } ?? false
    guard isWide || description.dim == self.description.dim else {
      throw .config(
        place,
        "expected dimension \(self.description.dim.map(String.init) ?? "none"), found "
          + (description.dim.map(String.init) ?? "none"))
    }
    // Numbers of tokens are compared by these alone; two models of a pair may have two tokenizers.
    if own.kind == .sparse || own.kind == .coil, let own = self.description.tokenizer,
      let other = description.tokenizer, own != other
    {
      throw .config(
        place,
        "the index was made with the tokenizer or vocabulary \(own), the queries with \(other)")
    }
    let (wanted, found) = (self.description.similarity ?? "dot", description.similarity ?? "dot")
    guard wanted == found else {
      throw .config(
        place, "the index compares by \(wanted), the queries are for \(found)",
        hint: "--similarity says it of vectors that do not say it themselves")
    }
    for column in own.columns where column.width != nil && !isWide {
      let width = schema.columns.first { $0.name == column.name }?.width
      guard width == column.width else {
        throw .config(
          place,
          "expected \(column.name) of width \(column.width ?? 0), found "
            + (width.map(String.init) ?? "none"))
      }
    }
  }

  /// Refuses queries of another model.
  ///
  /// - Parameters:
  ///   - queryModel: The digest of their model.
  ///   - place: Where they are, for messages.
  ///   - words: What that model is.
  /// - Throws: 78 where it is not the index's.
  package func check(
    queryModel: String?, _ place: String, _ words: @autoclosure () -> String
  ) throws(Failure) {
    guard queryModel != description.model else { return }
    throw .config(
      place,
      "the index was made by \(self.words) (\(description.model ?? "unknown")), the queries by "
        + "\(words()) (\(queryModel ?? "unknown"))",
      hint: "encode queries and documents with the same model folder")
  }

  /// What the index's model is, for messages.
  package var words: String { description.words(kind: schema?.kind) }
}

extension StreamDescription {
  /// What the model is that made a stream, as far as the stream tells, for messages.
  package func words(kind: StreamKind?) -> String {
    "a model of kind \(kind?.rawValue ?? "texts")" + (dim.map { " and dimension \($0)" } ?? "")
  }
}
