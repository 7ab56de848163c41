import Kernels
import Models
import TestSupport
import Testing

/// Linear layers in bfloat16 and bytes.
///
/// That products are right to the bit is proved beside the kernels, and that batches, threads and
/// instruction sets change nothing in `InvarianceTests`; here, that models use them, and come near.
struct PrecisionTests {
  /// Largest distance from the values of single precision, as a share of their length.
  ///
  /// A factor of a product is off by u, evenly spread: bfloat16 by 2⁻⁸/√12 of itself; a byte by a
  /// 255th (activations) or 127th (weights, of one sign) of a range that is about six deviations,
  /// over √12. Errors of 4 products a layer, 2 factors each, add up as independent ones over these
  /// models' two layers: √16 · u. Three times as much is allowed, for ranges that are wider; twice
  /// that where what is left is a small part of what went in: T5's scores are differences of two
  /// logits behind twenty products, and SPLADE's weights what of logits around 0 is above it.
  private static func tolerance(_ precision: Precision, isSmallPart: Bool) -> Double {
    let margin: Double = isSmallPart ? 6 : 3
    return switch precision {
    case .f32: 0
    case .bf16: margin * 4 * 0.00113
    case .int8: margin * 4 * 0.0068
    }
  }

  @Test(arguments: InvarianceTests.cases, [Precision.bf16, .int8])
  func nearSinglePrecision(name: String, precision: Precision) throws {
    let exact = try InvarianceTests.Subject(name).values()
    let subject = try InvarianceTests.Subject(name, precision)
    #expect(subject.model.precisions == LayerPrecisions(precision))
    let found = try subject.values()
    #expect(found != exact, "\(name): nothing was narrowed")
    var (error, size) = (0.0, 0.0)
    for (x, y) in zip(found.joined(), exact.joined()) {
      error += Double(x - y) * Double(x - y)
      size += Double(y) * Double(y)
    }
    #expect(found.map(\.count) == exact.map(\.count))
    let isSmallPart = name.contains("splade") || name.contains("mlm") || name.contains("mono_t5")
    #expect(
      (error / size).squareRoot() < Self.tolerance(precision, isSmallPart: isSmallPart),
      "\(name), \(precision)")
  }
}
