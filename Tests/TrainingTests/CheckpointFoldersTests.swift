import Failures
import Foundation
import Streams
import TestSupport
import Testing
import Training

@Suite struct CheckpointFoldersTests {
  private let folder: TemporaryFolder
  private let root: String

  init() throws {
    folder = try TemporaryFolder()
    root = folder("run")
  }

  /// A checkpoint with one file.
  private func add(_ step: Int, to folders: CheckpointFolders) throws {
    try folders.add(step, contents: ["weights"]) { path throws(Failure) in
      try Self.write("\(path)/weights", "\(step)")
    }
  }

  private static func write(_ path: String, _ text: String) throws(Failure) {
    let writer = try ByteWriter(path, compression: Compression.none)
    try writer.write(text)
    try writer.finish()
  }

  private func names(_ path: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path).sorted()
  }

  @Test func wholeCheckpointsCount() throws {
    let folders = try CheckpointFolders(root + "//")
    #expect(folders.root == root)
    #expect(try folders.steps().isEmpty)
    for step in [3, 12, 5] { try add(step, to: folders) }
    #expect(try folders.steps() == [3, 5, 12])
    #expect(try names(folders.path(5)) == ["DONE", "digests.xxh128", "weights"])
    // A checkpoint that is there is not made again.
    try folders.add(5, contents: []) { _ in Issue.record("made again") }
    // Without its mark it is not whole, whatever else is in it.
    try folder.remove("run/checkpoints/step-12/DONE")
    #expect(try folders.steps() == [3, 5])
    try add(12, to: folders)
    #expect(try folders.steps() == [3, 5, 12])
    #expect(try names(root) == ["checkpoints"])
  }

  @Test func failedCheckpointLeavesNothing() throws {
    let folders = try CheckpointFolders(root)
    let failure = #expect(throws: Failure.self) {
      try folders.add(1, contents: ["weights"]) { path throws(Failure) in
        try Self.write("\(path)/weights", "half")
        throw Failure(.io, "a full disk")
      }
    }
    #expect(failure?.status == .io)
    #expect(try names(root + "/checkpoints").isEmpty)
  }

  @Test func pruning() throws {
    let folders = try CheckpointFolders(root)
    for step in 1...5 { try add(step, to: folders) }
    // What kills leave: a folder that was being written, and one that was being removed.
    try folder.write("run/checkpoints/.step-6.tmp.host.1.x/weights", "half")
    try folder.write("run/checkpoints/step-0/weights", "half")
    try folder.write("run/checkpoints/notes.txt", "somebody's")
    try folders.prune(keeping: 2, best: 1)
    #expect(try folders.steps() == [1, 4, 5])
    #expect(try names(root + "/checkpoints") == ["notes.txt", "step-1", "step-4", "step-5"])
    try folders.prune(keeping: 1, best: nil)
    #expect(try folders.steps() == [5])
  }

  @Test func best() throws {
    let folders = try CheckpointFolders(root)
    for step in [7, 14] {
      try add(step, to: folders)
      try folders.markBest(step)
      #expect(
        try FileManager.default.destinationOfSymbolicLink(atPath: root + "/best")
          == "checkpoints/step-\(step)")
    }
    #expect(try names(root) == ["best", "checkpoints"])
  }

  @Test func end() throws {
    let folders = try CheckpointFolders(root)
    #expect(!folders.isDone)
    try CheckpointFolders.finish(root, [])
    #expect(folders.isDone)
    try folders.reopen()
    #expect(!folders.isDone)
    try folders.reopen()
  }

  @Test func whatIsThere() throws {
    func isRun() throws -> Bool? {
      switch try CheckpointFolders.content(root) {
      case .nothing: nil
      case .run: true
      case .somethingElse: false
      }
    }
    #expect(try isRun() == nil)
    let folders = try CheckpointFolders(root)
    #expect(try isRun() == nil)
    try folder.write("run/.hidden", "")
    #expect(try isRun() == nil)
    // A model that a run has made has its configuration and no log.
    try folder.write("run/train.yml", "")
    try folder.remove("run/checkpoints")
    #expect(try isRun() == false)
    try folder.write("run/metrics.jsonl", "")
    #expect(try isRun() == true)
    try folder.remove("run/train.yml")
    #expect(try isRun() == false)
    try folder.remove("run/metrics.jsonl")
    // Checkpoints alone are enough, if they are a run's.
    try folder.write("run/checkpoints/step-3/weights", "")
    #expect(try isRun() == false)
    try folder.write("run/checkpoints/step-3/state.safetensors", "")
    #expect(try isRun() == true)
    _ = folders
    try folder.write("file", "")
    guard case .somethingElse = try CheckpointFolders.content(folder("file")) else {
      Issue.record("a file is taken for a folder")
      return
    }
  }

  /// A refused run leaves what there was before it, and nothing else.
  @Test func refusedRun() throws {
    let before = CheckpointFolders.Beginning(root)
    let folders = try CheckpointFolders(root)
    try folders.addStart(contents: ["weights"]) { path throws(Failure) in
      try Self.write("\(path)/weights", "start")
    }
    before.restore()
    #expect(!FileManager.default.fileExists(atPath: root))
    // Of one that has begun, nothing.
    let again = CheckpointFolders.Beginning(root)
    let begun = try CheckpointFolders(root)
    try folder.write("run/train.yml", "")
    try folder.write("run/metrics.jsonl", "")
    again.restore()
    #expect(try names(begun.root) == ["checkpoints", "metrics.jsonl", "train.yml"])
  }

  @Test func oneAtATime() throws {
    let folders = try CheckpointFolders(root)
    var first: CheckpointFolders? = try folders.claimed()
    let failure = #expect(throws: Failure.self) { try folders.claimed() }
    #expect(failure?.status == .cannotCreate)
    withExtendedLifetime(first) {}
    first = nil
    _ = try folders.claimed()
  }

  @Test func sweepingWhatKillsLeave() throws {
    let folders = try CheckpointFolders(root)
    try folder.write("run/.model.safetensors.tmp.host.1.x", "half")
    try folder.write("run/1_Pooling/.config.json.tmp.host.1.x", "half")
    try folder.write("run/.other.tmp.host.1.x", "somebody's")
    try folder.write("run/.model.safetensors.partial", "somebody's")
    try folders.sweep(["model.safetensors", "1_Pooling/config.json", "none/config.json"])
    #expect(
      try names(root)
        == [".model.safetensors.partial", ".other.tmp.host.1.x", "1_Pooling", "checkpoints"])
    #expect(try names(root + "/1_Pooling").isEmpty)
  }

  /// A link that a kill has left goes; the checkpoint that it leads to stays whole.
  @Test func sweepingLinksToCheckpoints() throws {
    let folders = try CheckpointFolders(root)
    try folder.write("run/checkpoints/step-2/DONE", "")
    try folder.write("run/checkpoints/step-2/model.safetensors", "weights")
    #expect(symlink("checkpoints/step-2", root + "/.best.tmp.host.1.x") == 0)
    try folders.sweep(["best"])
    #expect(try names(root) == ["checkpoints"])
    #expect(try names(root + "/checkpoints/step-2") == ["DONE", "model.safetensors"])
  }
}
