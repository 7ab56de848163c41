import Failures

/// Reads a pickle that builds tensors or arrays, and refuses every other one before it builds anything.
///
/// Nothing is ever executed: of the pickle machine's instructions those are known that make plain
/// containers, and `REDUCE` knows a few functions, which it replaces by descriptions.
/// Format: Python `pickle.py`, protocols 2 to 5; `torch/serialization.py`, `torch/_utils.py`.
struct PickleReader {
  private let bytes: UnsafeRawBufferPointer
  private let place: String
  private let content: PickleContent
  private var position = 0
  /// Bytes that were passed over, as arrays hold them.
  private var passed = 0
  var stack: [PickleValue] = []
  private var memo: [Int: PickleValue] = [:]
  var heap = PickleHeap()

  /// No instruction makes more than a few values of a byte, so a pickle of this size is the bound,
  /// but for what arrays hold.
  private static let maximumSize = 256 << 20

  /// As many as PyTorch's tensors may have.
  private static let mostDimensions = 64

  private init(_ bytes: UnsafeRawBufferPointer, place: String, _ content: PickleContent) {
    self.bytes = bytes
    self.place = place
    self.content = content
  }

  /// The value of a pickle, and the memory that it refers to.
  ///
  /// - Parameters:
  ///   - bytes: The pickle.
  ///   - place: Its name, for messages.
  ///   - content: What it may hold.
  /// - Returns: The value and the memory.
  /// - Throws: 65 for bytes that are no such pickle, with the instruction or the name that is not
  ///   known.
  static func read(
    _ bytes: UnsafeRawBufferPointer, place: String, allowing content: PickleContent = .tensors
  ) throws(Failure) -> (value: PickleValue, heap: PickleHeap) {
    var reader = PickleReader(bytes, place: place, content)
    let value = try reader.run()
    return (value, reader.heap)
  }

  func damaged(_ what: String) -> Failure {
    .data(place, "damaged pickle: \(what) at byte \(position)")
  }

  private mutating func run() throws(Failure) -> PickleValue {
    while true {
      guard position - passed <= Self.maximumSize else { throw damaged("\(bytes.count) bytes") }
      let code = try byte()
      if code == UInt8(ascii: ".") {
        guard let value = stack.popLast(), stack.isEmpty else {
          throw damaged("a stop with \(stack.count) values left")
        }
        return value
      }
      if try pushConstant(code) { continue }
      if try pushContainer(code) { continue }
      if try useMemo(code) { continue }
      try build(code)
    }
  }

  // MARK: Bytes

  private mutating func byte() throws(Failure) -> UInt8 {
    guard position < bytes.count else { throw damaged("no end") }
    position += 1
    return bytes[position - 1]
  }

  /// A little-endian number of `size` bytes.
  private mutating func number(_ size: Int) throws(Failure) -> Int {
    var value: UInt64 = 0
    for i in 0..<size { value |= UInt64(try byte()) << (8 * UInt64(i)) }
    guard let number = Int(exactly: value) else { throw damaged("a number that is too large") }
    return number
  }

  private mutating func text(_ count: Int) throws(Failure) -> String {
    guard count <= bytes.count - position else { throw damaged("a string that is too long") }
    position += count
    return String(decoding: bytes[position - count..<position], as: UTF8.self)
  }

  private mutating func line() throws(Failure) -> String {
    let start = position
    while try byte() != 0x0A {}
    return String(decoding: bytes[start..<position - 1], as: UTF8.self)
  }

  mutating func pop() throws(Failure) -> PickleValue {
    guard let value = stack.popLast() else { throw damaged("an empty stack") }
    return value
  }

  /// The values above the last mark.
  private mutating func popToMark() throws(Failure) -> [PickleValue] {
    guard
      let mark = stack.lastIndex(where: { if case .mark = $0 { true } else { false } })
    else { throw damaged("no mark") }
    let values = Array(stack[(mark + 1)...])
    stack.removeSubrange(mark...)
    return values
  }

  // MARK: Instructions

