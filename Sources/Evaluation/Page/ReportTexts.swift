import Failures
import Records

/// The texts that a page shows: those of files, else those that runs brought along.
package struct ReportTexts: Sendable {
  private var queries: TextTable
  private var docs: TextTable
  /// Malformed records that were passed over.
  package var skipped: Int { queries.skipped + docs.skipped }

  /// Takes the texts of runs.
  ///
  /// - Parameters:
  ///   - page: What asks for texts.
  ///   - runs: Its runs.
  ///   - depth: Documents of a run and query that the page shows.
  package init(_ page: ReportPage, _ runs: [Run], depth: Int) {
    var ids = IDTable()
    for query in page.queries { _ = ids.insert(query) }
    queries = TextTable(ids)
    docs = TextTable(page.documents)
    for run in runs where run.texts != nil {
      for query in 0..<run.queries.count {
        queries[run.queries[query]] = run.queryText(query).map { Array($0.utf8) }
        for entry in run.entries(of: query).prefix(depth) {
          docs[run.doc(entry)] = run.docText(entry).map { Array($0.utf8) }
        }
      }
    }
  }

  /// Reads text records, which win over the texts of runs.
  ///
  /// - Parameters:
  ///   - queryFile: Text records of the queries; nil for none.
  ///   - docFiles: Text records of the documents.
  ///   - options: How those of documents are read.
  ///   - queryOptions: How those of queries are read; nil for the same.
  ///   - warn: Gets what was passed over and what is missing.
  /// - Throws: 65 for a malformed record.
  package mutating func read(
    queries queryFile: String?, docs docFiles: [String], _ options: RecordOptions,
    queryOptions: RecordOptions? = nil, warn: (String) -> Void
  ) throws(Failure) {
    if let queryFile {
      try queries.read([queryFile], queryOptions ?? options)
      Self.report(queries, "queries", queryFile, warn)
    }
    if !docFiles.isEmpty {
      try docs.read(docFiles, options)
      Self.report(docs, "documents", docFiles.joined(separator: " "), warn)
    }
  }

  private static func report(
    _ table: TextTable, _ what: String, _ file: String, _ warn: (String) -> Void
  ) {
    if let failure = table.firstSkipped { warn("\(failure), skipped") }
    if table.missingCount > 0 {
      warn(
        "\(file): \(table.missingCount) of \(table.ids.count) \(what) of the report are not there")
    }
  }

  /// The text of a query; nil where it has none.
  package func query(_ id: RecordID) -> String? {
    queries[id].map { String(decoding: $0, as: UTF8.self) }
  }

  /// The text of a document; nil where it has none.
  package func doc(_ id: RecordID) -> String? {
    docs[id].map { String(decoding: $0, as: UTF8.self) }
  }
}
