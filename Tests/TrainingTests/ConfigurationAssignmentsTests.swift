import Failures
import JSON
import Testing
import Training

@Suite struct ConfigurationAssignmentsTests {
  /// Values as JSON: the tools hand YAML's parser in.
  private func assignments(_ texts: String...) throws -> ConfigurationAssignments {
    try ConfigurationAssignments(texts) { text, place throws(Failure) in
      do throws(JSONError) { return try JSONParser.parse(text) } catch {
        throw .data(place, "expected JSON")
      }
    }
  }

  @Test func valuesTakeTheirPlaces() throws {
    let written: JSON = ["seed": 1, "losses": [["name": "RankNet"]]]
    let found = try assignments("seed=2", "losses.0.weight=0.5", "data.run=\"a=b\"", "seed=3")
      .applied(to: written)
    let expected: JSON = [
      "seed": 3, "losses": [["name": "RankNet", "weight": .double(0.5)]], "data": ["run": "a=b"],
    ]
    #expect(found.serialized() == expected.serialized())
  }

  @Test func whatIsNoAssignment() throws {
    for text in ["seed", "=2", ""] {
      let failure = #expect(throws: Failure.self) { try assignments(text) }
      #expect(failure?.status == .usage)
    }
    let value = #expect(throws: Failure.self) { try assignments("seed={") }
    #expect(value?.status == .data && value?.place == "--set seed={")
    let path = #expect(throws: Failure.self) {
      try assignments("seed.x=1").applied(to: ["seed": 1])
    }
    #expect(path?.status == .usage)
  }

  /// The file is to blame for its own keys, an assignment for the key that it sets, for those below it,
  /// and for a mapping that it has made.
  @Test(arguments: [
    ("batch_size: expected an integer, found \"x\"", "--set batch_size"),
    ("losses.0.weight: expected a number", "--set losses.0.weight"),
    ("losses.0.weight.x: nothing", "--set losses.0.weight"),
    ("unknown key weight", "--set losses.0.weight"),
    ("unknown key optimizer.lr: expected a number", "--set optimizer.nmae"),
    ("data: tuples or run is missing", "train.yml"),
    ("losses.0.name: unknown", "train.yml"),
  ])
  func failuresHaveAPlace(_ message: String, _ place: String) throws {
    let written: JSON = ["losses": [["name": "RankNet"]], "data": ["run": "r"]]
    let assignments = try assignments(
      "batch_size=\"x\"", "losses.0.weight=1", "optimizer.nmae=\"SGD\"")
    let placed = assignments.placing(.config("train.yml", message), written: written)
    #expect(placed.place == place)
    #expect(placed.message == message)
  }
}
