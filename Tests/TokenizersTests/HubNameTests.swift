import Testing
import Tokenizers

@Suite struct HubNameTests {
  @Test(arguments: [
    "sentence-transformers/all-MiniLM-L6-v2", "bert-base-uncased", "webis/splade", "a.b/c_d",
  ])
  func names(name: String) {
    #expect(HubName.hint(name)?.contains("fetch-model \(name) ") == true)
  }

  @Test(arguments: ["./models/a", "/models/a", "a/b/c", "~/a", "", "a b", "../x", "models/"])
  func paths(path: String) { #expect(HubName.hint(path) == nil) }
}
