import JSON

extension TrainingTuple {
  /// The tuple as a line of JSON that `TupleFile` reads.
  ///
  /// - Parameters:
  ///   - hasQueryTexts: Whether queries have texts, so that an empty one is written, too.
  ///   - hasDocumentTexts: Whether documents have texts, so that an empty one is written, too.
  ///   - hasScores: Whether the targets are written, as scores.
  /// - Returns: The line with its end.
  package func line(hasQueryTexts: Bool, hasDocumentTexts: Bool, hasScores: Bool) -> String {
    var members: [JSON.Member] = []
    if let queryID { members.append(JSON.Member("query_id", .string(queryID.description))) }
    if hasQueryTexts || !query.isEmpty {
      members.append(JSON.Member("query", .string(String(decoding: query, as: UTF8.self))))
    }
    let docs = documents.map { document -> JSON in
      var members: [JSON.Member] = []
      if let id = document.id { members.append(JSON.Member("doc_id", .string(id.description))) }
      if hasDocumentTexts || !document.text.isEmpty {
        members.append(JSON.Member("text", .string(String(decoding: document.text, as: UTF8.self))))
      }
      if hasScores { members.append(JSON.Member("score", .double(Double(document.target)))) }
      return .object(members)
    }
    members.append(JSON.Member("docs", .array(docs)))
    return JSON.object(members).serialized() + "\n"
  }
}
