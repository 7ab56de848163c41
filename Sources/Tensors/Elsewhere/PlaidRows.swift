import Failures
import JSON
import Streams

/// The vectors of an index of fast-plaid, as Lightning IR and PyLate keep them: decoded, from centroids
/// and the codes of what is left beside them, and brought to length 1.
///
/// Format: fast-plaid 1.7.0 (`search/load.py`): `metadata.json`, `centroids.npy`, `bucket_weights.npy`,
/// the lengths of documents in `doclens.I.json` by chunk, centroids' numbers and codes by chunk
/// (`I.codes.npy`, `I.residuals.npy`, those of versions before) or joined (`merged_codes.npy`,
/// `merged_residuals.npy`, with rows of padding at the end). A code has for every number its bits from
/// the lowest up, and a byte is filled from its highest bit down.
struct PlaidRows: NumberRows {
  let file: MappedFile
  let count: Int
  let dimension: Int
  let lengths: [Int]?
  private let centroids: NPYArray
  private let weights: [Float]
  private let bits: Int
  /// Centroids' numbers and codes of each chunk.
  private let chunks: [Chunk]

  private struct Chunk {
    var first: Int
    var numbers: NPYArray
    var codes: NPYArray
  }

  /// The file that stands for such an index; nil for a folder that holds none.
  static func file(in folder: String) -> String? {
    let names = ["metadata.json", "centroids.npy", "bucket_weights.npy"]
    guard names.allSatisfy({ WholeFile.exists("\(folder)/\($0)") }) else { return nil }
    return "\(folder)/\(names[0])"
  }

  /// The folder of an index that a file stands for; nil for another file.
  static func folder(of path: String) -> String? {
    guard let slash = path.lastIndex(of: "/") else { return nil }
    let folder = String(path[..<slash])
    return file(in: folder) == path ? folder : nil
  }

  /// Every file of an index that its vectors are made from.
  static func parts(of folder: String) throws(Failure) -> [String] {
    let chunks = try chunkCount(folder)
    let (numbers, codes) = try codeFiles(folder, chunks)
    return ["\(folder)/centroids.npy", "\(folder)/bucket_weights.npy"]
      + (0..<chunks).map { "\(folder)/doclens.\($0).json" } + numbers + codes
  }

  /// - Parameter path: `metadata.json` of the index.
  /// - Throws: 65 and 66 for files that are damaged or not there, or do not fit each other; 78 for an
  ///   index that waits for changes.
  init(_ path: String) throws(Failure) {
    guard let folder = Self.folder(of: path) else {
      throw .config(path, "expected the file of an index of fast-plaid")
    }
    let bits = try Self.number("nbits", path, 1...8)
    let chunks = try Self.chunkCount(folder)
    centroids = try NPYArray("\(folder)/centroids.npy", [.f16, .f32], dimensions: 2)
    dimension = centroids.shape[1]
    guard (1...StreamLimits.maximumWidth).contains(dimension) else {
      throw .data(centroids.path, "expected vectors, found \(dimension) numbers of each")
    }
    guard [1, 2, 4, 8].contains(bits), dimension * bits % 8 == 0 else {
      throw .config(path, "\(bits) bits of each of \(dimension) numbers are no whole bytes")
    }
    let weights = try NPYArray("\(folder)/bucket_weights.npy", [.f16, .f32], dimensions: 1)
    guard weights.shape[0] == 1 << bits else {
      throw .data(weights.path, "expected \(1 << bits) weights, found \(weights.shape[0])")
    }
    // They are used in half precision.
    self.weights = (0..<1 << bits).map { Float(Float16(weights.float($0))) }
    self.bits = bits
    var lengths: [Int] = []
    var sizes: [Int] = []
    for chunk in 0..<chunks {
      let own = try Self.lengths("\(folder)/doclens.\(chunk).json")
      lengths += own
      sizes.append(own.reduce(0, +))
    }
    self.lengths = lengths
    count = sizes.reduce(0, +)
    self.chunks = try Self.chunks(folder, sizes, width: dimension * bits / 8)
    file = self.chunks.first?.codes.file ?? centroids.file
  }

