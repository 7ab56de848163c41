import Encoding
import Failures
import Models
import TestSupport
import Tokenizers

/// A model of `Tests/Fixtures/models` and its tokenizer.
struct TestModel {
  let loaded: LoadedModel

  init(_ name: String, tokenizer: Tokenizer? = nil) throws {
    let path = fixture("models/\(name)/model")
    let folder = try ModelFolder(path)
    let own = try Tokenizer.load(folder: folder.modelPath)
    let model = try Model(ModelDescription(recognizing: folder), tokenizer: own)
    loaded = try LoadedModel(model, tokenizer ?? own)
  }
}
