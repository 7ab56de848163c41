import Failures
import Streams

/// A file of tensors by name.
package protocol WeightFile: AnyObject, Sendable {
  var path: String { get }
  var entries: [SafeTensorsHeader.Entry] { get }
  func entry(_ name: String) -> SafeTensorsHeader.Entry?
  /// The bytes of a tensor, in the order of its indices; they live as long as the file object, and
  /// may be unaligned.
  func bytes(_ entry: SafeTensorsHeader.Entry) -> UnsafeRawBufferPointer
  /// Gives the memory of a tensor back until it is touched again, where the file is mapped.
  func discard(_ entry: SafeTensorsHeader.Entry)
}

extension SafeTensorsFile: WeightFile {
  package var entries: [SafeTensorsHeader.Entry] { header.entries }
}

/// A `.bin` or `.pt` file of PyTorch 1.6 or later: a zip archive of a pickle and raw storages,
/// mapped; no code of it runs.
///
/// A tensor that was saved alone has an empty name.
package final class TorchFile: WeightFile {
  package let path: String
  package let entries: [SafeTensorsHeader.Entry]
  private let index: [String: Int]
  /// The whole file.
  let mapped: MappedFile
  /// Copies of tensors whose elements do not lie in order.
  private let copies: [String: [UInt8]]

  /// - Throws: 66 where there is no file; 65 where it is damaged or holds anything but tensors; 78
  ///   for the form of before PyTorch 1.6.
  package init(_ path: String) throws(Failure) {
    self.path = path
    let file = try MappedFile(path)
    mapped = file
    guard file.bytes.count >= 4, file.bytes.loadUnaligned(as: UInt32.self) == 0x0403_4B50 else {
      if file.bytes.count >= 2, file.bytes[0] == 0x80, file.bytes[1] == 2 {
        throw .config(
          path, "expected a zip file, found a pickle of before PyTorch 1.6",
          hint: "load and save it once with a current PyTorch")
      }
      let found = ForeignFormat.name(file.bytes).map { ", found \($0)" } ?? ""
      throw .data(path, "expected a zip file of PyTorch\(found)")
    }
    let archive = try ZipArchive(file)
    let reader = try TorchArchive(archive)
    let tensors = try reader.tensors()
    try reader.checkStorages(Set(tensors.map(\.1.storage.key)))
    var entries: [SafeTensorsHeader.Entry] = []
    var gatherer = TensorGatherer(file.bytes)
    for (name, tensor) in tensors {
      let (entry, start) = try reader.resolve(name, tensor)
      entries.append(entry)
      if let start { try gatherer.gather(name, tensor, from: start, at: path) }
    }
    copies = gatherer.copies
    self.entries = entries
    index = Dictionary(
      entries.enumerated().map { ($0.element.name, $0.offset) }, uniquingKeysWith: { $1 })
  }

  package func entry(_ name: String) -> SafeTensorsHeader.Entry? { index[name].map { entries[$0] } }

  package func bytes(_ entry: SafeTensorsHeader.Entry) -> UnsafeRawBufferPointer {
    if let copy = copies[entry.name] {
      // The array is never written and lives as long as this object.
      return copy.withUnsafeBytes { UnsafeRawBufferPointer(start: $0.baseAddress, count: $0.count) }
    }
    return UnsafeRawBufferPointer(rebasing: mapped.bytes[entry.range])
  }

  package func discard(_ entry: SafeTensorsHeader.Entry) {
    if copies[entry.name] == nil { mapped.discard(bytes(entry)) }
  }
}

/// The members of a PyTorch archive.
private struct TorchArchive {
  private let archive: ZipArchive
  private let members: [String: ZipArchive.Member]
  private let pickle: ZipArchive.Member
  private let prefix: String
  private var path: String { archive.file.path }

