internal import CKernels

/// A set of vector instructions that the kernels are built for.
///
/// The choice changes speed, never results.
package enum InstructionSet: Int32, CaseIterable, Sendable {
  /// The baseline of the processor.
  case portable = 0
  /// AVX2, FMA and F16C.
  case avx2 = 1
  /// Besides, AVX-VNNI, which multiplies bytes.
  case avx2VNNI = 2
  /// AVX-512 F, BW, VL and DQ.
  case avx512 = 3
  /// Besides, VNNI.
  case avx512VNNI = 4
  /// Besides, BF16, which multiplies bfloat16.
  case avx512BF16 = 5

  /// The fastest that this processor runs.
  package static var best: InstructionSet {
    InstructionSet(rawValue: ck_best_isa()) ?? .portable
  }

  /// All that this processor runs, slowest first.
  package static var supported: [InstructionSet] { allCases.filter(\.isSupported) }

  /// Whether this processor runs it.
  package var isSupported: Bool { ck_isa_supported(rawValue) != 0 }

  /// `portable`, `avx2`, `avx2-vnni`, `avx512`, `avx512-vnni`, `avx512-bf16`.
  package var name: String { String(cString: Kernels(self).table.pointee.name) }

  /// The fastest of a family that this processor runs; nil for none.
  package static func best(of family: InstructionFamily) -> InstructionSet? {
    let members: ClosedRange<Int32> =
      switch family {
      case .portable: portable.rawValue...portable.rawValue
      case .avx2: avx2.rawValue...avx2VNNI.rawValue
      case .avx512: avx512.rawValue...avx512BF16.rawValue
      }
    return supported.last { members.contains($0.rawValue) }
  }
}

/// Instruction sets by the width of their registers, as users name them.
package enum InstructionFamily: String, CaseIterable, Sendable {
  case avx512, avx2, portable
}
