import Kernels
import Tensors

/// The types that vectors are stored in, and what a row of numbers becomes in each: f32 as it is,
/// f16 and bf16 rounded to the nearest, int8 with one scale a row.
package struct RowCodec: Sendable {
  /// Types that the codec knows.
  package static let types: [ElementType] = [.f32, .f16, .bf16, .i8]

  package let type: ElementType
  private let kernels: Kernels

  package init(_ type: ElementType, _ kernels: Kernels) {
    precondition(Self.types.contains(type), "rows of \(type.rawValue)")
    self.type = type
    self.kernels = kernels
  }

  /// The bytes of a row, and for int8 the scale that its values are multiplied by.
  ///
  /// int8 is symmetric: the largest value becomes 127.
  package func encode(_ row: [Float]) -> (values: [UInt8], scale: Float?) {
    switch type {
    case .f16, .bf16:
      var halves = [UInt16](repeating: 0, count: row.count)
      row.withUnsafeBufferPointer { source in
        halves.withUnsafeMutableBufferPointer { kernels.narrow(source, to: halfFormat, into: $0) }
      }
      return (halves.withUnsafeBytes { Array($0) }, nil)
    case .i8:
      let scale = row.reduce(0) { max($0, abs($1)) } / 127
      let bytes = row.map { value -> UInt8 in
        if scale == 0 { return 0 }
        return UInt8(
          bitPattern: Int8(max(-127, min(127, (value / scale).rounded(.toNearestOrEven)))))
      }
      return (bytes, scale)
    default: return (row.withUnsafeBytes { Array($0) }, nil)
    }
  }

  /// Rows in single precision: target[rows, width].
  ///
  /// - Parameters:
  ///   - bytes: The rows as they are stored; they may be unaligned.
  ///   - width: Numbers in a row.
  ///   - scales: f32[rows] of int8 rows, perhaps unaligned; of other types it is not read.
  ///   - target: Room for all of them.
  package func decode(
    _ bytes: UnsafeRawBufferPointer, width: Int, scales: UnsafeRawBufferPointer,
    into target: UnsafeMutableBufferPointer<Float>
  ) {
    let count = bytes.count / type.size
    precondition(target.count >= count, "room for \(target.count) of \(count) numbers")
    switch type {
    case .f16, .bf16: widen(bytes, count, into: target)
    case .i8:
      for start in stride(from: 0, to: count, by: max(width, 1)) {
        let scale = scales.loadUnaligned(fromByteOffset: 4 * (start / width), as: Float.self)
        for i in start..<start + width { target[i] = Float(Int8(bitPattern: bytes[i])) * scale }
      }
    default: UnsafeMutableRawBufferPointer(target).copyMemory(from: bytes)
    }
  }

  private func widen(
    _ bytes: UnsafeRawBufferPointer, _ count: Int, into target: UnsafeMutableBufferPointer<Float>
  ) {
    let target = UnsafeMutableBufferPointer(rebasing: target[..<count])
    if let base = bytes.baseAddress, Int(bitPattern: base) % 2 == 0 {
      let halves = UnsafeBufferPointer(
        start: base.assumingMemoryBound(to: UInt16.self), count: count)
      kernels.widen(halves, halfFormat, into: target)
    } else {
      let halves = (0..<count).map { bytes.loadUnaligned(fromByteOffset: 2 * $0, as: UInt16.self) }
      halves.withUnsafeBufferPointer { kernels.widen($0, halfFormat, into: target) }
    }
  }

  private var halfFormat: HalfFormat { type == .f16 ? .float16 : .bfloat16 }
}

/// Rows of vectors in a mapped file.
///
/// Unchecked: the pointers lead into files that `owners` keep mapped, and nobody writes there.
package struct StoredRows: @unchecked Sendable {
  /// Rows and their numbers.
  package let count: Int
  package let width: Int
  private let bytes: UnsafeRawBufferPointer
  private let scales: UnsafeRawBufferPointer
  private let codec: RowCodec
  private let rounding: HalfFormat?
  private let kernels: Kernels
  private let owners: [SafeTensorsFile]

  /// - Parameters:
  ///   - rows: The tensor [count, width] of a type that the codec knows, and its file.
  ///   - scales: The tensor f32[count] of int8 rows, and its file.
  ///   - kernels: What widens the rows.
  ///   - rounding: What their numbers are rounded to; nil for as they are.
  package init(
    _ rows: (SafeTensorsFile, SafeTensorsHeader.Entry),
    scales: (SafeTensorsFile, SafeTensorsHeader.Entry)?, _ kernels: Kernels,
    roundedTo rounding: HalfFormat? = nil
  ) {
    let (file, entry) = rows
    precondition(entry.shape.count == 2, "rows of shape \(entry.shape)")
    precondition(
      entry.type != .i8 || scales?.1.shape == [entry.shape[0]], "a scale for every row of int8")
    count = entry.shape[0]
    width = entry.shape[1]
    bytes = file.bytes(entry)
    self.scales = scales.map { $0.bytes($1) } ?? UnsafeRawBufferPointer(start: nil, count: 0)
    codec = RowCodec(entry.type, kernels)
    self.rounding = rounding
    self.kernels = kernels
    owners = [file] + (scales.map { [$0.0] } ?? [])
  }

  /// All rows, where they lie in the file in single precision; nil where they are made of something else.
  package var asStored: MatrixView? {
    guard codec.type == .f32, rounding == nil, let base = bytes.baseAddress,
      Int(bitPattern: base) % 4 == 0
    else { return nil }
    return MatrixView(base.assumingMemoryBound(to: Float.self), rows: count, columns: width)
  }

  /// Some rows in single precision: as they lie in the file where that is possible, else in
  /// `scratch`, which has room for them.
  package func rows(_ range: Range<Int>, scratch: AlignedBuffer) -> MatrixView {
    let size = width * codec.type.size
    let part = UnsafeRawBufferPointer(
      rebasing: bytes[range.lowerBound * size..<range.upperBound * size])
    // The file is mapped as it is, and the header of another writer may end anywhere.
    if codec.type == .f32, rounding == nil, let base = part.baseAddress,
      Int(bitPattern: base) % 4 == 0
    {
      return MatrixView(
        base.assumingMemoryBound(to: Float.self), rows: range.count, columns: width)
    }
    let ownScales =
      codec.type == .i8
      ? UnsafeRawBufferPointer(rebasing: scales[4 * range.lowerBound..<4 * range.upperBound])
      : scales
    codec.decode(
      part, width: width, scales: ownScales,
      into: UnsafeMutableBufferPointer(start: scratch.pointer, count: range.count * width))
    if let rounding { round(scratch.pointer, range.count * width, to: rounding) }
    return MatrixView(scratch.pointer, rows: range.count, columns: width)
  }

  /// Asks for a row, before it is read.
  @inline(__always)
  package func fetch(_ row: Int) {
    let size = width * codec.type.size
    guard let base = bytes.baseAddress, row >= 0, row < count else { return }
    Kernels.prefetch(base + row * size, size)
  }

  private func round(
    _ values: UnsafeMutablePointer<Float>, _ count: Int, to format: HalfFormat
  ) {
    withUnsafeTemporaryAllocation(of: UInt16.self, capacity: count) { halves in
      let values = UnsafeMutableBufferPointer(start: values, count: count)
      kernels.narrow(UnsafeBufferPointer(values), to: format, into: halves)
      kernels.widen(UnsafeBufferPointer(halves), format, into: values)
    }
  }
}
