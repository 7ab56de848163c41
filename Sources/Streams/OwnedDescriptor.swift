import Failures
import Glibc

/// A file descriptor that is closed exactly once.
package struct OwnedDescriptor: ~Copyable {
  package let number: Int32
  /// Standard streams are not ours to close.
  private let closes: Bool

  package init(_ number: Int32, closes: Bool = true) {
    self.number = number
    self.closes = closes
  }

  deinit { if closes { _ = close(number) } }

  /// Closes the descriptor and reports what `close` says: a full disk may show only here (74).
  package consuming func finish(_ name: String) throws(Failure) {
    let (number, closes) = (self.number, self.closes)
    discard self
    if closes, close(number) != 0 { throw SystemError.io(name, "close") }
  }

  /// Opens a file for reading: 66 where there is none.
  package static func open(reading path: String) throws(Failure) -> OwnedDescriptor {
    let number = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard number >= 0 else {
      throw Failure(.noInput, at: path, SystemError.text(errno))
    }
    let descriptor = OwnedDescriptor(number)
    var info = stat()
    if fstat(number, &info) == 0, info.st_mode & S_IFMT == S_IFDIR {
      throw Failure(.noInput, at: path, "expected a file, found a folder")
    }
    return descriptor
  }

  /// Size of the file in bytes.
  package borrowing func size(_ name: String) throws(Failure) -> Int {
    var info = stat()
    guard fstat(number, &info) == 0 else { throw SystemError.io(name, "stat") }
    return Int(info.st_size)
  }

  /// Size in bytes of a regular file; 0 for anything else.
  package var regularSize: Int {
    var info = stat()
    return fstat(number, &info) == 0 && info.st_mode & S_IFMT == S_IFREG ? Int(info.st_size) : 0
  }

  /// Reads up to `buffer.count` bytes; 0 at the end of the file.
  package borrowing func read(
    into buffer: UnsafeMutableRawBufferPointer, name: String
  ) throws(Failure) -> Int {
    while true {
      let count = Glibc.read(number, buffer.baseAddress, buffer.count)
      if count >= 0 { return count }
      if errno != EINTR { throw SystemError.io(name, "read") }
    }
  }

  /// Writes all of `buffer` (74 where the device says no).
  package borrowing func write(
    _ buffer: UnsafeRawBufferPointer, name: String
  ) throws(Failure) {
    var rest = buffer
    while !rest.isEmpty {
      let count = MappedRegions.write(number, rest)
      if count < 0 {
        if errno == EINTR { continue }
        throw SystemError.io(name, "write")
      }
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
  }
}

/// Failures that carry what the system says.
package enum SystemError {
  /// The system's text for an error number.
  package static func text(_ number: Int32) -> String {
    String(cString: strerror(number))
  }

  /// A failed operation on a stream that was open (74), from `errno`.
  package static func io(_ name: String, _ operation: String) -> Failure {
    let number = errno
    return Failure(.io, at: name, "\(operation): \(text(number))")
  }

  /// An output that cannot be created (73), from `errno`.
  package static func cannotCreate(_ name: String) -> Failure {
    let number = errno
    return Failure(.cannotCreate, at: name, text(number))
  }
}
