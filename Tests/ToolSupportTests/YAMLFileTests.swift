import Failures
import JSON
import TestSupport
import Testing
import ToolSupport

/// The configuration of a training: YAML as JSON values.
@Suite struct YAMLFileTests {
  @Test(
    arguments: [
      ("a: 1", #"{"a":1}"#), ("a: -7", #"{"a":-7}"#), ("a: 1_000", #"{"a":1000}"#),
      ("a: 0x1F", #"{"a":31}"#), ("a: 0o17", #"{"a":15}"#), ("a: 0b1", #"{"a":"0b1"}"#),
      ("a: 1.5e3", #"{"a":1500.0}"#), ("a: 1e-3", #"{"a":0.001}"#), ("a: .inf", #"{"a":".inf"}"#),
      ("a: '1'", #"{"a":"1"}"#), ("a: \"true\"", #"{"a":"true"}"#), ("a: yes", #"{"a":"yes"}"#),
      ("a: True", #"{"a":true}"#), ("a: ~\nb:\nc: null", #"{"a":null,"b":null,"c":null}"#),
      ("a: [1, x, {b: c}]", #"{"a":[1,"x",{"b":"c"}]}"#), ("a:\n  - 1\n  - 2\n", #"{"a":[1,2]}"#),
      ("1: x", #"{"1":"x"}"#), ("", "{}"), ("# nothing\n", "{}"), ("3", "3"), ("[]", "[]"),
      ("a: |\n  two\n  lines\n", #"{"a":"two\nlines\n"}"#),
      ("a: 99999999999999999999", #"{"a":1e+20}"#),
      (
        "a: &x [1, {b: 2}]\nc: *x\nd: [*x, *x]",
        #"{"a":[1,{"b":2}],"c":[1,{"b":2}],"d":[[1,{"b":2}],[1,{"b":2}]]}"#
      ),
      ("\u{FEFF}a: 1", #"{"a":1}"#), ("a: !!str 1", #"{"a":"1"}"#),
      ("--- {a: 1}\n...\n", #"{"a":1}"#),
    ])
  func values(yaml: String, expected: String) throws {
    #expect(try YAMLFile.parse(yaml, place: "p").serialized() == expected, "\(yaml)")
  }

  @Test(
    arguments: [
      ("a: 1\na: 2", 2), ("a: [", 2), ("{[a]: 1}", 1), ("\t- x: [", 1), ("a: 1\nb: *x", 2),
      ("a: &x [*x]", 1), ("a: 1\n---\nb: 2", 2), ("a: 1\n  b: 2", 2), ("? {a: 1}\n: 2", 1),
    ])
  func malformed(yaml: String, line: Int) {
    let failure = #expect(throws: Failure.self) { try YAMLFile.parse(yaml, place: "p.yml") }
    #expect(failure?.status == .data && failure?.place == "p.yml:\(line)", "\(yaml)")
  }

  /// Aliases of aliases, levels in levels and on top of each other, keys that are mappings of aliases:
  /// each is refused at once, by what it is too much of.
  @Test func boundsOfValues() {
    let letters = "abcdefgh".map(String.init)
    func doubling(_ value: (String) -> String) -> String {
      "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + zip(letters, letters.dropFirst()).map { "\($1): &\($1) \(value($0))\n" }.joined()
    }
    let nine = doubling { name in "[" + (0..<9).map { _ in "*\(name)" }.joined(separator: ",") + "]"
    }
    let keys = doubling { "{? [*\($0), *\($0)] : 1}" }
    let deep = "a: " + String(repeating: "[", count: 900)
    let block = String(repeating: "- ", count: 900) + "x"
    let stacked =
      (0..<9).map { level in
        let inner = level == 0 ? "x" : "*l\(level - 1)"
        return "l\(level): &l\(level) "
          + String(repeating: "[", count: 9) + inner + String(repeating: "]", count: 9) + "\n"
      }.joined()
    for (yaml, text) in [
      (nine, "once aliases are replaced"), (keys, "expected a text as key"),
      (deep, "levels of values"), (block, "levels of values"), (stacked, "levels of values"),
      ("a: [" + String(repeating: "1,", count: 100_000) + "1]", "at most 100000 values"),
    ] {
      let failure = #expect(throws: Failure.self) { try YAMLFile.parse(yaml, place: "p.yml") }
      #expect(failure?.status == .data && failure?.message.contains(text) == true, "\(failure!)")
    }
    #expect(throws: Never.self) {
      _ = try YAMLFile.parse(
        "a: [" + String(repeating: "1,", count: 99_000) + "1]", place: "p.yml")
    }
  }

  @Test func files() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("c.yml", "a: {b: 2}\n")
    #expect(try YAMLFile.read(path)["a"]?["b"]?.integer == 2)
    let failure = #expect(throws: Failure.self) { try YAMLFile.read(folder("none.yml")) }
    #expect(failure?.status == .noInput)
  }

  /// What is written reads back as it was.
  @Test(
    arguments: [
      #"{"a":1,"b":[1.5,"x: y",null],"c":{"d e":true,"f":[]}}"#, #"{"a":1e-05,"b":1e-300}"#,
      ##"{"a":"1","b":"null","c":"","d":"- x","e":"#","f":"\"\n\\"}"##, "{}",
    ])
  func textReadsBack(json: String) throws {
    let value = try JSONParser.parse(Array(json.utf8))
    let text = YAMLFile.text(value)
    #expect(try YAMLFile.parse(text, place: "p").serialized() == value.serialized(), "\(text)")
    // Other readers take a number without a point for a text (YAML 1.1).
    #expect(!text.contains("1e-"))
  }
}