  private mutating func pushConstant(_ code: UInt8) throws(Failure) -> Bool {
    switch code {
    case 0x80: _ = try byte()  // PROTO
    case 0x95: _ = try number(8)  // FRAME
    case UInt8(ascii: "N"): stack.append(.none)
    case 0x88: stack.append(.bool(true))
    case 0x89: stack.append(.bool(false))
    case UInt8(ascii: "K"): stack.append(.integer(try number(1)))
    case UInt8(ascii: "M"): stack.append(.integer(try number(2)))
    case UInt8(ascii: "J"):
      stack.append(.integer(Int(Int32(truncatingIfNeeded: try number(4)))))
    case 0x8A: stack.append(.integer(try long(Int(try byte()))))
    case UInt8(ascii: "G"):
      var bits: UInt64 = 0
      for _ in 0..<8 { bits = bits << 8 | UInt64(try byte()) }
      stack.append(.double(Double(bitPattern: bits)))
    case UInt8(ascii: "X"): stack.append(.text(try text(try number(4))))
    case 0x8C: stack.append(.text(try text(try number(1))))
    case 0x8D: stack.append(.text(try text(try number(8))))
    case UInt8(ascii: "U"): stack.append(.text(try text(try number(1))))
    case UInt8(ascii: "T"): stack.append(.text(try text(try number(4))))
    default: return content == .arrays ? try pushBytes(code) : false
    }
    return true
  }

  /// Bytes stay where they are.
  private mutating func pushBytes(_ code: UInt8) throws(Failure) -> Bool {
    let count: Int
    switch code {
    case UInt8(ascii: "C"): count = try number(1)
    case UInt8(ascii: "B"): count = try number(4)
    case 0x8E, 0x96: count = try number(8)
    default: return false
    }
    guard count <= bytes.count - position else { throw damaged("bytes that are cut") }
    stack.append(.bytes(position..<position + count))
    position += count
    passed += count
    return true
  }

  /// A little-endian two's-complement number of up to eight bytes.
  private mutating func long(_ size: Int) throws(Failure) -> Int {
    guard size <= 8 else { throw damaged("an integer of \(size) bytes") }
    var value: UInt64 = 0
    for i in 0..<size { value |= UInt64(try byte()) << (8 * UInt64(i)) }
    let unused = 64 - 8 * size
    return size == 0 ? 0 : Int(Int64(bitPattern: value << unused) >> unused)
  }

  private mutating func pushContainer(_ code: UInt8) throws(Failure) -> Bool {
    switch code {
    case UInt8(ascii: "("): stack.append(.mark)
    case UInt8(ascii: ")"): stack.append(.tuple(heap.sequence([])))
    case UInt8(ascii: "t"):
      let values = try popToMark()
      stack.append(.tuple(heap.sequence(values)))
    case 0x85, 0x86, 0x87:
      var values: [PickleValue] = []
      for _ in 0..<Int(code - 0x84) { values.insert(try pop(), at: 0) }
      stack.append(.tuple(heap.sequence(values)))
    case UInt8(ascii: "]"): stack.append(.list(heap.sequence([])))
    case UInt8(ascii: "}"): stack.append(.dictionary(heap.dictionary()))
    case UInt8(ascii: "a"): try appendToList([try pop()])
    case UInt8(ascii: "e"): try appendToList(try popToMark())
    case UInt8(ascii: "s"):
      let value = try pop()
      try setItems([try pop(), value])
    case UInt8(ascii: "u"): try setItems(try popToMark())
    default: return false
    }
    return true
  }

  private mutating func appendToList(_ values: [PickleValue]) throws(Failure) {
    guard case .list(let place) = stack.last else { throw damaged("an append to no list") }
    heap.sequences[place] += values
  }

  private mutating func setItems(_ values: [PickleValue]) throws(Failure) {
    guard case .dictionary(let place) = stack.last, values.count % 2 == 0 else {
      throw damaged("an item for no dictionary")
    }
    for i in stride(from: 0, to: values.count, by: 2) {
      heap.dictionaries[place].append((values[i], values[i + 1]))
    }
  }

  private mutating func useMemo(_ code: UInt8) throws(Failure) -> Bool {
    switch code {
    case UInt8(ascii: "q"): try remember(try number(1))
    case UInt8(ascii: "r"): try remember(try number(4))
    case 0x94: try remember(memo.count)
    case UInt8(ascii: "h"): stack.append(try recall(try number(1)))
    case UInt8(ascii: "j"): stack.append(try recall(try number(4)))
    default: return false
    }
    return true
  }

