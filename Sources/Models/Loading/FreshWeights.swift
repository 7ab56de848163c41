import Autograd
import Failures
import Glibc
import Kernels
import Streams
import Tensors

/// Values of weights that a checkpoint lacks and training begins with.
///
/// They are those of transformers (`_init_weights` of its models): matrices normal with the deviation that
/// `config.json` gives, within so many deviations where ModernBERT says so, biases 0, norms 1.
package struct FreshWeights: Sendable {
  private let seed: UInt64
  private let deviation: Float
  /// Number of deviations from 0 beyond which a value is drawn anew; nil for no limit.
  private let cutoff: Float?

  /// The deviation that transformers' configurations have where they say nothing.
  private static let defaultDeviation = 0.02

  /// - Parameters:
  ///   - folder: The model's.
  ///   - seed: Chooses the values; those of a weight depend on its name besides.
  /// - Throws: 78 where the folder's deviation is out of its range.
  package init(_ folder: ModelFolder, seed: UInt64) throws(Failure) {
    self.seed = seed
    let ranges = FieldRanges.self
    let factor = try folder.optionalDouble(
      "initializer_factor", in: ranges.deviation, default: nil)
    if let factor, folder.config["d_model"] != nil {
      deviation = Float(
        factor / Double(try folder.integer("d_model", in: ranges.width)).squareRoot())
    } else {
      deviation = Float(
        try folder.optionalDouble("initializer_range", in: ranges.deviation, default: nil)
          ?? Self.defaultDeviation)
    }
    cutoff = try folder.optionalDouble(
      "initializer_cutoff_factor", in: ranges.cutoff, default: nil
    ).map { Float($0) }
  }

  /// The values of a weight.
  func values(_ name: String, _ shape: [Int]) -> AlignedBuffer {
    let buffer = AlignedBuffer(count: shape.reduce(1, *))
    guard shape.count > 1 else {
      let value: Float = name.hasSuffix(".bias") ? 0 : 1
      buffer.pointer.update(repeating: value, count: buffer.count)
      return buffer
    }
    var random = CounterRandom(seed: seed, stream: Checksum.xxh3(Array(name.utf8)))
    for i in 0..<buffer.count {
      var value = random.nextNormal()
      while let cutoff, abs(value) > cutoff { value = random.nextNormal() }
      buffer.pointer[i] = deviation * value
    }
    return buffer
  }
}
