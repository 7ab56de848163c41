import Streams

@testable import Tensors

extension Target {
  /// Tensors: safetensors, streams, and what PyTorch, NumPy and faiss write.
  static let tensors = [
    Target("safetensors", [".safetensors"]) { bytes in
      let file = try SafeTensorsFile(Scratch.file("input.safetensors", bytes))
      for entry in file.header.entries { touch(file.bytes(entry)) }
    },
    Target("stream", [".lirt"]) { bytes in
      let reader = try TensorStreamReader(Scratch.file("input.lirt", bytes))
      while try reader.next() != nil {}
    },
    Target("torch", [".bin", ".pt"]) { bytes in
      let file = try TorchFile(Scratch.file("input.bin", bytes))
      for entry in file.entries { touch(file.bytes(entry)) }
    },
    Target("pickle", [".pkl", ".pickle"]) { try read($0, "input.pkl") },
    Target("npy", [".npy", ".npz"]) { bytes in
      let ids = Scratch.file("ids", Array((0..<64).map { "\($0)\n" }.joined().utf8))
      try read(bytes, "input.npy", ids: ids)
    },
    Target("faiss", [".faiss"]) { bytes in
      let ids = Scratch.file("ids", Array((0..<64).map { "\($0)\n" }.joined().utf8))
      try read(bytes, "input.faiss", ids: ids)
    },
    Target("vectors", [".vectors"]) { try read($0, "input.jsonl") },
  ]

  private static func touch(_ bytes: UnsafeRawBufferPointer) {
    var sum: UInt8 = 0
    for byte in bytes { sum &+= byte }
    // The compiler is not to leave out the reads.
    if sum == 1, bytes.count == 0 { print(sum) }
  }

  private static func read(_ bytes: [UInt8], _ name: String, ids: String? = nil) throws {
    var claims = VectorClaims()
    if let ids { claims.ids = [ids] }
    let inputs = VectorInputs([Scratch.file(name, bytes)], claims, as: .doc)
    let reader = try inputs.open(0)
    while try reader.next() != nil {}
  }
}
