import Failures
import Records

/// The texts of a run's queries and documents: those that are needed, and no others.
package struct CandidateTexts: Sendable {
  private let run: Run
  private var queries: TextTable
  private var docs: TextTable
  /// Malformed records that `--on-error skip` passed over.
  package var skipped: Int { queries.skipped + docs.skipped }
  /// Why the first of them was passed over.
  package var firstSkipped: Failure? { queries.firstSkipped ?? docs.firstSkipped }
  /// Where the texts came from, for messages.
  private let places: (queries: String, docs: String)

  /// Reads the texts.
  ///
  /// - Parameters:
  ///   - run: What names the queries and documents; a run with texts needs no files.
  ///   - candidates: Those that count.
  ///   - queryFile: Text records of the queries.
  ///   - docFiles: Text records of the documents.
  ///   - needs: Whose texts are needed; files of others are not opened.
  ///   - options: How text records of documents are read.
  ///   - queryOptions: How those of queries are read; nil for the same.
  /// - Throws: 64 where a file is missing that is needed; as reading records does.
  package init(
    _ run: Run, _ candidates: CandidateIDs, queryFile: String?, docFiles: [String],
    _ needs: NeededTexts, options: RecordOptions, queryOptions: RecordOptions? = nil
  ) throws(Failure) {
    self.run = run
    places = (queryFile ?? run.name, docFiles.isEmpty ? run.name : docFiles.joined(separator: " "))
    queries = TextTable(candidates.queries)
    docs = TextTable(needs.docs ? candidates.docs : IDTable())
    if run.texts != nil { takeFromRun(candidates.range, candidates.depth, needsDocs: needs.docs) }
    if let queryFile, needs.queries {
      try queries.read([queryFile], queryOptions ?? options)
    } else if needs.queries, !run.hasQueryTexts {
      throw .usage("--queries is missing", hint: "only a JSONL run with texts does without")
    }
    if !docFiles.isEmpty, needs.docs {
      try docs.read(docFiles, options)
    } else if needs.docs, !run.hasDocTexts {
      throw .usage("--docs is missing", hint: "only a JSONL run with texts does without")
    }
  }

  private mutating func takeFromRun(_ wanted: Range<Int>, _ depth: Int, needsDocs: Bool) {
    for query in wanted {
      queries[run.queries[query]] = run.queryText(query).map { Array($0.utf8) }
      guard needsDocs else { continue }
      for entry in run.entries(of: query).prefix(depth) {
        if let text = run.docText(entry) { docs[run.doc(entry)] = Array(text.utf8) }
      }
    }
  }

  /// Where the text of a query came from, for messages.
  package func place(query id: RecordID) -> String { queries.place(id) ?? "query \(id)" }

  /// Where the text of a document came from, for messages.
  package func place(doc id: RecordID) -> String { docs.place(id) ?? "document \(id)" }

  /// The text of a query, by its place in the run.
  ///
  /// - Throws: 65 where it is not there.
  package func query(_ query: Int) throws(Failure) -> [UInt8] {
    let id = run.queries[query]
    guard let text = queries[id] else {
      throw .data(places.queries, "query \(id) of the run is not there")
    }
    return text
  }

  /// The text of a document, by its entry in the run.
  ///
  /// - Throws: 65 where it is not there.
  package func doc(_ entry: Int) throws(Failure) -> [UInt8] {
    let id = run.doc(entry)
    guard let text = docs[id] else {
      throw .data(places.docs, "document \(id) of the run is not there")
    }
    return text
  }
}