  private mutating func remember(_ number: Int) throws(Failure) {
    guard let value = stack.last else { throw damaged("an empty stack") }
    memo[number] = value
  }

  private func recall(_ number: Int) throws(Failure) -> PickleValue {
    guard let value = memo[number] else { throw damaged("nothing remembered as \(number)") }
    return value
  }

  // MARK: Names and what they build

  private mutating func build(_ code: UInt8) throws(Failure) {
    switch code {
    case UInt8(ascii: "c"): try pushGlobal(module: try line(), name: try line())
    case 0x93:
      guard case .text(let name) = try pop(), case .text(let module) = try pop() else {
        throw damaged("a class without a name")
      }
      try pushGlobal(module: module, name: name)
    case UInt8(ascii: "Q"): try pushStorage(try pop())
    case UInt8(ascii: "R"):
      let arguments = try pop()
      try reduce(try pop(), arguments)
    case UInt8(ascii: "b"):
      let state = try pop()
      if content == .arrays { return try setState(state) }
      // An OrderedDict's attributes: the versions of a model's modules.
      guard case .dictionary = stack.last else { throw damaged("attributes of no dictionary") }
    default:
      throw damaged("instruction 0x\(String(code, radix: 16)), which builds no tensors,")
    }
  }

  private mutating func pushGlobal(module: String, name: String) throws(Failure) {
    guard let global = PickleGlobal(module: module, name: name, content) else {
      throw .data(
        place,
        "the pickle names \(module).\(name), which is no part of "
          + (content == .tensors ? "a tensor" : "an array"),
        hint: "convert the file with a program that you trust with it")
    }
    stack.append(.global(global))
  }

  /// `('storage', class, key, location, elements)`.
  private mutating func pushStorage(_ identity: PickleValue) throws(Failure) {
    guard case .tuple(let tuple) = identity, heap.sequences[tuple].count == 5,
      case .text("storage") = heap.sequences[tuple][0],
      case .global(.storage(let type)) = heap.sequences[tuple][1],
      case .text(let key) = heap.sequences[tuple][2],
      case .integer(let elements) = heap.sequences[tuple][4], elements >= 0
    else { throw damaged("a reference to no storage") }
    heap.storages.append(PickleStorage(type: type, key: key, elements: elements))
    stack.append(.storage(heap.storages.count - 1))
  }

  /// The integers of a tuple, of which an array has one a dimension; nil where there is something else.
  ///
  /// - Throws: 65 for too many: a tuple may be remembered and named again in a few bytes.
  func extents(_ value: PickleValue) throws(Failure) -> [Int]? {
    guard case .tuple(let place) = value else { return nil }
    guard heap.sequences[place].count <= Self.mostDimensions else {
      throw damaged("a tensor of \(heap.sequences[place].count) dimensions")
    }
    return heap.integers(value)
  }

  private mutating func reduce(
    _ function: PickleValue, _ arguments: PickleValue
  ) throws(Failure) {
    guard case .global(let global) = function, case .tuple(let tuple) = arguments else {
      throw damaged("a call of \(function.kind)")
    }
    let values = heap.sequences[tuple]
    if content == .arrays { return try makeArray(global, values) }
    switch global {
    case .orderedDictionary where values.isEmpty: stack.append(.dictionary(heap.dictionary()))
    case .rebuildParameter where values.count >= 1:
      guard case .tensor = values[0] else { throw damaged("a parameter of \(values[0].kind)") }
      stack.append(values[0])
    case .rebuildTensor where values.count >= 4:
      guard case .storage(let storage) = values[0], case .integer(let offset) = values[1],
        let shape = try extents(values[2]), let strides = try extents(values[3]),
        shape.count == strides.count
      else { throw damaged("a tensor without storage, offset, shape or strides") }
      heap.tensors.append(
        PickleTensor(
          storage: heap.storages[storage], offset: offset, shape: shape, strides: strides))
      stack.append(.tensor(heap.tensors.count - 1))
    default: throw damaged("a call with \(values.count) arguments")
    }
  }
}
