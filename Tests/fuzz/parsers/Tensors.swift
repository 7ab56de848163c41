import Failures
import Streams
import Tensors

extension Target {
  /// Tensors: safetensors, streams, and what PyTorch, NumPy and faiss write.
  static let tensors = [
    Target("safetensors", [".safetensors"]) { bytes in
      let file = try SafeTensorsFile(Scratch.file("input.safetensors", bytes))
      for entry in file.header.entries { touch(file.bytes(entry)) }
    },
    Target("stream", [".lirt"]) { try stream($0) },
    Target("sealed-stream", [".lirt"]) { try stream(Sealed.stream($0)) },
    Target("torch", [".bin", ".pt"]) { try torch($0) },
    Target("torch-pickle", ["data.pkl"]) { try torch(Sealed.archive($0)) },
    Target("pickle", [".pkl", ".pickle"]) { try read($0, "input.pkl") },
    Target("npy", [".npy", ".npz"]) { try read($0, "input.npy", withIDs: true) },
    Target("faiss", [".faiss"]) { try read($0, "input.faiss", withIDs: true) },
    Target("vectors", [".vectors"]) { try read($0, "input.jsonl") },
  ]

  private static func stream(_ bytes: [UInt8]) throws {
    let reader = try TensorStreamReader(Scratch.file("input.lirt", bytes))
    while try reader.next() != nil {}
  }

  private static func torch(_ bytes: [UInt8]) throws {
    let file = try TorchFile(Scratch.file("input.bin", bytes))
    for entry in file.entries { touch(file.bytes(entry)) }
  }

  private static func touch(_ bytes: UnsafeRawBufferPointer) {
    var sum: UInt8 = 0
    for byte in bytes { sum &+= byte }
    // The compiler is not to leave out the reads.
    if sum == 1, bytes.count == 0 { print(sum) }
  }

  /// Ids of more vectors than an input has.
  private static let ids = Array((0..<4096).map { "\($0)\n" }.joined().utf8)

  private static func read(_ bytes: [UInt8], _ name: String, withIDs: Bool = false) throws {
    if withIDs { _ = Scratch.file("\(name).ids", ids) }
    let inputs = VectorInputs([Scratch.file(name, bytes)], as: .doc)
    let reader = try inputs.open(0)
    do throws(Failure) {
      while try reader.next() != nil {}
    } catch {
      // Otherwise all vectors were read.
      guard error.message.hasSuffix("as there are vectors, found more") else { throw error }
    }
  }
}
