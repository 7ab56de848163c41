import Glibc
import Synchronization

/// Files that are in memory without having been read, for the handler of SIGBUS to name the one whose
/// bytes are gone.
package enum MappedRegions {
  /// A mapping and the C string of its file's path.
  struct Region {
    let start: UInt
    let count: Int
    let path: UnsafeMutablePointer<CChar>
    /// What bytes are compared with before they can be read; nil where all can be.
    let checks: Checks?
  }

  /// Stands for one mapping.
  package struct Token: Sendable {
    fileprivate let token: SignalSafeList<Region>.Token
  }

  private static let regions = SignalSafeList<Region>()

  /// Makes what `find` needs and may not make itself.
  static func prepare() { _ = find(0) }

  /// Bytes of a page.
  private static let page = UInt(sysconf(Int32(_SC_PAGESIZE)))

  /// Adds the mapping of a file.
  package static func register(
    _ bytes: UnsafeRawBufferPointer, of path: String, _ checks: Checks? = nil
  ) -> Token {
    guard let copy = strdup(path) else { preconditionFailure("no memory for a path") }
    let region = UnsafeMutablePointer<Region>.allocate(capacity: 1)
    region.initialize(
      to: Region(
        start: UInt(bitPattern: bytes.baseAddress), count: bytes.count, path: copy, checks: checks))
    return Token(token: regions.add(region))
  }

  /// Takes a mapping out again.
  package static func forget(_ token: Token) { regions.remove(token.token) }

  /// Writes bytes as `write` does, also those of a mapping that have not been compared yet, which the
  /// system cannot read.
  ///
  /// - Parameters:
  ///   - descriptor: Where they go.
  ///   - bytes: What is written.
  /// - Returns: What `write` returns.
  static func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    let count = Glibc.write(descriptor, bytes.baseAddress, bytes.count)
    guard count < 0, errno == EFAULT else { return count }
    var sum: UInt8 = 0
    for place in stride(from: 0, to: bytes.count, by: Int(page)) { sum ^= bytes[place] }
    if let last = bytes.last { sum ^= last }
    touched.store(sum, ordering: .relaxed)
    return Glibc.write(descriptor, bytes.baseAddress, bytes.count)
  }

  /// Where what was read goes, so that it is read.
  private static let touched = Atomic<UInt8>(0)

  /// The mapping that an address is in.
  ///
  /// Async-signal-safe.
  static func find(_ address: UInt) -> Region? {
    var found: Region?
    let page = page
    regions.forEach { region in
      // The last page is mapped to its end.
      let size = (UInt(region.pointee.count) + page - 1) & ~(page - 1)
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
