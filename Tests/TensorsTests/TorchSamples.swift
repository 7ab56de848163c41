/// A zip file of stored members.
enum Zip {
  static func stored(_ members: [(name: String, content: [UInt8])]) -> [UInt8] {
    var locals: [UInt8] = []
    var directory: [UInt8] = []
    let version = little(UInt16(20)) + little(UInt32(0))
    for member in members {
      let name = Array(member.name.utf8)
      let size = little(UInt32(member.content.count))
      let shared =
        little(UInt32(0)) + little(crc32(member.content)) + size + size
        + little(UInt16(name.count)) + little(UInt16(0))
      directory +=
        little(UInt32(0x0201_4B50)) + little(UInt16(20)) + version + shared
        + [UInt8](repeating: 0, count: 10) + little(UInt32(locals.count)) + name
      locals += little(UInt32(0x0403_4B50)) + version + shared + name + member.content
    }
    let count = little(UInt16(members.count))
    return locals + directory + little(UInt32(0x0605_4B50)) + little(UInt32(0)) + count + count
      + little(UInt32(directory.count)) + little(UInt32(locals.count)) + little(UInt16(0))
  }

  private static func little<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  private static func crc32(_ bytes: [UInt8]) -> UInt32 {
    var crc: UInt32 = 0xFFFF_FFFF
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
    }
    return ~crc
  }
}

/// A pickle as torch.save writes it: a dictionary of tensors in one storage of 10,000 floats.
struct Pickle {
  private var items: [UInt8] = []

  var bytes: [UInt8] { [0x80, 2] + Array("}(".utf8) + items + Array("u.".utf8) }

  mutating func tensor(_ name: String, offset: Int, shape: [Int], strides: [Int]) {
    items += text(name) + global("torch._utils", "_rebuild_tensor_v2") + Array("(".utf8)
    items +=
      Array("(".utf8) + text("storage") + global("torch", "FloatStorage") + text("0") + text("cpu")
      + integer(10_000) + Array("tQ".utf8)
    items += integer(offset) + tuple(shape) + tuple(strides) + [0x89] + Array("}tR".utf8)
  }

  private func text(_ text: String) -> [UInt8] {
    [0x58, UInt8(text.utf8.count), 0, 0, 0] + text.utf8
  }

  private func global(_ module: String, _ name: String) -> [UInt8] {
    Array("c\(module)\n\(name)\n".utf8)
  }

  private func integer(_ value: Int) -> [UInt8] {
    [0x4A] + withUnsafeBytes(of: Int32(value).littleEndian) { Array($0) }
  }

  private func tuple(_ values: [Int]) -> [UInt8] {
    Array("(".utf8) + values.flatMap { integer($0) } + Array("t".utf8)
  }
}
