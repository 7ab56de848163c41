import Failures
import Records
import Streams

/// The queries of a run that are scored, and their documents.
struct Candidates {
  /// The run's queries.
  let range: Range<Int>
  /// Documents a query at most.
  let depth: Int
  private(set) var queries = IDTable()
  private(set) var docs = IDTable()

  init(_ run: Run, queries wanted: Range<Int>, depth: Int) {
    range = wanted
    self.depth = depth
    for query in wanted {
      _ = queries.insert(run.queries[query])
      for entry in run.entries(of: query).prefix(depth) { _ = docs.insert(run.doc(entry)) }
    }
  }
}

/// The texts of a run's queries and documents: those that are needed, and no others.
struct CandidateTexts {
  private let run: Run
  private var queries: TextTable
  private var docs: TextTable
  /// Malformed records that `--on-error skip` passed over, and the first of them.
  var skipped: Int { queries.skipped + docs.skipped }
  var firstSkipped: Failure? { queries.firstSkipped ?? docs.firstSkipped }
  /// Where the texts came from, for messages.
  private let places: (queries: String, docs: String)

  /// `run`: what names the queries and documents; a run with texts needs no files.
  ///
  /// `needsQueries`, `needsDocs`: whether their texts are needed.
  init(
    _ run: Run, _ candidates: Candidates, queryFile: String?, docFiles: [String],
    needsQueries: Bool, needsDocs: Bool, options: RecordOptions
  ) throws(Failure) {
    self.run = run
    places = (queryFile ?? run.name, docFiles.isEmpty ? run.name : docFiles.joined(separator: " "))
    queries = TextTable(candidates.queries)
    docs = TextTable(needsDocs ? candidates.docs : IDTable())
    if run.texts != nil { takeFromRun(candidates.range, candidates.depth, needsDocs) }
    if let queryFile, needsQueries {
      try queries.read([queryFile], options)
    } else if needsQueries, run.texts == nil {
      throw .usage("--queries is missing", hint: "only a JSONL run with texts does without")
    }
    if !docFiles.isEmpty, needsDocs {
      try docs.read(docFiles, options)
    } else if needsDocs, run.texts == nil {
      throw .usage("--docs is missing", hint: "only a JSONL run with texts does without")
    }
  }

  private mutating func takeFromRun(_ wanted: Range<Int>, _ depth: Int, _ needsDocs: Bool) {
    for query in wanted {
      queries[run.queries[query]] = run.queryText(query).map { Array($0.utf8) }
      guard needsDocs else { continue }
      for entry in run.entries(of: query).prefix(depth) {
        if let text = run.docText(entry) { docs[run.doc(entry)] = Array(text.utf8) }
      }
    }
  }

  /// The text of a query of the run.
  func query(_ query: Int) throws(Failure) -> [UInt8] {
    let id = run.queries[query]
    guard let text = queries[id] else {
      throw .data(places.queries, "query \(id) of the run is not there")
    }
    return text
  }

  /// The text of a document of the run.
  func doc(_ entry: Int) throws(Failure) -> [UInt8] {
    let id = run.doc(entry)
    guard let text = docs[id] else {
      throw .data(places.docs, "document \(id) of the run is not there")
    }
    return text
  }
}
