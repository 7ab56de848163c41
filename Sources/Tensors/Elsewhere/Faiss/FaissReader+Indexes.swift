import Failures
import Streams

extension FaissReader {
  /// Indexes that stand in one another at most.
  private static let mostNested = 8

  /// An index with all that is in it.
  ///
  /// - Parameter depth: How many indexes it stands in.
  /// - Returns: The index.
  /// - Throws: 65 where the file is damaged, 78 for a kind of index that is not read.
  mutating func index(depth: Int = 0) throws(Failure) -> FaissIndex {
    guard depth < Self.mostNested else {
      throw damaged("more than \(Self.mostNested) indexes nested")
    }
    let name = try name()
    let (dimension, count, metric) = try header(name)
    func made(_ form: FaissIndex.Form) -> FaissIndex {
      FaissIndex(dimension: dimension, count: count, metric: metric, form: form)
    }
    switch name {
    case "IxFI", "IxF2", "IxFl":
      return made(.rows(.single, try rows(count, .single, dimension, unit: 4)))
    case "IxSQ":
      let code = try scalarCode(dimension)
      return made(.rows(code, try rows(count, code, dimension, unit: 1)))
    case "IxPq":
      let code = try productCode(dimension)
      let range = try rows(count, code, dimension, unit: 1)
      let (_, signs, _): (Int32, UInt8, Int32) = (try value(), try value(), try value())
      guard signs <= 1 else { throw damaged("expected 0 or 1, found \(signs)") }
      return made(.rows(code, range))
    case "IwFl", "IwSq", "IwPQ":
      return made(.lists(try lists(name, dimension, count, depth)))
    case "IHNf", "IHNs", "IHNp":
      try skipGraph()
      return made(.stored(try inner(count, dimension, depth)))
    case "IxMp", "IxM2":
      let index = try inner(count, dimension, depth)
      let ids = try elements(of: 8)
      guard ids.count == 8 * count else {
        throw damaged("\(ids.count / 8) ids of \(count) vectors")
      }
      return made(.named(index, ids: ids))
    case "IxPT":
      return made(try transformed(dimension, count, metric, depth))
    case "IxRF":
      // What finds vectors comes first, those that refine it behind it, and by how much.
      _ = try self.index(depth: depth + 1)
      let index = try inner(count, dimension, depth)
      let _: Float = try value()
      return made(.stored(index))
    default: break
    }
    throw .config(
      path, "faiss's index \(name) is not read",
      hint: "flat, scalar and product quantizers, IVF of them, HNSW, IDMap, L2norm and OPQ are")
  }

  /// Dimension, number of vectors and metric.
  private mutating func header(
    _ name: String
  ) throws(Failure) -> (dimension: Int, count: Int, FaissIndex.Metric) {
    guard name.hasPrefix("I") else {
      throw .data(path, "expected a faiss index, found \"\(name)\"")
    }
    let (dimension, count): (Int32, Int64) = (try value(), try value())
    let (_, _): (Int64, Int64) = (try value(), try value())
    let isTrained = try flag()
    let metric: Int32 = try value()
    guard (1...StreamLimits.maximumWidth).contains(Int(dimension)),
      (0...Int64(Int32.max)).contains(count)
    else { throw damaged("\(count) vectors of dimension \(dimension)") }
    guard isTrained else { throw .config(path, "the index is not trained, and has no vectors") }
    guard let metric = FaissIndex.Metric(rawValue: metric) else {
      throw .config(
        path, "faiss's metric \(metric) is not known here",
        hint: "inner products (0) and squared distances (1) are")
    }
    return (Int(dimension), Int(count), metric)
  }

  /// Codes of all vectors; their length is stored in units of some bytes.
  private mutating func rows(
    _ count: Int, _ code: FaissCode, _ dimension: Int, unit: Int
  ) throws(Failure) -> Range<Int> {
    let range = try elements(of: unit)
    guard range.count == count * code.size(dimension) else {
      throw damaged("codes of \(range.count) bytes, expected \(count) of \(code.size(dimension))")
    }
    return range
  }

  private mutating func inner(
    _ count: Int, _ dimension: Int, _ depth: Int
  ) throws(Failure) -> FaissIndex {
    let index = try index(depth: depth + 1)
    guard index.count == count, index.dimension == dimension else {
      throw damaged(
        "\(index.count) vectors of dimension \(index.dimension), expected \(count) of \(dimension)")
    }
    return index
  }

