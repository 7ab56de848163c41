import Encoding
import Models
import TestSupport
import Testing
import Tokenizers

/// The model has 64 positions, queries of 16 tokens and documents of 32.
struct RoleSetupTests {
  private let description: ModelDescription
  private let tokenizer: Tokenizer

  init() throws {
    let path = fixture("models/native/dpr_bert_00/model")
    description = try ModelDescription(recognizing: try ModelFolder(path))
    tokenizer = try Tokenizer.load(folder: path)
  }

  @Test func theLengthInForce() throws {
    #expect(try RoleSetup.maximumLength(description, .query, nil) == 16)
    #expect(try RoleSetup.maximumLength(description, .doc, nil) == 32)
    #expect(try RoleSetup.maximumLength(description, .doc, 48) == 48)
    #expect(try RoleSetup.maximumLength(description, .doc, 100) == 64)
    var unlimited = description
    unlimited.roles[.doc]?.maximumLength = nil
    #expect(try RoleSetup.maximumLength(unlimited, .doc, nil) == 64)
    // T5's positions are relative.
    unlimited = try ModelDescription(
      recognizing: try ModelFolder(fixture("models/native/dpr_t5_encoder/model")))
    unlimited.roles[.doc]?.maximumLength = nil
    #expect(try RoleSetup.maximumLength(unlimited, .doc, nil) == nil)
    #expect(try RoleSetup.maximumLength(unlimited, .doc, 1000) == 1000)
  }

  @Test func lengthsThatCannotBe() {
    func status(_ length: Int) -> Int32? {
      failure {
        _ = try RoleSetup.tokenizer(
          tokenizer, description, .doc, maxLength: length, prompt: nil)
      }?.status.rawValue
    }
    #expect(status(0) == 64)
    // [CLS], the marker of documents and [SEP] come first.
    #expect(status(1) == 64)
    #expect(status(3) == nil)
    #expect(status(64) == nil)
    #expect(status(65) == 78)
  }

  /// sentence-transformers leaves such a `max_seq_length` to its tokenizer, which fails at the first text.
  @Test func aLengthOfTheModelThatCannotBe() {
    var description = description
    description.roles[.doc]?.maximumLength = 1
    let found = failure {
      _ = try RoleSetup.tokenizer(tokenizer, description, .doc, maxLength: nil, prompt: nil)
    }
    #expect(found?.status == .config)
    #expect(found?.message.contains("a maximum length of 1 leaves no room for") == true)
  }

  @Test func aRoleThatIsNotThere() {
    let found = failure {
      _ = try RoleSetup.tokenizer(tokenizer, description, .pair, maxLength: nil, prompt: nil)
    }
    #expect(found?.status == .config)
  }

  @Test func promptsByNameOrText() throws {
    var description = description
    description.prompts = ["search": "find: "]
    description.roles[.doc]?.prompt = "own: "
    func prompt(_ option: String?) throws -> String {
      try RoleSetup.tokenizer(tokenizer, description, .doc, maxLength: nil, prompt: option)
        .settings.prompt
    }
    #expect(try prompt(nil) == "own: ")
    #expect(try prompt("search") == "find: ")
    #expect(try prompt("as it is: ") == "as it is: ")
    #expect(try prompt("") == "")
  }
}
