import Failures
import IndexFormat
import Kernels
import Retrieval
import Tensors
import Vectors

/// The vectors beside codes: which of them an index keeps, and which of them scores are made of.
enum Originals {
  static let name = "originals"
  /// The search parameter that says which vectors documents are scored by that codes have found.
  static let rescore = "rescore"

  /// The parameter of a type that has codes.
  static func parameter(_ without: String) -> IndexParameter {
    IndexParameter(
      name, .build, .wordOrFile(["keep", "f16", "none"]), default: nil,
      "Keep the vectors beside their codes (keep, the default), round them to two bytes a number "
        + "before anything else (f16), keep them in a file elsewhere, or none: \(without)")
  }

  /// The parameter of a type that has no codes beside its vectors.
  static let halving = IndexParameter(
    name, .build, .word(["keep", "f16"]), default: nil,
    "Keep the vectors as they come (the default), or round them to two bytes a number first (f16).")

  static let rescoring = IndexParameter(
    rescore, .search, .word(["f32", "f16"]), default: nil,
    "With codes: score what they find by the vectors as they came (f32), or rounded to two bytes a "
      + "number (f16). (default: as the index keeps them)")

  /// Refuses what does not go with the documents.
  ///
  /// - Parameters:
  ///   - source: What the documents come from.
  ///   - arguments: What was said.
  ///   - hasCodes: Whether there are codes beside the vectors.
  /// - Throws: 64 for it.
  static func check(
    _ source: IndexSource, _ arguments: IndexArguments, hasCodes: Bool
  ) throws(Failure) {
    guard let kept = arguments.text(name) else { return }
    let isHalved = kept == "f16"
    if !isHalved, !hasCodes {
      throw .usage("--\(name) \(kept): without codes the vectors are all there is")
    }
    if isHalved || kept == "none", source.element == .i8 {
      throw .usage(
        "--\(name) \(kept): the stream's vectors are bytes already",
        hint: isHalved ? "leave it out" : "leave --codes out")
    }
    if isHalved, source.element == .bf16 {
      throw .usage(
        "--\(name) f16: the stream's vectors have two bytes a number already", hint: "leave it out")
    }
  }

  /// What is stored of vectors that are rounded: those of two bytes a number.
  static func stored(_ source: IndexSource, _ arguments: IndexArguments) -> IndexSource {
    guard arguments.text(name) == "f16", let schema = source.schema else { return source }
    var source = source
    source.contents = .vectors(schema.storing(.f16))
    return source
  }

  /// Whether documents that codes find are scored by rounded vectors, though others are kept.
  ///
  /// - Parameters:
  ///   - segment: What is searched.
  ///   - arguments: What was said.
  ///   - codes: What the segment's codes are; nil where it has none.
  /// - Returns: The format that they are rounded to; nil for vectors as they are kept.
  /// - Throws: 64 where nothing is rescored, 78 for vectors that the index does not have.
  static func rounding(
    _ segment: IndexSegment, _ arguments: IndexArguments, _ codes: Codes?
  ) throws(Failure) -> HalfFormat? {
    guard let word = arguments.text(rescore) else { return nil }
    guard let codes else { throw .usage("--\(rescore): \(segment.folder) has no codes") }
    for flag in [Flat.exact, Flat.approximate] where arguments.flag(flag) {
      throw .usage("--\(rescore) goes without --\(flag)")
    }
    guard segment.has(Flat.vectors) else {
      throw .config(
        segment.folder, "--\(rescore): the index has codes alone, no vectors",
        hint: "build it with --\(name) keep")
    }
    if word == "f32" {
      guard segment.manifest.parameter(name) != "f16" else {
        throw .config(
          segment.folder, "--\(rescore) f32: the index keeps rounded vectors",
          hint: "build it with --\(name) keep")
      }
      return nil
    }
    if segment.manifest.source.element == .f16 { return nil }
    guard codes == .estimates else {
      throw .config(
        segment.folder,
        "--\(rescore) f16: the codes prove what scores of the vectors are that the index keeps",
        hint: "build it with --\(name) f16")
    }
    return .float16
  }

  /// What codes say of scores.
  enum Codes { case proof, estimates }
}
