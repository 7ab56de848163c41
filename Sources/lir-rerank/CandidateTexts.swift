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
  private var queries = IDTable()
  private var queryTexts: [[UInt8]?] = []
  private var docs = IDTable()
  private var docTexts: [[UInt8]?] = []
  /// Malformed records that `--on-error skip` passed over, and the first of them.
  private(set) var skipped = 0
  private(set) var firstSkipped: Failure?
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
    queries = candidates.queries
    if needsDocs { docs = candidates.docs }
    queryTexts = Array(repeating: nil, count: queries.count)
    docTexts = Array(repeating: nil, count: docs.count)
    if run.texts != nil { takeFromRun(candidates.range, candidates.depth, needsDocs) }
    if let queryFile, needsQueries {
      try read([queryFile], options, queries, into: \.queryTexts)
    } else if needsQueries, run.texts == nil {
      throw .usage("--queries is missing", hint: "only a JSONL run with texts does without")
    }
    if !docFiles.isEmpty, needsDocs {
      try read(docFiles, options, docs, into: \.docTexts)
    } else if needsDocs, run.texts == nil {
      throw .usage("--docs is missing", hint: "only a JSONL run with texts does without")
    }
  }

  private mutating func takeFromRun(_ wanted: Range<Int>, _ depth: Int, _ needsDocs: Bool) {
    for query in wanted {
      if let place = queries.find(run.queries[query]) {
        queryTexts[place] = run.queryText(query).map { Array($0.utf8) }
      }
      guard needsDocs else { continue }
      for entry in run.entries(of: query).prefix(depth) {
        if let place = docs.find(run.doc(entry)), let text = run.docText(entry) {
          docTexts[place] = Array(text.utf8)
        }
      }
    }
  }

  /// Keeps the texts of a file whose ids are in the table; the same id twice is an error.
  private mutating func read(
    _ files: [String], _ options: RecordOptions, _ table: IDTable,
    into texts: WritableKeyPath<CandidateTexts, [[UInt8]?]>
  ) throws(Failure) {
    let reader = try TextRecordReader(files, options: options, blockSize: 1 << 20)
    var seen = [Bool](repeating: false, count: table.count)
    while let batch = try reader.next() {
      skipped += batch.skipped
      if firstSkipped == nil { firstSkipped = batch.firstSkipped }
      for index in 0..<batch.count {
        guard let place = batch.withID(index, { table.find($0) }) else { continue }
        if seen[place] {
          throw .data(batch.place(index), "id \(batch.idString(index)) occurs twice")
        }
        seen[place] = true
        self[keyPath: texts][place] = batch.withText(index) { Array($0) }
      }
    }
  }

  /// The text of a query of the run.
  func query(_ query: Int) throws(Failure) -> [UInt8] {
    let id = run.queries[query]
    guard let place = queries.find(id), let text = queryTexts[place] else {
      throw .data(places.queries, "query \(id) of the run is not there")
    }
    return text
  }

  /// The text of a document of the run.
  func doc(_ entry: Int) throws(Failure) -> [UInt8] {
    let id = run.doc(entry)
    guard let place = docs.find(id), let text = docTexts[place] else {
      throw .data(places.docs, "document \(id) of the run is not there")
    }
    return text
  }
}
