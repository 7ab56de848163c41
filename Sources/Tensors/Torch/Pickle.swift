import Failures

/// What a pickle of tensors is made of.
///
/// Containers are numbers of `PickleHeap`, so that no value
/// owns another: a pickle nested a million deep is harmless.
enum PickleValue: Sendable {
  case none, mark
  case bool(Bool)
  case integer(Int)
  case double(Double)
  case text(String)
  case tuple(Int)
  case list(Int)
  case dictionary(Int)
  case global(PickleGlobal)
  case storage(Int)
  case tensor(Int)
  /// Where bytes lie in the pickle.
  case bytes(Range<Int>)
  /// Types of numbers, and arrays of them.
  case arrayType(Int), array(Int)

  var kind: String {
    switch self {
    case .none: "None"
    case .mark: "a mark"
    case .bool: "a bool"
    case .integer: "an integer"
    case .double: "a float"
    case .text: "a string"
    case .tuple: "a tuple"
    case .list: "a list"
    case .dictionary: "a dictionary"
    case .global: "a class"
    case .storage: "a storage"
    case .tensor: "a tensor"
    case .bytes: "bytes"
    case .arrayType: "a type of numbers"
    case .array: "an array"
    }
  }
}

/// What a pickle may hold: PyTorch's tensors, or NumPy's arrays.
enum PickleContent: Sendable { case tensors, arrays }

/// The only names that a pickle may mention.
///
/// None of them is called: they say what to build.
enum PickleGlobal: Sendable, Equatable {
  case orderedDictionary, rebuildTensor, rebuildParameter
  case storage(ElementType)
  case arrayClass, arrayType, rebuildArray, arrayFromBuffer

  /// Nil for every name that has no place in such a pickle.
  init?(module: String, name: String, _ content: PickleContent) {
    if content == .arrays {
      switch (module, name) {
      case ("numpy", "ndarray"): self = .arrayClass
      case ("numpy", "dtype"): self = .arrayType
      case ("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "_reconstruct"):
        self = .rebuildArray
      case ("numpy.core.numeric", "_frombuffer"), ("numpy._core.numeric", "_frombuffer"):
        self = .arrayFromBuffer
      default: return nil
      }
      return
    }
    switch (module, name) {
    case ("collections", "OrderedDict"): self = .orderedDictionary
    case ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensor
    case ("torch._utils", "_rebuild_parameter"): self = .rebuildParameter
    default:
      guard module == "torch", let type = Self.storages[name] else { return nil }
      self = .storage(type)
    }
  }

  private static let storages: [String: ElementType] = [
    "DoubleStorage": .f64, "FloatStorage": .f32, "HalfStorage": .f16, "BFloat16Storage": .bf16,
    "LongStorage": .i64, "IntStorage": .i32, "ShortStorage": .i16, "CharStorage": .i8,
    "ByteStorage": .u8, "BoolStorage": .bool,
  ]
}

/// Memory of a pickle's containers.
struct PickleHeap: Sendable {
  /// Tuples and lists.
  var sequences: [[PickleValue]] = []
  var dictionaries: [[(key: PickleValue, value: PickleValue)]] = []
  var storages: [PickleStorage] = []
  var tensors: [PickleTensor] = []
  var arrayTypes: [PickleArray.Kind] = []
  /// Nil until it is known what an array holds.
  var arrays: [PickleArray?] = []

  mutating func sequence(_ values: [PickleValue]) -> Int {
    sequences.append(values)
    return sequences.count - 1
  }

  mutating func dictionary() -> Int {
    dictionaries.append([])
    return dictionaries.count - 1
  }

  /// The integers of a tuple; nil where there is something else.
  func integers(_ value: PickleValue) -> [Int]? {
    guard case .tuple(let place) = value else { return nil }
    var integers: [Int] = []
    for element in sequences[place] {
      guard case .integer(let integer) = element else { return nil }
      integers.append(integer)
    }
    return integers
  }
}

/// Memory that tensors share: `data/KEY` in the archive.
struct PickleStorage: Sendable, Equatable {
  var type: ElementType
  var key: String
  var elements: Int
}

/// A tensor as a pickle describes it.
struct PickleTensor: Sendable {
  var storage: PickleStorage
  /// In elements.
  var offset: Int
  var shape: [Int]
  var strides: [Int]
}

/// An array as a pickle describes it.
struct PickleArray: Sendable {
  struct Kind: Sendable {
    /// As NumPy calls it: `f4`.
    var name: String
    /// Byte order: `<`, `>`, `|` for none, or `=` for that of the writer.
    var order: String
  }

  var type: Kind
  var shape: [Int]
  var isFortran: Bool
  /// Where its bytes lie in the pickle.
  var bytes: Range<Int>
}
