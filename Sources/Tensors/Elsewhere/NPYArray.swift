import Failures
import Streams

/// An array in a mapped NumPy file, of one of the types that are expected.
struct NPYArray {
  let file: MappedFile
  let shape: [Int]
  private let type: ElementType
  private let start: Int

  /// - Parameters:
  ///   - path: The file.
  ///   - types: The types that the numbers may have.
  ///   - dimensions: How many dimensions there are.
  /// - Throws: 65 and 66 for a file that is damaged or not there, 78 for another array.
  init(_ path: String, _ types: [ElementType], dimensions: Int) throws(Failure) {
    let header = try NPYDictionary(ByteReader(path, takingArrays: true))
    file = try MappedFile(path)
    guard header.shape.count == dimensions else {
      throw .config(
        path, "expected \(dimensions) dimensions, found \(header.shape.count)")
    }
    guard !header.isFortran || header.shape.count(where: { $0 > 1 }) <= 1 else {
      throw .config(path, "the array is in Fortran order")
    }
    guard let type = types.first(where: { Self.descriptors($0).contains(header.descriptor) }) else {
      throw .config(
        path,
        "expected \(types.map(\.rawValue).joined(separator: " or ")), found \(header.descriptor)")
    }
    self.type = type
    shape = header.shape
    start = header.length
    var size = type.size
    for extent in shape {
      let (product, isTooLarge) = size.multipliedReportingOverflow(by: extent)
      guard !isTooLarge else { throw .data(path, "damaged: shape \(shape)") }
      size = product
    }
    guard file.bytes.count - start == size else {
      throw .data(
        path, "expected \(size) bytes of numbers, found \(file.bytes.count - start)")
    }
  }

  /// How NumPy and the writers beside it name a type.
  private static func descriptors(_ type: ElementType) -> [String] {
    switch type {
    case .f16: ["'<f2'"]
    case .f32: ["'<f4'"]
    case .i64: ["'<i8'"]
    case .u8: ["'|u1'", "'<u1'"]
    default: preconditionFailure("a type without a name here")
    }
  }

  var path: String { file.path }

  func float(_ place: Int) -> Float {
    let offset = start + place * type.size
    if type == .f16 {
      return Float(file.bytes.loadUnaligned(fromByteOffset: offset, as: Float16.self))
    }
    return file.bytes.loadUnaligned(fromByteOffset: offset, as: Float.self)
  }

  func integer(_ place: Int) -> Int {
    Int(file.bytes.loadUnaligned(fromByteOffset: start + 8 * place, as: Int64.self))
  }

  func bytes(_ first: Int, _ count: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: file.bytes[start + first..<start + first + count])
  }
}
