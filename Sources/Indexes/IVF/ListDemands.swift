import Failures
import IndexFormat
import Retrieval

/// What is asked of inverted lists, whatever the type that they are called by.
struct ListDemands: Sendable {
  /// The number of lists: nil for as many as documents want.
  var lists: Int?
  /// Vectors that are looked at; nil for as many as lists want.
  var sample: Int?
  /// Word of `--codes`; nil for none.
  var codes: String?
  var keepsOriginals: Bool
  /// Parts of a vector that are coded together; nil for as many as vectors want.
  var parts: Int?
  /// Whether the type is that of product codes, with Lightning IR's defaults.
  private var isNamed: Bool
  /// Whether all codes have one factor, as another program's have.
  var sharesFactor: Bool { isNamed }
  /// Whether vectors are rotated before their parts are coded.
  var isRotated: Bool

  /// - Throws: 64 for a number that is none.
  init(_ arguments: IndexArguments, _ type: any IndexType.Type) throws(Failure) {
    func integer(_ name: String) throws(Failure) -> Int? {
      guard type.parameters.contains(where: { $0.name == name }), arguments.text(name) != nil else {
        return nil
      }
      return try arguments.integer(name)
    }
    func has(_ name: String) -> Bool { type.parameters.contains { $0.name == name } }
    lists = has(IVF.centroids) ? try integer(IVF.centroids) : 1
    sample = try integer(IVF.training)
    parts = try integer(IVF.subquantizers)
    let bits = try integer(IVF.bitsOfPart)
    isNamed = bits != nil
    codes = bits.map { "pq\($0)" } ?? (has(Flat.codes) ? arguments.text(Flat.codes) : nil)
    keepsOriginals = arguments.text(Flat.originals) != "none"
    isRotated = arguments.text(IVF.rotate) != "none" && codes?.hasPrefix("pq") == true
  }

  /// Centroids of a part of a vector; nil where parts are not coded.
  var entries: Int? {
    switch codes {
    case "pq4": 16
    case "pq8": 256
    default: nil
    }
  }

  /// The form of codes with a proof; nil for others.
  var form: CodeForm? { codes.flatMap { CodeForm(rawValue: $0) } }

  /// Parts of vectors of a dimension.
  ///
  /// - Throws: 64 where they are not of equal size.
  func parts(of dimension: Int) throws(Failure) -> Int {
    if let parts {
      guard dimension % parts == 0 else {
        throw .usage(
          "--\(IVF.subquantizers) \(parts): expected a divisor of the dimension, \(dimension)")
      }
      return parts
    }
    let most = isNamed ? 16 : max(1, dimension / (entries == 16 ? 4 : 8))
    return (1...min(most, max(1, dimension))).last { dimension % $0 == 0 } ?? 1
  }

  /// Refuses what does not go together, or not with the documents.
  ///
  /// - Throws: 64 for it.
  func check(_ source: IndexSource, _ arguments: IndexArguments) throws(Failure) {
    try Originals.check(source, arguments, hasCodes: codes != nil)
    if parts != nil, entries == nil {
      throw .usage("--\(IVF.subquantizers) is for codes pq4 and pq8")
    }
    if entries != nil, let dimension = source.dimension { _ = try parts(of: dimension) }
  }
}
