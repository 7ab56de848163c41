import Failures
import Retrieval

/// How a PLAID index is searched.
struct PlaidParameters: Sendable {
  /// Centroids whose documents are looked at, for each vector of a query; `Int.max` for all, nil for what k asks for.
  var cells: Int?
  /// Documents that are left by the centroids of importance; nil for what k asks for.
  var candidates: Int?
  /// Score below which, for every vector of a query, a centroid is of no importance; nil for what k asks
  /// for.
  var threshold: Float?
  /// Which of the vectors a score is made of.
  var scoring: Scoring
  /// What stands for vectors that were not looked at.
  var imputation: Imputation
  /// Vectors of the collection that the imputed score of a missing one is that of; nil for what the
  /// size of the collection asks for.
  var missing: Int?
  /// Documents that are compared themselves for each that is asked for, where their vectors are kept;
  /// nil for none.
  var oversample: Double?
  /// Vectors of the collection that XTR retrieves for each of a query's.
  var retrieved: Int

  enum Scoring: String, Sendable, CaseIterable { case plaid, warp, xtr }

  enum Imputation: String, Sendable, CaseIterable { case min, gather, zero, warp }

  static let exact = MultiVector.exact
  static let approximate = MultiVector.approximate
  static let oversample = Flat.oversample
  static let originals = MultiVector.originals
  static let centroids = "num-centroids"
  static let bits = "n-bits"
  static let rounds = "k-means-iters"
  static let allocation = "allocation"
  static let cells = "n-cells"
  static let candidates = "candidate-k"
  static let threshold = "centroid-score-threshold"
  static let scoring = "scoring"
  static let imputation = "imputation"
  static let missing = "t-prime"
  static let retrieved = "k-prime"

  static let all = [
    IndexParameter(
      centroids, .build, .integer(1...(1 << 24)), default: nil,
      "Centroids. (default: 16 times the root of the number of vectors, a power of two, at most 65536)"
    ),
    IndexParameter(
      bits, aliases: ["nbits"], .build, .word(["1", "2", "4"]), default: "2",
      "Bits a number of what is left of a vector beside its centroid: 1, 2 or 4."),
    IndexParameter(
      rounds, .build, .integer(1...1000), default: "4", "Rounds of k-means."),
    IndexParameter(
      allocation, .build, .word(["tokens", "vectors"]), default: "tokens",
      "tokens: frequent tokens get centroids of their own, where vectors belong to tokens; vectors: none do."
    ),
    IndexParameter(
      originals, .build, .wordOrFile(["keep", "none"]), default: "keep",
      "Keep the vectors beside their codes, for --exact, in a file elsewhere, or none."),
    IndexParameter(
      exact, .search, .flag, default: nil, "Compare all vectors of all documents, and no codes."),
    IndexParameter(
      approximate, .search, .flag, default: nil,
      "Rank by codes alone, also where the vectors are kept."),
    IndexParameter(
      oversample, .search, .number(1...1_000_000), default: "4",
      "Documents whose vectors are compared for each that is asked for, where they are kept."),
    IndexParameter(
      cells, aliases: ["ncells"], .search, .limit(1...(1 << 24)), default: nil,
      "Centroids a query vector whose documents are looked at, or all. (default: by -k: 1 up to 10, 2 up to 100, else 4; of warp 32, of xtr as many as hold --k-prime vectors, and at least 32)"
    ),
    IndexParameter(
      candidates, aliases: ["ndocs"], .search, .integer(1...Int(Int32.max)), default: nil,
      "Documents that are left by near centroids; a quarter of them is scored. (default: by -k: 256 up to 10, 1024 up to 100, else 4 times k and at least 4096)"
    ),
    IndexParameter(
      threshold, .search, .number(-Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude),
      default: nil,
      "Score from which on a centroid is near to a query vector. (default: by -k: 0.5 up to 10, 0.45 up to 100, else 0.4)"
    ),
    IndexParameter(
      scoring, .search, .word(Scoring.allCases.map(\.rawValue)), default: "plaid",
      "Score candidates by all their vectors (plaid), or by those that were looked at: of near centroids (warp), or the nearest of all (xtr)."
    ),
    IndexParameter(
      imputation, .search, .word(Imputation.allCases.map(\.rawValue)), default: nil,
      "What stands for a vector that was not looked at: the least score of those that were (min), the document's own (gather), nothing (zero), or the score of the centroid at --t-prime (warp). (default: warp for warp, min for xtr)"
    ),
    IndexParameter(
      missing, .search, .integer(1...Int(Int32.max)), default: nil,
      "Vectors of the collection down to which a missing one's score is imputed. (default: the root of eight times their number, in thousands, and at least 1000)"
    ),
    IndexParameter(
      retrieved, .search, .integer(1...Int(Int32.max)), default: "40000",
      "Vectors of the collection that xtr takes for each of a query's."),
  ]

  init(_ arguments: IndexArguments) throws(Failure) {
    cells = arguments.text(Self.cells) == nil ? nil : try arguments.limit(Self.cells)
    candidates = arguments.text(Self.candidates).flatMap { Int($0) }
    threshold = arguments.text(Self.threshold).flatMap { Float($0) }
    scoring = arguments.text(Self.scoring).flatMap { Scoring(rawValue: $0) } ?? .plaid
    let said = arguments.text(Self.imputation).flatMap { Imputation(rawValue: $0) }
    if scoring == .plaid {
      for name in [Self.imputation, Self.missing] where arguments.text(name) != nil {
        throw .usage("--\(name) is for --\(Self.scoring) warp or xtr")
      }
    }
    imputation = said ?? (scoring == .warp ? .warp : .min)
    missing = arguments.text(Self.missing).flatMap { Int($0) }
    retrieved = try arguments.integer(Self.retrieved)
    if arguments.flag(Self.exact), arguments.flag(Self.approximate) {
      throw .usage("--\(Self.exact) and --\(Self.approximate) exclude each other")
    }
    oversample =
      scoring == .plaid && !arguments.flag(Self.approximate)
      ? try arguments.number(Self.oversample) : nil
  }

  /// The numbers in force for a number of documents that are wanted (ColBERT, `searcher.py`,
  /// `dense_search`).
  func resolved(_ k: Int) -> (cells: Int, candidates: Int, threshold: Float) {
    let usual: (cells: Int, candidates: Int, threshold: Float) =
      k <= 10 ? (1, 256, 0.5) : k <= 100 ? (2, 1024, 0.45) : (4, max(4 * k, 4096), 0.4)
    return (
      cells ?? usual.cells, candidates ?? usual.candidates, threshold ?? usual.threshold
    )
  }

  /// Centroids a query vector whose vectors `warp` and `xtr` look at.
  ///
  /// - Parameters:
  ///   - centroids: All of them.
  ///   - vectors: How many vectors they have.
  /// - Returns: What was asked for; else as many as XTR-WARP's, and of xtr as hold what is retrieved.
  func tokenCells(of centroids: Int, with vectors: Int) -> Int {
    var usual = Self.fewestTokenCells
    if scoring == .xtr {
      let share = Double(retrieved) / Double(max(vectors, 1))
      usual = max(usual, Int((share * Double(centroids)).rounded(.up)))
    }
    return min(cells ?? usual, centroids)
  }

  private static let fewestTokenCells = 32
}
