import Failures
import Kernels
import Records
import Reranking
import Streams
import Tensors
import TestSupport
import Testing
import Vectors

struct StoredEmbeddingsTests {
  private let folder: TemporaryFolder
  private let kernels = Kernels(.best)

  init() throws { folder = try TemporaryFolder() }

  private func read(_ files: [String], _ ids: [String], _ role: Role = .doc) throws
    -> StoredEmbeddings
  {
    var table = IDTable()
    for id in ids { _ = table.insert(RecordID(id)) }
    return try StoredEmbeddings(
      VectorInputs(files, as: role), table, role: role, model: ("m", "another model"), kernels)
  }

  @Test func whatIsWantedIsKept() throws {
    let one = try StreamFile(.doc, [("a", [1, 2]), ("b", [3, 4])]).write(folder, "1")
    let two = try StreamFile(.doc, [("c", [5, 6]), ("d", [7, 8])]).write(folder, "2")
    let stored = try read([one, two], ["d", "a", "x"])
    guard case .dense(let values, dimension: 2) = stored.embeddings else {
      Issue.record("\(stored.embeddings.form)")
      return
    }
    #expect(values == [1, 2, 7, 8])
    #expect(try stored.place(RecordID("a")) == 0)
    #expect(try stored.place(RecordID("d")) == 1)
    for id in ["x", "b", "nowhere"] {
      #expect(failure { _ = try stored.place(RecordID(id)) }?.status == .data)
    }
  }

  @Test func whatDoesNotFitIsRefused() throws {
    let good = try StreamFile(.doc, [("a", [1, 2])]).write(folder, "good")
    let role = try StreamFile(.query, [("b", [1, 2])]).write(folder, "role")
    let model = try StreamFile(.doc, model: "n", [("b", [1, 2])]).write(folder, "model")
    let unknown = try StreamFile(.doc, model: nil, [("b", [1, 2])]).write(folder, "unknown")
    for file in [role, model, unknown] {
      #expect(failure { _ = try read([good, file], ["a", "b"]) }?.status == .config)
    }
    let width = try StreamFile(.doc, [("b", [1, 2, 3])]).write(folder, "width")
    #expect(failure { _ = try read([good, width], ["a", "b"]) }?.status == .data)
    let twice = failure { _ = try read([good, good], ["a"]) }
    #expect(twice?.status == .data)
    #expect(twice?.place == "\(good): record 0")
    // What nobody wants may be there twice.
    _ = try read([good, good], ["b"])
  }

  /// Streams of f32 and f16 are read as one; f16 holds small integers exactly.
  @Test func elementTypesMayDiffer() throws {
    let one = try StreamFile(.doc, [("a", [1, 2])]).write(folder, "1")
    var description = StreamDescription(role: .doc)
    description.model = "m"
    description.dim = 2
    let writer = TensorStreamWriter(
      try ByteWriter(folder("2"), compression: Compression.none),
      schema: .dense(.f16, dimension: 2), description: description)
    let halves: [Float16] = [3, -4]
    try writer.append(id: [0x62], items: 1, [halves.withUnsafeBytes { Array($0) }])
    try writer.finish()
    guard case .dense(let values, _) = try read([one, folder("2")], ["a", "b"]).embeddings else {
      Issue.record("not dense")
      return
    }
    #expect(values == [1, 2, 3, -4])
  }

  @Test func aTextThatOccursAgainIsEmbeddedOnce() {
    let texts = ["a", "b", "a", "", "b", ""].map { Array($0.utf8) }
    let (distinct, places) = EmbeddingSource.distinct(texts)
    #expect(distinct == ["a", "b", ""].map { Array($0.utf8) })
    #expect(places == [0, 1, 0, 2, 1, 2])
  }
}
