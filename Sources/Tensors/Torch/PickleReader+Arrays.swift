import Failures

/// What NumPy's arrays are made of: a type with its byte order, a shape and bytes.
///
/// Up to protocol 4 an array is made empty and gets its state, from 5 on it is made of a buffer.
extension PickleReader {
  mutating func makeArray(_ global: PickleGlobal, _ values: [PickleValue]) throws(Failure) {
    switch global {
    case .arrayType where values.count >= 1:
      guard case .text(let name) = values[0] else { throw damaged("a type without a name") }
      heap.arrayTypes.append(PickleArray.Kind(name: name, order: "|"))
      stack.append(.arrayType(heap.arrayTypes.count - 1))
    case .rebuildArray where values.count == 3:
      guard case .global(.arrayClass) = values[0] else {
        throw damaged("an array of another class")
      }
      heap.arrays.append(nil)
      stack.append(.array(heap.arrays.count - 1))
    case .arrayFromBuffer where values.count == 4:
      guard case .text(let order) = values[3] else { throw damaged("an array without order") }
      heap.arrays.append(
        try array(type: values[1], shape: values[2], isFortran: order == "F", values[0]))
      stack.append(.array(heap.arrays.count - 1))
    default: throw damaged("a call with \(values.count) arguments")
    }
  }

  private func array(
    type: PickleValue, shape: PickleValue, isFortran: Bool, _ bytes: PickleValue
  ) throws(Failure) -> PickleArray {
    guard case .arrayType(let number) = type, let shape = try extents(shape),
      shape.allSatisfy({ $0 >= 0 }), case .bytes(let range) = bytes
    else { throw damaged("an array without type, shape or bytes") }
    return PickleArray(
      type: heap.arrayTypes[number], shape: shape, isFortran: isFortran, bytes: range)
  }

  /// Gives the value on the stack's top its state: `(3, order, …)` of a type,
  /// `(1, shape, type, is Fortran, bytes)` of an array.
  mutating func setState(_ state: PickleValue) throws(Failure) {
    guard case .tuple(let tuple) = state else { throw damaged("a state of \(state.kind)") }
    let values = heap.sequences[tuple]
    switch stack.last {
    case .arrayType(let number) where values.count >= 2:
      guard case .text(let order) = values[1] else { throw damaged("a type without order") }
      heap.arrayTypes[number].order = order
    case .array(let number) where values.count == 5:
      guard case .bool(let isFortran) = values[3] else { throw damaged("an array without order") }
      heap.arrays[number] = try array(
        type: values[2], shape: values[1], isFortran: isFortran, values[4])
    default: throw damaged("a state of nothing that has one")
    }
  }
}
