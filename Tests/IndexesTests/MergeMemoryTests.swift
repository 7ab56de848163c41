import Failures
import Glibc
import IndexFormat
import Indexes
import Kernels
import Retrieval
import TestSupport
import Testing
import Workers

/// Indexes that are joined are read through mapped files, whose pages do not stay in memory.
@Suite struct MergeMemoryTests {
  @Test func pagesOfWhatIsJoined() async throws {
    let folder = try TemporaryFolder()
    // 64 MB in each of three shards.
    let (count, width) = (32, 1 << 19)
    for part in 0..<3 {
      try writeStream(
        folder("s\(part)"), .dense(.f32, dimension: width), dimension: width,
        shard: "\(part + 1)/3",
        (0..<count).map { row in
          (
            descendingID(part * count + row), 1,
            [bytes([Float](repeating: Float(row + 1), count: width))]
          )
        })
    }
    for part in 0..<3 {
      try buildIndex(folder("i\(part)"), streams: [folder("s\(part)")])
    }
    await #expect(processExitsWith: .success) { [path = folder.path as String] in
      let before = try peakMemory() ?? 0
      let parts = try (0..<3).map { try IndexFolder("\(path)/i\($0)") }
      let merge = try IndexMerge(parts, Flat.self)
      _ = try merge.run(
        to: "\(path)/all", IndexWork(Kernels(), WorkerPool(threads: 1)), by: nil)
      // In KiB: much less than the 192 MB that were read.
      guard let peak = try peakMemory(), peak - before < 120 << 10 else { exit(1) }
    }
  }
}