  private static func number(
    _ key: String, _ path: String, _ allowed: ClosedRange<Int>
  ) throws(Failure) -> Int {
    let members = try JSONFile.readObject(path)
    guard let value = members.first(where: { $0.key == key })?.value.integer,
      allowed.contains(value)
    else {
      throw .data(path, "expected \(key) from \(allowed.lowerBound) up to \(allowed.upperBound)")
    }
    return value
  }

  private static func chunkCount(_ folder: String) throws(Failure) -> Int {
    try number("num_chunks", "\(folder)/metadata.json", 0...1_000_000)
  }

  private static func lengths(_ path: String) throws(Failure) -> [Int] {
    guard let values = try JSONFile.read(path).array else {
      throw .data(path, "expected an array of lengths")
    }
    return try values.enumerated().map { place, value throws(Failure) in
      guard let length = value.integer, (0...Int(Int32.max)).contains(length) else {
        throw .data(path, "expected a length, found \(value) of document \(place)")
      }
      return length
    }
  }

  /// The files of numbers and of codes.
  private static func codeFiles(
    _ folder: String, _ chunks: Int
  ) throws(Failure) -> (numbers: [String], codes: [String]) {
    let numbers = (0..<chunks).map { "\(folder)/\($0).codes.npy" }
    let found = numbers.count(where: WholeFile.exists)
    if found == chunks {
      return (numbers, (0..<chunks).map { "\(folder)/\($0).residuals.npy" })
    }
    guard found == 0 else {
      throw .config(
        folder, "codes of \(found) of \(chunks) chunks are not joined with the others yet",
        hint: "fast-plaid joins them when it opens the index")
    }
    return (["\(folder)/merged_codes.npy"], ["\(folder)/merged_residuals.npy"])
  }

  private static func chunks(
    _ folder: String, _ sizes: [Int], width: Int
  ) throws(Failure) -> [Chunk] {
    let (numbers, codes) = try codeFiles(folder, sizes.count)
    let isJoined =
      numbers.count != sizes.count || numbers.first?.hasSuffix("merged_codes.npy") == true
    let rows = isJoined ? [sizes.reduce(0, +)] : sizes
    var (chunks, first): ([Chunk], Int) = ([], 0)
    for (place, rows) in rows.enumerated() {
      let chunk = Chunk(
        first: first, numbers: try NPYArray(numbers[place], [.i64], dimensions: 1),
        codes: try NPYArray(codes[place], [.u8], dimensions: 2))
      for array in [chunk.numbers, chunk.codes] {
        guard isJoined ? array.shape[0] >= rows : array.shape[0] == rows else {
          throw .data(array.path, "expected \(rows) rows, found \(array.shape[0])")
        }
      }
      guard chunk.codes.shape[1] == width else {
        throw .data(
          chunk.codes.path, "expected codes of \(width) bytes, found \(chunk.codes.shape[1])")
      }
      chunks.append(chunk)
      first += rows
    }
    return chunks
  }

  var similarity: String? { nil }
  var hasNumbers: Bool { false }
  func number(_ row: Int) -> Int64 { preconditionFailure("vectors without numbers") }

  func row(_ row: Int) throws(Failure) -> [Float] {
    var (low, high) = (0, chunks.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if chunks[middle].first <= row { low = middle } else { high = middle }
    }
    let chunk = chunks[low]
    let place = row - chunk.first
    let centroid = chunk.numbers.integer(place)
    guard (0..<centroids.shape[0]).contains(centroid) else {
      throw .data(
        chunk.numbers.path, "row \(place) has centroid \(centroid) of \(centroids.shape[0])")
    }
    let codes = chunk.codes.bytes(place * chunk.codes.shape[1], chunk.codes.shape[1])
    var vector = (0..<dimension).map { number in
      var bucket = 0
      for bit in 0..<bits {
        let position = number * bits + bit
        bucket |= Int(codes[position / 8] >> UInt8(7 - position % 8) & 1) << bit
      }
      return centroids.float(centroid * dimension + number) + weights[bucket]
    }
    let length = vector.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    if length > 0 {
      for number in vector.indices { vector[number] = Float(Double(vector[number]) / length) }
    }
    return vector
  }
}
