import Autograd
import Kernels

/// Precision of each of a model's wide linear layers: the backbone's, and those that weight the
/// vocabulary.
package struct LayerPrecisions: Sendable, Equatable {
  package static let f32 = LayerPrecisions(.f32)

  /// Precision of all layers but the kept ones.
  package let precision: Precision
  /// Names of layers that stay in bfloat16, in the order in which they are computed.
  package let kept: [String]
  /// Whether layers have their weights in bytes as well, so that both products are compared.
  let calibrates: Bool

  package init(_ precision: Precision, keeping kept: [String] = []) {
    self.precision = precision
    self.kept = kept
    calibrates = false
  }

  private init(calibrates: Bool) {
    precision = .f32
    kept = []
    self.calibrates = calibrates
  }

  /// Single precision, beside which every product is made in bytes as well.
  package static let calibrating = LayerPrecisions(calibrates: true)

  /// Precisions that a calibration advises: bytes, except for layers that bytes do not suit.
  package init(_ agreements: [LayerAgreement]) {
    self.init(.int8, keeping: agreements.filter { !$0.suitsBytes }.map(\.layer))
  }

  /// The precision of the layer with this first weight.
  func of(_ weight: Parameter) -> Precision {
    kept.contains(Linear.name(weight.name)) ? .bf16 : precision
  }

  /// Whether this layer has weights in bytes.
  func usesBytes(_ weight: Parameter) -> Bool { calibrates || of(weight) == .int8 }

  /// As streams record it: `int8`, or `int8+bf16:` and the names of the layers that are kept.
  package var recorded: String {
    kept.isEmpty ? precision.rawValue : "\(precision.rawValue)+bf16:" + kept.joined(separator: ",")
  }
}

extension LayerAgreement {
  /// Mean cosine below which a layer is better kept in bfloat16.
  ///
  /// Rounding a factor to bytes is an error of (c/127)²/12 of its power, c being its largest value
  /// over its root mean square: about 4 for normal distributions. For both factors together that is
  /// 1.7e-4, a cosine of 1 − 1.7e-4/2 = 0.99992, since errors at right angles to the product of a
  /// relative power e give 1 − e/2. At 0.999 a layer alone adds the error of twelve such ones, which
  /// are three blocks of a transformer: outliers take the range away from the others, as by c = 20.
  package static let leastCosine = 0.999

  /// Whether the layer may be computed in bytes.
  package var suitsBytes: Bool { cosine >= Self.leastCosine }

  /// The layer's name.
  package var layer: String { Linear.name(tensors[0]) }
}
