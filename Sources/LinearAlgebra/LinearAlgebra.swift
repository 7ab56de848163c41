import Failures
import Glibc

/// LAPACK, loaded when it is first needed: only what is learned needs it, and nothing that starts.
///
/// OpenBLAS is taken where it is there, with one thread, so that results do not depend on their number;
/// else the library that the system calls LAPACK. Results may differ between processors in their last
/// bits: whoever stores them says `words` and the processor's instruction set beside.
package struct LinearAlgebra: @unchecked Sendable {
  // Unchecked because of the function's address alone, a constant of a library that stays loaded.
  typealias SingularValues =
    @convention(c) (
      UnsafePointer<CChar>, UnsafePointer<Int32>, UnsafePointer<Int32>,
      UnsafeMutablePointer<Double>,
      UnsafePointer<Int32>, UnsafeMutablePointer<Double>, UnsafeMutablePointer<Double>,
      UnsafePointer<Int32>, UnsafeMutablePointer<Double>, UnsafePointer<Int32>,
      UnsafeMutablePointer<Double>, UnsafePointer<Int32>, UnsafeMutablePointer<Int32>,
      UnsafeMutablePointer<Int32>
    ) -> Void

  /// The file that was loaded.
  package let name: String
  /// The kernels that it chose for this processor; nil where it does not say them.
  package let kernels: String?
  let singularValues: SingularValues

  /// Names of libraries that hold LAPACK, the best first.
  package static let libraries = ["libopenblas.so.0", "liblapack.so.3"]

  /// - Parameter libraries: Files to be tried in order.
  /// - Throws: 78 where none is there.
  package init(_ libraries: [String] = Self.libraries) throws(Failure) {
    for name in libraries {
      guard let handle = dlopen(name, RTLD_NOW | RTLD_LOCAL) else { continue }
      if let address = dlsym(handle, "openblas_set_num_threads") {
        unsafeBitCast(address, to: (@convention(c) (Int32) -> Void).self)(1)
      }
      guard let address = dlsym(handle, "dgesdd_") else { continue }
      self.name = name
      kernels = dlsym(handle, "openblas_get_corename").map { address in
        typealias CoreName = @convention(c) () -> UnsafePointer<CChar>
        return String(cString: unsafeBitCast(address, to: CoreName.self)())
      }
      singularValues = unsafeBitCast(address, to: SingularValues.self)
      return
    }
    throw .config(
      libraries.joined(separator: " "), "no LAPACK library is there",
      hint: "install the package libopenblas0 or liblapack3")
  }

  /// The library and its kernels, for what is learned with them.
  package var words: String { kernels.map { "\(name) \($0)" } ?? name }
}
