import Failures

/// How faiss stores a vector in bytes.
///
/// Format: faiss `impl/ScalarQuantizer.h`, `impl/scalar_quantizer/quantizers.h` and
/// `impl/ProductQuantizer.cpp` at v1.15.1.
enum FaissCode {
  case single
  case half
  case brain
  /// Steps of a range, its own for each dimension or one for all: least value and width of the range.
  case steps(bits: Int, least: [Float], width: [Float])
  /// Bytes that are the numbers themselves, less `offset`.
  case direct(offset: Float)
  /// One of the 2^bits vectors of a codebook for each of several parts.
  case product(parts: Int, bits: Int, codebook: [Float])

  /// Bytes of a vector of a dimension.
  func size(_ dimension: Int) -> Int {
    switch self {
    case .single: 4 * dimension
    case .half, .brain: 2 * dimension
    case .steps(let bits, _, _): (dimension * bits + 7) / 8
    case .direct: dimension
    case .product(let parts, let bits, _): (parts * bits + 7) / 8
    }
  }

  /// Adds what a code stands for to a vector.
  func add(_ code: UnsafeRawBufferPointer, to vector: inout [Float]) {
    switch self {
    case .single:
      for i in vector.indices {
        vector[i] += code.loadUnaligned(fromByteOffset: 4 * i, as: Float.self)
      }
    case .half:
      for i in vector.indices {
        vector[i] += Float(code.loadUnaligned(fromByteOffset: 2 * i, as: Float16.self))
      }
    case .brain:
      for i in vector.indices {
        let bits = code.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self)
        vector[i] += Float(bitPattern: UInt32(bits) << 16)
      }
    case .steps(let bits, let least, let width):
      let last = Float(1 << bits - 1)
      for i in vector.indices {
        let step = Self.bits(code, at: bits * i, count: bits)
        let share = (Float(step) + 0.5) / last
        vector[i] += least[i % least.count] + share * width[i % width.count]
      }
    case .direct(let offset):
      for i in vector.indices { vector[i] += Float(code[i]) - offset }
    case .product(let parts, let bits, let codebook):
      let width = vector.count / parts
      for part in 0..<parts {
        let word = Self.bits(code, at: bits * part, count: bits)
        let start = (part << bits + word) * width
        for i in 0..<width { vector[part * width + i] += codebook[start + i] }
      }
    }
  }

  /// Bits of a code, the lowest of a byte first.
  private static func bits(_ code: UnsafeRawBufferPointer, at place: Int, count: Int) -> Int {
    var value = 0
    for (position, byte) in (place / 8...(place + count - 1) / 8).enumerated() {
      value |= Int(code[byte]) << (8 * position)
    }
    return value >> (place % 8) & (1 << count - 1)
  }
}

extension FaissReader {
  /// What a scalar quantizer says of its codes.
  mutating func scalarCode(_ dimension: Int) throws(Failure) -> FaissCode {
    let kind: Int32 = try value()
    let _: Int32 = try value()
    let _: Float = try value()
    guard try count() == dimension else { throw damaged("a quantizer of another dimension") }
    let size = try count()
    let trained: [Float] = try numbers()
    let code: FaissCode
    switch kind {
    case 0, 1: code = try steps(kind == 0 ? 8 : 4, trained, each: dimension)
    case 2, 3: code = try steps(kind == 2 ? 8 : 4, trained, each: 1)
    case 4: code = .half
    case 5: code = .direct(offset: 0)
    case 7: code = .brain
    case 8: code = .direct(offset: 128)
    default:
      throw .config(
        path, "scalar quantizer \(kind) of faiss is not read",
        hint: "those of 4 and 8 bits, fp16 and bf16 are")
    }
    guard code.size(dimension) == size else { throw damaged("codes of \(size) bytes") }
    return code
  }

  private func steps(
    _ bits: Int, _ trained: [Float], each count: Int
  ) throws(Failure) -> FaissCode {
    guard trained.count == 2 * count, trained.allSatisfy(\.isFinite) else {
      throw damaged("ranges of a quantizer that are \(trained.count), or not finite")
    }
    return .steps(bits: bits, least: Array(trained[..<count]), width: Array(trained[count...]))
  }

  /// A product quantizer.
  mutating func productCode(_ dimension: Int) throws(Failure) -> FaissCode {
    let (whole, parts, bits) = (try count(), try count(), try count())
    guard whole == dimension, parts >= 1, dimension % parts == 0, (1...16).contains(bits) else {
      throw damaged("a product quantizer of \(whole) dimensions, \(parts) parts and \(bits) bits")
    }
    let codebook: [Float] = try numbers()
    let (expected, overflow) = dimension.multipliedReportingOverflow(by: 1 << bits)
    guard !overflow, codebook.count == expected, codebook.allSatisfy(\.isFinite) else {
      throw damaged("a codebook of \(codebook.count) numbers, or of some that are not finite")
    }
    return .product(parts: parts, bits: bits, codebook: codebook)
  }
}