  /// Graph of HNSW, behind which the vectors are.
  private mutating func skipGraph() throws(Failure) {
    _ = try elements(of: 8)
    _ = try elements(of: 4)
    _ = try elements(of: 4)
    _ = try elements(of: 8)
    _ = try elements(of: 4)
    _ = try range(5, of: 4)
  }

  private mutating func transformed(
    _ dimension: Int, _ count: Int, _ metric: FaissIndex.Metric, _ depth: Int
  ) throws(Failure) -> FaissIndex.Form {
    let number: Int32 = try value()
    guard (1...8).contains(number) else { throw damaged("\(number) transforms") }
    var transforms: [(FaissTransform, Int)] = []
    var width = dimension
    for _ in 0..<number {
      let (transform, result) = try transform(width, metric)
      transforms.append((transform, width))
      width = result
    }
    var index = try inner(count, width, depth)
    for (transform, width) in transforms.reversed() {
      index = FaissIndex(
        dimension: width, count: count, metric: metric, form: .transformed(index, transform))
    }
    return index.form
  }

  // MARK: Inverted lists

  private mutating func lists(
    _ name: String, _ dimension: Int, _ count: Int, _ depth: Int
  ) throws(Failure) -> FaissLists {
    let number = try self.count()
    _ = try self.count()
    let quantizer = try index(depth: depth + 1)
    guard quantizer.count == number, quantizer.dimension == dimension else {
      throw damaged("\(quantizer.count) centroids of \(number) lists")
    }
    try skipDirectMap()
    var (code, isResidual) = (FaissCode.single, false)
    switch name {
    case "IwSq":
      code = try scalarCode(dimension)
      _ = try self.count()
      isResidual = try flag()
    case "IwPQ":
      isResidual = try flag()
      _ = try self.count()
      code = try productCode(dimension)
    default: break
    }
    let places = try places(number, code.size(dimension), count)
    let bytes = bytes
    return FaissLists(
      centroids: isResidual ? (0..<number).map { quantizer.vector($0, bytes) } : [], code: code,
      isResidual: isResidual, places: places)
  }

  private mutating func skipDirectMap() throws(Failure) {
    let kind: UInt8 = try value()
    _ = try elements(of: 8)
    if kind == 2 { _ = try elements(of: 16) }
    guard kind <= 2 else { throw damaged("a direct map of kind \(kind)") }
  }

  /// Where the code of each vector is, by the vector's number.
  private mutating func places(
    _ number: Int, _ size: Int, _ count: Int
  ) throws(Failure) -> [(list: Int32, start: Int)] {
    guard try name() == "ilar" else {
      throw .config(path, "its lists are in another file", hint: "save the index in one file")
    }
    guard try self.count() == number, try self.count() == size else {
      throw damaged("lists of another number, or codes of another size")
    }
    var sizes = [Int](repeating: 0, count: number)
    switch try name() {
    case "full":
      let stored: [UInt64] = try numbers()
      guard stored.count == number else { throw damaged("\(stored.count) lists of \(number)") }
      for (list, size) in stored.enumerated() { sizes[list] = Int(exactly: size) ?? -1 }
    case "sprs":
      let pairs: [UInt64] = try numbers()
      for place in stride(from: 0, to: pairs.count - 1, by: 2) where pairs[place] < UInt64(number) {
        sizes[Int(pairs[place])] = Int(exactly: pairs[place + 1]) ?? -1
      }
    default: throw damaged("sizes of lists in another form")
    }
    // Nothing is made of a header's word alone: what the lists hold is in the file.
    let most = (bytes.count - place) / (size + 8)
    var listed = 0
    for length in sizes {
      guard (0...most - listed).contains(length) else {
        throw damaged("a list of \(length) vectors")
      }
      listed += length
    }
    guard listed == count else { throw damaged("lists of \(listed) vectors, expected \(count)") }
    var places = [(list: Int32, start: Int)](repeating: (-1, 0), count: count)
    for (list, length) in sizes.enumerated() where length != 0 {
      let codes = try range(length, of: size)
      let ids = try range(length, of: 8)
      for entry in 0..<length {
        let id = bytes.loadUnaligned(fromByteOffset: ids.lowerBound + 8 * entry, as: Int64.self)
        guard let row = Int(exactly: id), places.indices.contains(row), places[row].list < 0 else {
          throw .config(
            path, "its lists have numbers of their own, such as \(id)",
            hint: "expected each from 0 to \(count - 1) once")
        }
        places[row] = (Int32(list), codes.lowerBound + entry * size)
      }
    }
    guard places.allSatisfy({ $0.list >= 0 }) else { throw damaged("vectors that are in no list") }
    return places
  }
}
