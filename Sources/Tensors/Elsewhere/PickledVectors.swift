import Failures
import Streams

/// The vectors that Tevatron writes: a pickle of an array and the list of its ids, mapped; no code of it
/// runs.
///
/// Format: Tevatron `driver/encode.py`, `pickle.dump((encoded, lookup_indices), f)`; NumPy
/// `_core/src/multiarray/methods.c` for how an array is pickled.
final class PickledVectors: VectorRecordSource {
  let schema: StreamSchema
  private let file: MappedFile
  private let elements: FloatElements
  private let rows: Range<Int>
  private let rowSize: Int
  private let ids: [[UInt8]]
  private var row = 0
  private var discarded = 0

  /// Bytes that are kept in memory behind those that were read.
  private static let kept = 64 << 20

  /// - Throws: 65 for anything but an array with a list of ids, 78 for an array that is no matrix of
  ///   floating point numbers in rows.
  init(_ path: String) throws(Failure) {
    file = try MappedFile(path)
    let (value, heap) = try PickleReader.read(file.bytes, place: path, allowing: .arrays)
    guard case .tuple(let place) = value, heap.sequences[place].count == 2,
      case .array(let number) = heap.sequences[place][0], let array = heap.arrays[number],
      case .list(let list) = heap.sequences[place][1]
    else { throw .data(path, "expected a pickle of an array and a list of ids") }
    guard array.shape.count == 2, array.shape[1] >= 1 else {
      throw .config(path, "expected an array of two dimensions, found shape \(array.shape)")
    }
    guard !array.isFortran || min(array.shape[0], array.shape[1]) <= 1 else {
      throw .config(
        path, "the array is in Fortran order",
        hint: "numpy.ascontiguousarray(array) brings it to C order")
    }
    elements = FloatElements(type: try Self.type(array.type, path))
    let damage = Failure.data(
      path, "damaged: an array of shape \(array.shape) of \(array.bytes.count) bytes")
    guard array.shape[1] <= StreamLimits.maximumWidth else { throw damage }
    rowSize = array.shape[1] * elements.type.size
    let (size, overflow) = array.shape[0].multipliedReportingOverflow(by: rowSize)
    guard !overflow, size == array.bytes.count else { throw damage }
    rows = array.bytes
    // A text that is remembered is named again in two bytes.
    var idBytes = 0
    let mostBytes = file.bytes.count
    ids = try heap.sequences[list].map { id throws(Failure) in
      switch id {
      case .text(let text):
        idBytes += text.utf8.count
        guard idBytes <= mostBytes else {
          throw .data(path, "expected ids that differ, found some again and again")
        }
        return Array(text.utf8)
      case .integer(let number): return Array(String(number).utf8)
      default: throw .data(path, "expected ids that are strings or integers, found \(id.kind)")
      }
    }
    guard ids.count == array.shape[0] else {
      throw .data(path, "expected \(array.shape[0]) ids, as there are vectors, found \(ids.count)")
    }
    schema = .dense(elements.stored, dimension: array.shape[1])
  }

  private static func type(_ type: PickleArray.Kind, _ path: String) throws(Failure) -> ElementType
  {
    if type.order == ">" {
      throw .config(
        path, "the numbers are big-endian (>\(type.name))",
        hint: "array.astype('<f4') makes them little-endian")
    }
    switch type.name {
    case "f4": return .f32
    case "f2": return .f16
    case "f8": return .f64
    default:
      throw .config(
        path, "expected numbers f4, f2 or f8, found \(type.name)",
        hint: "array.astype('<f4') makes single precision of them")
    }
  }

  var isRounded: Bool { elements.type == .f64 }

  var extent: InputExtent { InputExtent(read: row * rowSize, total: rows.count) }

  func appendNext(to segment: inout SegmentBuilder) throws(Failure) -> Bool {
    guard row < ids.count else { return false }
    let start = rows.lowerBound + row * rowSize
    let part = UnsafeRawBufferPointer(rebasing: file.bytes[start..<start + rowSize])
    let (row, path) = (self.row, file.path)
    try segment.append(id: ids[row]) { bytes throws(Failure) in
      try elements.append(part, to: &bytes) { "\(path): record \(row)" }
    }
    self.row += 1
    if start - discarded > Self.kept {
      file.discard(UnsafeRawBufferPointer(rebasing: file.bytes[rows]))
      discarded = start
    }
    return true
  }
}
