internal import CKernels

/// A set of vector instructions that the kernels are built for.
///
/// The choice changes speed, never results.
package enum InstructionSet: Int32, CaseIterable, Sendable {
  /// The baseline of the processor.
  case portable = 0
  /// AVX2 and FMA.
  case avx2 = 1
  /// AVX-512 F, BW, VL and DQ.
  case avx512 = 2

  /// The fastest that this processor runs.
  package static var best: InstructionSet {
    InstructionSet(rawValue: ck_best_isa()) ?? .portable
  }

  /// All that this processor runs, slowest first.
  package static var supported: [InstructionSet] { allCases.filter(\.isSupported) }

  /// Whether this processor runs it.
  package var isSupported: Bool { ck_isa_supported(rawValue) != 0 }

  /// As users write it: `portable`, `avx2`, `avx512`.
  package var name: String { String(describing: self) }
}
