import Autograd
import Failures
import Models
import Tensors
import Tokenizers
import TrainingData
import Workers

/// Turns tuples into batches of tokens, as the model reads queries, documents or pairs.
package struct TupleTokenizer {
  private enum Reading: Sendable {
    case apart(query: RoleTokenizer, doc: RoleTokenizer)
    case together(PairTokenizer)
  }

  private let reading: Reading
  /// Tokens of the roles' prompts.
  private let promptTokens: [Role: Int]
  private let windows: WindowTokenizer

  /// - Throws: 78 where the tokenizer lacks tokens that the model needs.
  package init(_ tokenizer: Tokenizer, _ model: Model, _ pool: WorkerPool) throws(Failure) {
    windows = WindowTokenizer(pool)
    let description = model.description
    if description.isCrossEncoder {
      reading = .together(
        try PairTokenizer(tokenizer, description, maximumTokens: model.backbone.maximumTokens))
      promptTokens = [:]
      return
    }
    func role(_ role: Role) throws(Failure) -> RoleTokenizer {
      guard let settings = description.roles[role] else {
        throw .config(description.folder.path, "the model has no role \(role.rawValue)")
      }
      let length = model.maximumTokens(role)
      let made = try RoleTokenizer(
        tokenizer, settings, maximumLength: length == .max ? nil : length)
      try description.require(
        room: made.specialTokenCount, in: made.maximumLength, option: nil)
      return made
    }
    let (query, doc) = (try role(.query), try role(.doc))
    var scratch = TokenizerScratch()
    promptTokens = [
      .query: try query.promptTokens(&scratch), .doc: try doc.promptTokens(&scratch),
    ]
    reading = .apart(query: query, doc: doc)
  }

  /// A batch of tuples with as many documents each.
  ///
  /// - Parameters:
  ///   - tuples: The tuples, at least one.
  ///   - firstQuery: Number of the first tuple within its step.
  /// - Returns: The batch.
  /// - Throws: 65, with the tuple's place, for a text that the tokenizer refuses or that has no token.
  package func batch(
    _ tuples: [TrainingTuple], firstQuery: Int = 0
  ) throws(Failure) -> TrainingBatch {
    let documents = tuples[0].documents.count
    let targets = ScoreTable(
      queries: tuples.count, documents: documents,
      values: tuples.flatMap { $0.documents.map(\.target) })
    switch reading {
    case .apart(let query, let doc):
      let queries = try packed(tuples.map(\.query), query) { tuples[$0].place }
      let docs = try packed(tuples.flatMap { $0.documents.map(\.text) }, doc) {
        tuples[$0 / documents].place
      }
      var batch = TrainingBatch(
        .separate(queries: queries, documents: docs), targets: targets, firstQuery: firstQuery)
      batch.promptTokens = promptTokens
      return batch
    case .together(let tokenizer):
      let pairs = try packed(pairs(tuples, tokenizer)) { tuples[$0 / documents].place }
      return TrainingBatch(.pairs(pairs), targets: targets, firstQuery: firstQuery)
    }
  }

  /// The tokens of texts as a batch; `place` says in messages where a text came from.
  private func packed(
    _ texts: [[UInt8]], _ role: RoleTokenizer, _ place: @escaping @Sendable (Int) -> String
  ) throws(Failure) -> PackedBatch {
    let tokens = try windows.tokenize(texts.count) { index, buffer, scratch throws(Failure) in
      do throws(Failure) {
        return try texts[index].withBytes { text throws(Failure) in
          try role.append(text, to: &buffer, &scratch)
        }
      } catch { throw error.ofText(at: place(index)) }
    }
    return try packed(tokens, place)
  }

  private func pairs(
    _ tuples: [TrainingTuple], _ tokenizer: PairTokenizer
  ) throws(Failure) -> TokenWindow {
    var queries: [[UInt8]] = []
    var scratch = TokenizerScratch()
    for tuple in tuples {
      do throws(Failure) {
        queries.append(
          try tuple.query.withBytes { text throws(Failure) in
            try tokenizer.prepared(query: text, &scratch).text
          })
      } catch { throw error.ofText(at: tuple.place) }
    }
    let prepared = queries
    let documents = tuples[0].documents.count
    return try windows.tokenize(tuples.count * documents) {
      index, buffer, scratch throws(Failure) in
      let query = index / documents
      do throws(Failure) {
        return try tuples[query].documents[index % documents].text.withBytes {
          text throws(Failure) in
          try tokenizer.append(query: prepared[query], document: text, to: &buffer, &scratch)
        }
      } catch { throw error.ofText(at: tuples[query].place) }
    }
  }

  /// The texts of a window as a batch; `place` says in messages where a text came from.
  private func packed(
    _ window: TokenWindow, _ place: (Int) -> String
  ) throws(Failure) -> PackedBatch {
    var batch = PackedBatch()
    for index in 0..<window.count {
      let range = window.range(index)
      if range.isEmpty { throw .data(place(index), "a text has no token") }
      batch.append(
        ids: window.ids[range], typeIDs: window.typeIDs[range], attended: window.attended[range])
    }
    return batch
  }
}
