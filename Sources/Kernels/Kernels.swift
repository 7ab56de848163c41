internal import CKernels

/// The numeric kernels of one instruction set.
///
/// Letters used throughout: M rows (tokens, documents), N outputs, K inputs, L sequence length,
/// D width, H heads, E width of one head, S sequences.
///
/// Results are bit-identical on all instruction sets, and those of a row do not depend on its
/// neighbours, on blocking or on the thread. NaN and infinities propagate as in IEEE arithmetic.
/// Shapes that do not fit are programmer errors and trap.
package struct Kernels: @unchecked Sendable {
  // Unchecked because of the pointer alone: the tables are constants of the program, never written.
  let table: UnsafePointer<ck_table>

  /// The instruction set that runs.
  package let instructionSet: InstructionSet

  /// The kernels for `instructionSet`, which must be supported.
  package init(_ instructionSet: InstructionSet = .best) {
    guard let table = ck_table_for(instructionSet.rawValue) else {
      preconditionFailure("this processor does not run \(instructionSet.name)")
    }
    self.table = table
    self.instructionSet = instructionSet
  }
}
