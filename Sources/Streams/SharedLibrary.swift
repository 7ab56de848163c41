import Failures
import Glibc

/// A library that is loaded when it is needed: what few inputs want does not slow every start.
package struct SharedLibrary {
  private let handle: UnsafeMutableRawPointer
  private let name: String

  /// Loads the first of some names that is there.
  ///
  /// - Parameters:
  ///   - names: Its names on different systems.
  ///   - missing: What is wrong where none is installed, by the first name.
  /// - Throws: That.
  package init(_ names: [String], missing: (String) -> Failure) throws(Failure) {
    for name in names {
      guard let handle = dlopen(name, RTLD_NOW | RTLD_LOCAL) else { continue }
      self.handle = handle
      self.name = name
      return
    }
    throw missing(names[0])
  }

  /// Loads the library of a compressor.
  ///
  /// - Parameters:
  ///   - names: Its names on different systems.
  ///   - input: The input that needs it, for the message.
  ///   - program: A program that can do the same.
  /// - Throws: 78 where none is installed.
  init(_ names: [String], for input: String, program: String) throws(Failure) {
    try self.init(names) {
      .config(
        input, "data of \(program) needs \($0), which is not installed",
        hint: "\(program) -dc \(input) | … decompresses it before")
    }
  }

  /// A function; the caller vouches for its type.
  package func function<Function>(_ symbol: String, as type: Function.Type) -> Function {
    guard let address = dlsym(handle, symbol) else {
      preconditionFailure("\(name) has no \(symbol)")
    }
    return unsafeBitCast(address, to: type)
  }
}
