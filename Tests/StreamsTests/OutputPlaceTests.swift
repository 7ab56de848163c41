import Failures
import Glibc
import Streams
import TestSupport
import Testing

/// What names of outputs stand for.
@Suite struct OutputPlaceTests {
  @Test func linksAndOthers() throws {
    let work = try TemporaryFolder()
    let file = try work.write("file", "x")
    symlink("file", work("link"))
    symlink("link", work("second"))
    symlink("later", work("dangling"))
    symlink("loop", work("loop"))
    mkfifo(work("pipe"), 0o600)
    #expect(try OutputPlace(file) == .file(file))
    #expect(try OutputPlace(work("second")) == .file(file))
    #expect(try OutputPlace(work("dangling")) == .file(work("later")))
    #expect(try OutputPlace(work("new/folder/file")) == .file(work("new/folder/file")))
    #expect(try OutputPlace(work("pipe")) == .special(work("pipe")))
    #expect(try OutputPlace("/dev/null") == .special("/dev/null"))
    #expect(try OutputPlace("/dev/stderr") == .special("/dev/stderr"))
    for name in [
      "", work.path, work.path + "/", work("none/"), work("loop"), work("file/x"), "a\0b",
    ] {
      let failure = #expect(throws: Failure.self) { try OutputPlace(name) }
      #expect(failure?.status == .cannotCreate, "\(name)")
    }
    #expect(work.names == ["dangling", "file", "link", "loop", "pipe", "second"])
  }

  /// A link that leads nowhere gets the file that it names, as from a shell.
  @Test func writesBehindDanglingLinks() throws {
    let work = try TemporaryFolder()
    symlink("later", work("link"))
    _ = try writeText([0x61], to: work("link"))
    #expect(try work.read("later") == [0x61])
    #expect(work.names == ["later", "link"])
  }

  @Test func foldersComeAndGoWithTheirFile() throws {
    let work = try TemporaryFolder()
    do {
      let writer = try ByteWriter(work("a/b/c"))
      try writer.write("x")
      #expect(work.names == ["a"])
    }
    #expect(work.names == [])
    _ = try writeText([0x61], to: work("a/b/c"))
    #expect(try work.read("a/b/c") == [0x61])
    // Folders that were there stay, whatever becomes of the file.
    do { _ = try ByteWriter(work("a/d/e")) }
    #expect(!WholeFile.exists(work("a/d")))
    #expect(WholeFile.exists(work("a/b")))
  }

  @Test func aPartialFileIsNoLinkAndNoDevice() throws {
    let work = try TemporaryFolder()
    let description = WorkDescription([.init(.option, "seed", "1")])
    symlink("file", work("link"))
    let partial = try PartialFile(of: work("link"), work: description)
    let output = try OutputFile(partial, keep: 0)
    try output.write(UnsafeRawBufferPointer(start: nil, count: 0))
    try output.finish()
    #expect(work.names == ["file", "link"])
    for name in ["/dev/null", "/dev/stdout"] {
      #expect(throws: Failure.self) { try PartialFile(of: name, work: description) }
    }
    // What somebody else has put in its place is not followed.
    symlink("file", work(".other.partial"))
    #expect(throws: Failure.self) { try PartialFile(of: work("other"), work: description) }
  }

  @Test func worksAreComparedByName() throws {
    let old = WorkDescription([
      .init(.option, "max-length", "8"), .init(.option, "gone", "given"),
      .init(.input, "model", "a"),
      .init(.input, "input1", "c"), .init(.fact, "the version", "1\t2\n\\"),
    ])
    #expect(WorkDescription(text: old.text) == old)
    #expect(WorkDescription(text: "0123\n") == nil)
    #expect(old.differences(from: old) == [])
    var new = WorkDescription([
      .init(.option, "max-length", "16"), .init(.option, "new", "given"),
      .init(.input, "model", "b"),
      .init(.input, "input1", "d"), .init(.fact, "the version", "1\t2\n\\"),
    ])
    new.calledNames = ["input1": "docs.tsv"]
    #expect(
      new.differences(from: old) == [
        "--max-length is 16, was 8", "--new is given, was not given",
        "the model is another, or was changed", "docs.tsv is another, or was changed",
        "--gone is not given, was given",
      ])
  }
}
