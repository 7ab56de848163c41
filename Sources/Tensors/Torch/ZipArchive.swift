import Failures
import Streams

/// A zip file whose members are stored as they are, mapped: what PyTorch writes.
///
/// Format: PKWARE APPNOTE 6.3.10. Every number comes from the file, so every one is checked.
struct ZipArchive: Sendable {
  struct Member: Sendable {
    var name: String
    /// Bytes of the file.
    var range: Range<Int>
    var crc: UInt32
  }

  let file: MappedFile
  let members: [Member]

  private static let maximumMembers = 1 << 20

  /// - Throws: 65 where the directory is not whole; 78 where a member is compressed or encrypted.
  init(_ file: MappedFile) throws(Failure) {
    self.file = file
    var reader = ZipReader(file)
    let directory = try reader.directory()
    guard directory.count <= Self.maximumMembers else {
      throw reader.damaged("\(directory.count) members")
    }
    var members: [Member] = []
    reader.position = directory.offset
    for _ in 0..<directory.count { members.append(try reader.member()) }
    self.members = members
  }

  func bytes(_ member: Member) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: file.bytes[member.range])
  }

  /// The bytes of a member whose checksum is right.
  ///
  /// - Throws: 65 where it is not.
  func checkedBytes(_ member: Member) throws(Failure) -> UnsafeRawBufferPointer {
    let bytes = bytes(member)
    guard Checksum.crc32(bytes) == member.crc else {
      throw .data(file.path, "damaged zip file: member \(member.name) has another checksum")
    }
    return bytes
  }
}

/// Reads the records of a zip file.
private struct ZipReader {
  let file: MappedFile
  var position = 0

  init(_ file: MappedFile) { self.file = file }

  func damaged(_ what: String) -> Failure { .data(file.path, "damaged zip file: \(what)") }

  /// A little-endian number at a place of the file.
  private func number<T: FixedWidthInteger & UnsignedInteger>(
    _ place: Int, _ type: T.Type
  ) throws(Failure) -> Int {
    guard place >= 0, place <= file.bytes.count - MemoryLayout<T>.size else {
      throw damaged("a record ends behind the file")
    }
    let value = T(littleEndian: file.bytes.loadUnaligned(fromByteOffset: place, as: T.self))
    guard let number = Int(exactly: value) else { throw damaged("a number is too large") }
    return number
  }

  private mutating func next<T: FixedWidthInteger & UnsignedInteger>(
    _ type: T.Type
  ) throws(Failure) -> Int {
    let value = try number(position, type)
    position += MemoryLayout<T>.size
    return value
  }

  /// Where the central directory starts, and how many members it has.
  mutating func directory() throws(Failure) -> (offset: Int, count: Int) {
    let end = try endRecord()
    let count = try number(end + 10, UInt16.self)
    let offset = try number(end + 16, UInt32.self)
    guard count == 0xFFFF || offset == 0xFFFF_FFFF else { return (offset, count) }
    let locator = end - 20
    guard locator >= 0, try number(locator, UInt32.self) == 0x0706_4B50 else {
      return (offset, count)
    }
    let end64 = try number(locator + 8, UInt64.self)
    guard end64 < locator, try number(end64, UInt32.self) == 0x0606_4B50 else {
      throw damaged("no zip64 end record where its locator says")
    }
    return (try number(end64 + 48, UInt64.self), try number(end64 + 32, UInt64.self))
  }

  private func endRecord() throws(Failure) -> Int {
    var place = file.bytes.count - 22
    let last = max(0, place - 0xFFFF)
    while place >= last {
      if try number(place, UInt32.self) == 0x0605_4B50 { return place }
      place -= 1
    }
    throw damaged("no end of central directory: the file is cut off")
  }

  /// The entry of the central directory at `position`.
  mutating func member() throws(Failure) -> ZipArchive.Member {
    guard try next(UInt32.self) == 0x0201_4B50 else { throw damaged("no directory entry") }
    position += 4
    let flags = try next(UInt16.self)
    let method = try next(UInt16.self)
    position += 4
    let crc = UInt32(truncatingIfNeeded: try next(UInt32.self))
    var stored = try next(UInt32.self)
    var size = try next(UInt32.self)
    let nameLength = try next(UInt16.self)
    let extraLength = try next(UInt16.self)
    let commentLength = try next(UInt16.self)
    position += 8
    var header = try next(UInt32.self)
    guard nameLength + extraLength + commentLength <= file.bytes.count - position else {
      throw damaged("a directory entry ends behind the file")
    }
    let name = String(decoding: file.bytes[position..<position + nameLength], as: UTF8.self)
    position += nameLength
    try readZip64(position..<position + extraLength, &size, &stored, &header)
    position += extraLength + commentLength
    guard method == 0, flags & 1 == 0, size == stored else {
      throw .config(file.path, "member \(name) of the zip file is compressed or encrypted")
    }
    return ZipArchive.Member(name: name, range: try data(header, size, name), crc: crc)
  }

  /// Numbers that do not fit the entry stand in its extra field 1, in this order.
  private func readZip64(
    _ extra: Range<Int>, _ size: inout Int, _ stored: inout Int, _ header: inout Int
  ) throws(Failure) {
    var place = extra.lowerBound
    while place + 4 <= extra.upperBound {
      let kind = try number(place, UInt16.self)
      let length = try number(place + 2, UInt16.self)
      var field = place + 4
      place = field + length
      guard place <= extra.upperBound else { throw damaged("an extra field is too long") }
      guard kind == 1 else { continue }
      func take(_ value: inout Int) throws(Failure) {
        guard value == 0xFFFF_FFFF, field + 8 <= place else { return }
        value = try number(field, UInt64.self)
        field += 8
      }
      try take(&size)
      try take(&stored)
      try take(&header)
    }
  }

  /// Bytes of a member, behind its local header.
  private func data(_ header: Int, _ size: Int, _ name: String) throws(Failure) -> Range<Int> {
    guard header >= 0, header <= file.bytes.count - 30,
      try number(header, UInt32.self) == 0x0403_4B50
    else { throw damaged("no member \(name) where the directory says") }
    let start =
      header + 30 + (try number(header + 26, UInt16.self)) + (try number(header + 28, UInt16.self))
    guard size >= 0, start <= file.bytes.count, size <= file.bytes.count - start else {
      throw damaged("member \(name) ends behind the file")
    }
    return start..<start + size
  }
}
