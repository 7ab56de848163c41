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
    }
  }
}

/// The only names that a pickle may mention.
///
/// None of them is called: they say what to build.
enum PickleGlobal: Sendable, Equatable {
  case orderedDictionary, rebuildTensor, rebuildParameter
  case storage(ElementType)

  /// Nil for every other name.
  init?(module: String, name: String) {
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
