import Failures
import JSON
import Records
import TrainingData

/// Sources of training data, and settings of the tuples that are made of them.
package struct DataConfiguration: Sendable {
  static let keys = [
    "tuples", "format", "systems", "queries", "docs", "run", "qrels", "targets",
    "normalize_targets", "sampling", "depth", "sample_size", "add_docs_not_in_ranking", "shuffle",
    "num_docs", "no_duplicates", "fields", "query_fields", "id_field",
  ]

  /// Read one behind the other.
  package var tuples: [String]
  package var run: [String]
  /// One for each file of tuples; nil for what it looks like.
  package var formats: [TupleFormat?]
  package var systems: [String]?
  package var queries: [String]
  package var docs: [String]
  package var qrels: [String]
  /// Nil where validation needs none.
  package var targets: TargetKind?
  package var normalizesTargets: Bool
  package var sampling: DocumentSampling
  package var depth: Int?
  package var sampleSize: Int?
  package var addsJudged: Bool
  package var shuffles: Bool
  package var documents: Int?
  /// Whether no query and no document may be in a batch twice.
  package var noDuplicates: Bool
  /// What makes ids and texts of `queries` and of `docs`.
  package var queryRecords: RecordOptions
  package var docRecords: RecordOptions

  /// Reads the data of training, which must have targets, or of a validation, which need not.
  init(_ reader: ConfigurationReader, isTraining: Bool) throws(Failure) {
    tuples = try reader.strings("tuples") ?? []
    run = try reader.strings("run") ?? []
    guard tuples.isEmpty != run.isEmpty else {
      throw .config(
        reader.file,
        "expected either tuples or run in "
          + (isTraining ? "data" : "an entry of validate"))
    }
    formats = try reader.choices("format", each: tuples.count)
    systems = try reader.strings("systems")
    queries = try reader.strings("queries") ?? []
    docs = try reader.strings("docs") ?? []
    qrels = try reader.strings("qrels") ?? []
    targets = try reader.choice("targets")
    normalizesTargets = try reader.bool("normalize_targets") ?? false
    sampling = try reader.choice("sampling") ?? .top
    depth = try reader.limit("depth")
    sampleSize = try reader.limit("sample_size")
    addsJudged = try reader.bool("add_docs_not_in_ranking") ?? false
    shuffles = try reader.bool("shuffle") ?? true
    documents = try reader.limit("num_docs")
    noDuplicates = try reader.bool("no_duplicates") ?? false
    docRecords = RecordOptions(
      fields: try reader.strings("fields") ?? [], idFields: try reader.strings("id_field") ?? [])
    queryRecords = docRecords
    if let fields = try reader.strings("query_fields") { queryRecords.fields = fields }
    if !tuples.isEmpty {
      targets = targets ?? .order
      guard targets == .order || targets == .score else {
        throw reader.failure("targets", expected: "order or score, as the data are tuples")
      }
      for key in ["qrels", "sampling", "depth", "sample_size", "add_docs_not_in_ranking"]
      where isTraining && reader[key] != nil && reader[key]?.bool != false {
        throw .config(reader.file, "data.\(key) is for runs, and data.tuples is given")
      }
    } else {
      try checkRun(reader, isTraining)
    }
  }

  /// Values of the settings that a configuration leaves out.
  var defaults: JSON {
    if !tuples.isEmpty {
      return ["targets": "order", "shuffle": true, "num_docs": .null, "no_duplicates": false]
    }
    return [
      "normalize_targets": false, "sampling": "top", "depth": -1, "sample_size": -1,
      "add_docs_not_in_ranking": false, "shuffle": true, "no_duplicates": false,
    ]
  }

  private func checkRun(_ reader: ConfigurationReader, _ isTraining: Bool) throws(Failure) {
    for key in ["format", "systems", "num_docs"] where reader[key] != nil {
      throw .config(reader.file, "\(key) is for tuples, and a run is given")
    }
    if isTraining || targets != nil {
      guard let targets, targets != .order else {
        throw reader.failure(
          "targets", expected: "relevance, subtopic_relevance, rank or score, as the data are a run"
        )
      }
      if addsJudged, targets == .score || targets == .rank {
        throw .config(
          reader.file, "add_docs_not_in_ranking: those documents have no \(targets.rawValue)")
      }
    }
  }
}
