import Glibc

/// Files that are in memory without having been read, for the handler of SIGBUS to name the one whose
/// bytes are gone.
package enum MappedRegions {
  /// A mapping and the C string of its file's path.
  struct Region {
    let start: UInt
    let count: Int
    let path: UnsafeMutablePointer<CChar>
  }

  /// Stands for one mapping.
  package struct Token: Sendable {
    fileprivate let token: SignalSafeList<Region>.Token
  }

  private static let regions = SignalSafeList<Region>()

  /// Makes what `find` needs and may not make itself.
  static func prepare() { _ = find(0) }

  /// Adds the mapping of a file.
  package static func register(_ bytes: UnsafeRawBufferPointer, of path: String) -> Token {
    guard let copy = strdup(path) else { preconditionFailure("no memory for a path") }
    let region = UnsafeMutablePointer<Region>.allocate(capacity: 1)
    region.initialize(
      to: Region(start: UInt(bitPattern: bytes.baseAddress), count: bytes.count, path: copy))
    return Token(token: regions.add(region))
  }

  /// Takes a mapping out again.
  package static func forget(_ token: Token) { regions.remove(token.token) }

  /// The mapping that an address is in.
  ///
  /// Async-signal-safe.
  static func find(_ address: UInt) -> Region? {
    var found: Region?
    regions.forEach { region in
      // The last page is mapped to its end.
      let size = UInt(region.pointee.count + 0xFFFF) & ~0xFFFF
      guard address >= region.pointee.start, address - region.pointee.start < size else {
        return false
      }
      found = region.pointee
      return true
    }
    return found
  }
}

extension MappedRegions.Region {
  /// Whether the file has fewer bytes now than are mapped.
  ///
  /// Async-signal-safe.
  var isCut: Bool {
    var info = stat()
    return stat(path, &info) == 0 && Int(info.st_size) < count
  }
}
