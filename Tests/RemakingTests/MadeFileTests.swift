import Remaking
import Streams
import TestSupport
import Testing

@Suite struct MadeFileTests {
  private let folder: TemporaryFolder
  private static let by =
    #"[{"inputs":{"input1":"00aa11bb22cc33dd44ee55ff66778899"},"options":{"k":"3","seed":"42"},"#
    + #""tool":"lir-search","version":"0.1.0"}]"#

  init() throws { folder = try TemporaryFolder() }

  /// A compressed text with a record of what made it.
  private func write(_ name: String, _ text: String, by: String? = Self.by) throws -> String {
    let writer = try ByteWriter(
      folder(name), compression: .zstd(level: 3), checksumText: true)
    try writer.write(Array(text.utf8))
    try writer.finishText(records: 1, provenance: by)
    return folder(name)
  }

  @Test func parts() throws {
    let made = try MadeFile(try write("a.run.zst", "q Q0 d 1 2 mine\n"))
    #expect(made.parts.map(\.by) == [Self.by])
    #expect(!made.isIndex)
    #expect(made.codec == .zstd)
    let other = Self.by.replacing(#""k":"3""#, with: #""k":"4""#)
    let second = try write("b.run.zst", "q Q0 d 1 2 mine\n", by: other)
    let joined = try folder.write(
      "c.run.zst",
      try folder.read("a.run.zst") + folder.read("a.run.zst") + folder.read("b.run.zst"))
    #expect(try MadeFile(joined).parts.map(\.by) == [Self.by, other])
    #expect(try MadeFile(second).parts.map(\.by) == [other])
    #expect(try MadeFile(try write("d.zst", "text\n", by: nil)).parts.isEmpty)
    #expect(try MadeFile.digest(of: joined) == FileDigest.of(joined))
  }

  private func makefile(_ path: String, _ folders: [String] = []) throws -> [String] {
    var rules = try RemakeRules(try MadeFile(path), lookingInto: folders)
    return try rules.makefile().split(separator: "\n").map(String.init)
  }

  /// A tag, marks behind queries and JSON lines are options of no record.
  @Test(arguments: [
    ("q Q0 d 1 2 mine\n", ["--tag=mine"], ["--format=", "--mark-end"]),
    ("q Q0 d 1 2 it's\n# end q\n", [#"--tag='it'\''s'"#, "--mark-end"], ["--format="]),
    ("# end q\n", ["--mark-end"], ["--tag"]),
    (#"{"query_id":"q","doc_id":"d","rank":1,"score":2}"# + "\n", ["--format=jsonl"], ["--docs"]),
    (
      #"{"query_id":"q","text":"t","explanation":{}}"# + "\n",
      ["--explain", #"--docs="$$DOCS_1""#],
      ["--format="]
    ),
  ])
  func linesTellOptions(text: String, expected: [String], absent: [String]) throws {
    let lines = try makefile(try write("a.run.zst", text))
    let rule = try #require(lines.first { $0.hasPrefix("\tlir-search ") })
    for word in expected { #expect(rule.contains(word)) }
    for word in absent { #expect(!rule.contains(word)) }
    #expect(rule.contains("-k 3 --seed=42"))
  }

  /// A file is found by its digest, and is a variable's value as make reads it.
  @Test func filesByTheirDigests() throws {
    let name = " it's $odd #1\\"
    let input = try folder.write("inputs/" + name, "text")
    let digest = try FileDigest.of(input)
    let path = try write(
      "a.run.zst", "", by: Self.by.replacing("00aa11bb22cc33dd44ee55ff66778899", with: digest))
    let variable = "INPUT_\(digest.prefix(8))"
    #expect(try makefile(path).contains("\(variable) ?="))
    let value = folder("inputs/") + " it's $$odd $(hash)1\\$(nothing)"
    #expect(try makefile(path, [folder("inputs")]).contains("\(variable) ?= \(value)"))
    // An empty variable is refused, with what it stands for.
    #expect(
      try makefile(path).contains {
        $0.hasPrefix("$(if $(\(variable)),,$(error ")
          && $0.contains("operand 1 of lir-search: \(digest)")
      })
  }

  @Test func unknownTools() throws {
    let path = try write("a.zst", "", by: Self.by.replacing("lir-search", with: "lir-new"))
    #expect(throws: (any Error).self) { try makefile(path) }
  }
}

@Suite struct QuotingTests {
  @Test(arguments: [
    ("plain-1.0,x=/a@b%c+d:e_f", "plain-1.0,x=/a@b%c+d:e_f"), ("", "''"), ("a b", "'a b'"),
    ("it's", #"'it'\''s'"#), ("$HOME #1", "'$$HOME #1'"), ("back\\slash", #"'back\slash'"#),
    ("two\nlines\tand'", #"$$'two\nlines\tand\''"#), ("\u{1}$", #"$$'\001$$'"#), ("ä", "'ä'"),
  ])
  func words(text: String, expected: String) { #expect(Quoting.word(text) == expected) }

  @Test(arguments: [
    ("docs.tsv", "docs.tsv"), ("a $b #c\\", "a $$b $(hash)c\\$(nothing)"),
    (" a ", "$(nothing) a $(nothing)"),
  ])
  func values(path: String, expected: String) throws {
    #expect(try Quoting.value(path) == expected)
  }

  @Test func lineBreaks() { #expect(throws: (any Error).self) { try Quoting.value("a\nb") } }

  @Test(arguments: [
    ("docs.run.zst", "docs.run.zst"), ("a b:c%d=$e", "a_b_c_d__e"), ("ä#", "__"),
  ])
  func targets(name: String, expected: String) { #expect(Quoting.target(name) == expected) }
}
