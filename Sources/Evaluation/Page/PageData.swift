import Failures
import JSON
import Records

/// The page's data, which its script makes the table of queries from.
extension ReportPage {
  /// The documents whose texts the page shows.
  package var documents: IDTable {
    var docs = IDTable()
    for place in shown.sorted() {
      for run in runs {
        guard let query = run.queries.find(queries[place]) else { continue }
        for entry in run.entries(of: query).prefix(limits.documents) {
          _ = run.withDoc(entry) { docs.insert($0) }
        }
      }
    }
    return docs
  }

  /// All queries of the evaluations, and the places of those that come with documents.
  static func queries(
    _ evaluations: [Evaluation], most limit: Int
  ) -> (all: [RecordID], shown: Set<Int>) {
    var table = IDTable()
    for evaluation in evaluations {
      for query in evaluation.queries { _ = table.insert(query) }
    }
    let all = (0..<table.count).map { table[$0] }
    if all.count <= limit { return (all, Set(all.indices)) }
    // How far apart the runs are by the first measure; how bad one run is.
    var (least, most) = ([Double](repeating: .infinity, count: all.count), all.map { _ in -1e300 })
    for evaluation in evaluations {
      for (query, value) in zip(evaluation.queries, evaluation.values.first ?? [])
      where !value.isNaN {
        guard let place = table.find(query) else { continue }
        least[place] = min(least[place], value)
        most[place] = max(most[place], value)
      }
    }
    let worth = all.indices.map { evaluations.count > 1 ? most[$0] - least[$0] : -least[$0] }
    let order = all.indices.sorted { worth[$0] != worth[$1] ? worth[$0] > worth[$1] : $0 < $1 }
    return (all, Set(order.prefix(limit)))
  }

  /// JSON: `measures`, `runs`, `digits`, `baseline`; `queries`, each `{id,text,v,rel,docs}`; `docs`, each
  /// `[id,text]`.
  ///
  /// `v` holds values by run, then measure; `docs` by run entries `[doc,grade,score,rank]`, the rank
  /// being that in the baseline, 0 for none.
  func writeData(_ output: (String) throws(Failure) -> Void) throws(Failure) {
    let measures = evaluations.first?.measures.map(\.name) ?? []
    try output(
      "{\"measures\":\(Self.list(measures)),\"runs\":\(Self.list(evaluations.map(\.run)))"
        + ",\"digits\":\(limits.digits),\"baseline\":\(baseline),\"queries\":[")
    let places = evaluations.map { evaluation in
      Dictionary(
        zip(evaluation.queries, evaluation.queries.indices), uniquingKeysWith: { first, _ in first }
      )
    }
    var docs = IDTable()
    for (i, query) in queries.enumerated() {
      var text = (i > 0 ? ",\n" : "\n") + "{\"id\":\(Self.quote(query.description))"
      if let words = queryText(query) { text += ",\"text\":\(Self.quote(cut(words)))" }
      text += ",\"v\":" + values(places.map { $0[query] })
      if shown.contains(i) { text += rankings(query, &docs) }
      try output(text + "}")
    }
    try output("],\n\"docs\":[")
    for i in 0..<docs.count {
      let id = docs[i]
      let words = docText(id).map { "," + Self.quote(cut($0)) } ?? ""
      try output((i > 0 ? ",\n" : "\n") + "[\(Self.quote(id.description))\(words)]")
    }
    try output("]}")
  }

  private func values(_ places: [Int?]) -> String {
    let lists = zip(evaluations, places).map { evaluation, place in
      guard let place else { return "null" }
      let texts = evaluation.measures.indices.map { measure in
        let value = evaluation.values[measure][place]
        return value.isFinite ? evaluation.measures[measure].text(value) : "null"
      }
      return "[\(texts.joined(separator: ","))]"
    }
    return "[\(lists.joined(separator: ","))]"
  }

  /// The first documents of a query in every run.
  private func rankings(_ query: RecordID, _ docs: inout IDTable) -> String {
    let relevant = qrels.first.flatMap { qrels in
      qrels.queries.find(query).map { number in
        qrels.judgements(of: number).count { qrels.grade($0) > 0 }
      }
    }
    let ranks = baselineRanks(query)
    var text = ",\"rel\":\(relevant ?? 0),\"docs\":["
    for (i, run) in runs.enumerated() {
      text += i > 0 ? ",[" : "["
      let entries = run.queries.find(query).map { run.entries(of: $0) } ?? 0..<0
      let qrels = qrels[i]
      let judged = qrels.queries.find(query)
      for (rank, entry) in entries.prefix(limits.documents).enumerated() {
        let (doc, grade, place) = run.withDoc(entry) { id in
          let judgement = judged.flatMap { qrels.find(id, query: $0) }
          return (docs.insert(id).index, judgement.map { qrels.gradeText($0) }, ranks?.find(id))
        }
        text += rank > 0 ? "," : ""
        text += "[\(doc),\(grade ?? "null"),\(run.score(entry))"
        text += ",\(place.map { $0 + 1 } ?? 0)]"
      }
      text += "]"
    }
    return text + "]"
  }

  /// The documents of the baseline, numbered in their order.
  private func baselineRanks(_ query: RecordID) -> IDTable? {
    let run = runs[baseline]
    guard runs.count > 1, let number = run.queries.find(query) else { return nil }
    var table = IDTable()
    for entry in run.entries(of: number) { _ = run.withDoc(entry) { table.insert($0) } }
    return table
  }

  private func cut(_ text: String) -> String {
    text.count <= limits.characters ? text : text.prefix(limits.characters) + "…"
  }

  private static func list(_ texts: [String]) -> String {
    "[" + texts.map(quote).joined(separator: ",") + "]"
  }

  /// A JSON string that cannot end the element it stands in, or start a comment.
  private static func quote(_ text: String) -> String {
    var quoted = ""
    JSON.quote(text, to: &quoted)
    return quoted.replacing("<", with: "\\u003c").replacing(">", with: "\\u003e")
      .replacing("\u{2028}", with: "\\u2028").replacing("\u{2029}", with: "\\u2029")
  }
}
