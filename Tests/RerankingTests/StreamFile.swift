import Streams
import Tensors
import TestSupport

/// A stream of dense vectors that are given by numbers.
struct StreamFile {
  var role: Role
  var model: String? = "m"
  var records: [(id: String, vector: [Float])]

  init(_ role: Role, model: String? = "m", _ records: [(id: String, vector: [Float])]) {
    self.role = role
    self.model = model
    self.records = records
  }

  func write(_ folder: TemporaryFolder, _ name: String) throws -> String {
    let width = records[0].vector.count
    var description = StreamDescription(role: role)
    description.model = model
    description.dim = width
    let writer = TensorStreamWriter(
      try ByteWriter(folder(name), compression: Compression.none),
      schema: .dense(.f32, dimension: width), description: description)
    for (id, vector) in records {
      try writer.append(
        id: Array(id.utf8), items: 1, [vector.withUnsafeBytes { Array($0) }])
    }
    try writer.finish()
    return folder(name)
  }
}
