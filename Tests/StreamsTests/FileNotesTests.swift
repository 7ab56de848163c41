import Failures
import Streams
import TestSupport
import Testing

struct FileNotesTests {
  private let workspace: TemporaryFolder

  init() throws { workspace = try TemporaryFolder() }

  /// The value of a file as notes give it, and whether it was read for that.
  private func value(_ path: String, settling: Int = -1, leastSize: Int = 1) throws -> (
    String, Bool
  ) {
    var wasRead = false
    let notes = FileNotes(workspace.path, settling: settling, leastSize: leastSize)
    let value = try notes.value(of: path) { () throws(Failure) in
      wasRead = true
      return try FileDigest.of(path)
    }
    return (value, wasRead)
  }

  private var notes: [String] { workspace.names.filter { $0.hasSuffix(".note") } }

  @Test func readsOnce() throws {
    let path = try workspace.write("a", sample(1000))
    let digest = try FileDigest.of(path)
    #expect(try value(path) == (digest, true))
    #expect(try value(path) == (digest, false))
    let other = try workspace.write("b", sample(1000, seed: 2))
    #expect(try value(other) == (FileDigest.of(other), true))
    #expect(try value(path) == (digest, false))
    #expect(notes.count == 2)
  }

  /// Size and time of content stay as they were; what the system alone sets does not.
  @Test(arguments: [
    "cp -p a kept && sleep 0.05 && printf X | dd of=a bs=1 seek=5 conv=notrunc status=none && touch -r kept a",
    "cp -p a kept && printf X | dd of=kept bs=1 seek=5 conv=notrunc status=none && touch -r a kept && mv kept a",
  ])
  func noticesChanges(change: String) throws {
    let path = try workspace.write("a", sample(1000))
    #expect(try value(path).1)
    let before = try FileDigest.of(path)
    #expect(shell("cd '\(workspace.path)' && \(change)") == 0)
    let after = try FileDigest.of(path)
    #expect(after != before)
    #expect(try value(path) == (after, true))
    #expect(try value(path) == (after, false))
  }

  @Test func waitsForAFileToSettle() throws {
    let path = try workspace.write("a", sample(1000))
    for _ in 0..<2 { #expect(try value(path, settling: 3600).1) }
    #expect(notes.isEmpty)
  }

  @Test func leavesSmallFilesAlone() throws {
    let path = try workspace.write("a", sample(1000))
    for _ in 0..<2 { #expect(try value(path, leastSize: 1001).1) }
    #expect(notes.isEmpty)
  }

  @Test func takesNoDamagedNote() throws {
    let path = try workspace.write("a", sample(1000))
    let digest = try FileDigest.of(path)
    #expect(try value(path).1)
    let note = try #require(notes.first)
    let whole = try WholeFile.read(workspace(note))
    for place in whole.indices {
      var bytes = whole
      bytes[place] ^= 1
      try workspace.write(note, bytes)
      #expect(try value(path) == (digest, true), "byte \(place)")
    }
    for count in whole.indices {
      try workspace.write(note, Array(whole[..<count]))
      #expect(try value(path) == (digest, true), "\(count) bytes")
    }
  }

  /// Notes spare work; where there is no room for them it is done.
  @Test func goesWithoutNotes() throws {
    let path = try workspace.write("a", sample(1000))
    let notes = FileNotes(workspace("nowhere"), settling: -1, leastSize: 1)
    #expect(try notes.value(of: path) { () throws(Failure) in "x" } == "x")
    #expect(throws: Failure.self) {
      try notes.value(of: workspace("none")) { () throws(Failure) in
        try FileDigest.of(workspace("none"))
      }
    }
  }
}