  init(_ archive: ZipArchive) throws(Failure) {
    self.archive = archive
    members = Dictionary(archive.members.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
    guard let pickle = archive.members.first(where: { $0.name.hasSuffix("/data.pkl") }) else {
      throw .data(archive.file.path, "expected a zip file of PyTorch, found no data.pkl in it")
    }
    self.pickle = pickle
    prefix = String(pickle.name.dropLast("data.pkl".count))
    if let order = members[prefix + "byteorder"], !archive.bytes(order).elementsEqual("little".utf8)
    {
      throw .config(archive.file.path, "the tensors are not little-endian")
    }
  }

  /// The tensors of the pickle, which is one, a dictionary of them, or has one as `state_dict`.
  func tensors() throws(Failure) -> [(String, PickleTensor)] {
    let (value, heap) = try PickleReader.read(
      try archive.checkedBytes(pickle), place: "\(path): \(pickle.name)")
    // What torch.save writes of one tensor alone has no name.
    if case .tensor(let place) = value { return [("", heap.tensors[place])] }
    guard case .dictionary(var place) = value else {
      throw .data(path, "expected a dictionary of tensors, found \(value.kind)")
    }
    for (key, value) in heap.dictionaries[place] {
      if case .text("state_dict") = key, case .dictionary(let inner) = value { place = inner }
    }
    var tensors: [(String, PickleTensor)] = []
    var seen: Set<String> = []
    for (key, value) in heap.dictionaries[place] {
      guard case .text(let name) = key else {
        throw .data(path, "expected names of tensors, found \(key.kind)")
      }
      guard case .tensor(let tensor) = value else {
        throw .data(path, "expected a tensor as \(name), found \(value.kind)")
      }
      guard seen.insert(name).inserted else { throw .data(path, "tensor \(name) is there twice") }
      tensors.append((name, heap.tensors[tensor]))
    }
    return tensors
  }

  func checkStorages(_ keys: Set<String>) throws(Failure) {
    for key in keys.sorted() {
      if let member = members["\(prefix)data/\(key)"] { _ = try archive.checkedBytes(member) }
    }
  }

  /// Where a tensor's bytes are; where they do not lie in order, how many there are, and where its
  /// first element is.
  func resolve(
    _ name: String, _ tensor: PickleTensor
  ) throws(Failure) -> (SafeTensorsHeader.Entry, start: Int?) {
    let size = tensor.storage.type.size
    guard let member = members["\(prefix)data/\(tensor.storage.key)"] else {
      throw .data(path, "damaged: tensor \(name) has no storage data/\(tensor.storage.key)")
    }
    let (needed, overflow) = tensor.storage.elements.multipliedReportingOverflow(by: size)
    guard !overflow, needed == member.range.count else {
      throw .data(
        path,
        "damaged: storage data/\(tensor.storage.key) has \(member.range.count) bytes, "
          + "expected \(tensor.storage.elements) elements of \(size)")
    }
    guard let elements = Self.elements(tensor) else {
      throw .data(
        path,
        "damaged: tensor \(name) of shape \(tensor.shape) and strides \(tensor.strides) at "
          + "\(tensor.offset) leaves its storage of \(tensor.storage.elements) elements")
    }
    let start = member.range.lowerBound + tensor.offset * size
    if elements == 0 || Self.isContiguous(tensor) {
      let range = elements == 0 ? start..<start : start..<start + elements * size
      return (.init(name: name, type: tensor.storage.type, shape: tensor.shape, range: range), nil)
    }
    let range = 0..<elements * size
    return (.init(name: name, type: tensor.storage.type, shape: tensor.shape, range: range), start)
  }

  /// Number of elements; nil where one of them would lie outside of the storage.
  ///
  /// A tensor that
  /// repeats elements so that it has more than its storage is refused, too.
  private static func elements(_ tensor: PickleTensor) -> Int? {
    guard tensor.offset >= 0, tensor.offset <= tensor.storage.elements else { return nil }
    var count = 1
    var last = tensor.offset
    for (size, stride) in zip(tensor.shape, tensor.strides) {
      guard size >= 0, stride >= 0 else { return nil }
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      if overflow { return nil }
      count = product
      let (step, far) = max(size - 1, 0).multipliedReportingOverflow(by: stride)
      let (end, beyond) = last.addingReportingOverflow(step)
      if far || beyond { return nil }
      last = end
    }
    if count == 0 { return 0 }
    return last < tensor.storage.elements && count <= tensor.storage.elements ? count : nil
  }

  private static func isContiguous(_ tensor: PickleTensor) -> Bool {
    var expected = 1
    for (size, stride) in zip(tensor.shape, tensor.strides).reversed() {
      if size != 1, stride != expected { return false }
      expected *= size
    }
    return true
  }
}
