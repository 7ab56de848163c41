import Failures
import Glibc

/// A library that is loaded when it is needed: what few inputs want does not slow every start.
struct SharedLibrary {
  private let handle: UnsafeMutableRawPointer
  private let name: String

  /// Loads the first of some names that is there.
  ///
  /// - Parameters:
  ///   - names: Its names on different systems.
  ///   - input: The input that needs it, for the message.
  ///   - program: A program that can do the same.
  /// - Throws: 78 where none is installed.
  init(_ names: [String], for input: String, program: String) throws(Failure) {
    for name in names {
      guard let handle = dlopen(name, RTLD_NOW | RTLD_LOCAL) else { continue }
      self.handle = handle
      self.name = name
      return
    }
    throw .config(
      input, "data of \(program) needs \(names[0]), which is not installed",
      hint: "\(program) -dc \(input) | … decompresses it before")
  }

  /// A function; the caller vouches for its type.
  func function<Function>(_ symbol: String, as type: Function.Type) -> Function {
    guard let address = dlsym(handle, symbol) else {
      preconditionFailure("\(name) has no \(symbol)")
    }
    return unsafeBitCast(address, to: type)
  }
}
