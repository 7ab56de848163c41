import Failures
import JSON
import Models
import Streams
import Tensors
import Tokenizers

extension ModelExport {
  /// A language model, and the module of sentence-transformers' CrossEncoder that compares what it gives for
  /// two tokens behind a pair, which its chat template writes.
  mutating func add(
    _ answers: (yes: Int, no: Int?), _ pairs: PairSettings
  ) throws(Failure) {
    guard format == .sentenceTransformers else {
      throw refusal(
        "no class of transformers says which tokens give the score",
        hint: "--format sentence-transformers")
    }
    guard pairs.recipe == nil else {
      throw refusal("the words around a pair are those of answer_recipe, and no chat template")
    }
    guard let decoder = description.family?.languageModel?.names.decoder else {
      throw refusal("transformers has no language model on backbone \(description.backboneType)")
    }
    try addBackbone(prefix: transformers.prefix) { $0 == decoder }
    // Without weights of its own the decoder is the table of the word embeddings.
    let outputs = trained.store[decoder]
    if let outputs { folder.add(outputs, as: decoder) }
    addConfiguration("ForCausalLM", [JSON.Member("tie_word_embeddings", .bool(outputs == nil))])
    try addTokenizer(lowersItself: true)
    let template = "\(description.folder.modelPath)/\(ChatTemplate.file)"
    if WholeFile.exists(template) { folder.add(ChatTemplate.file, try WholeFile.read(template)) }
    folder.add(
      "1_LogitScore/config.json",
      [
        "true_token_id": .integer(answers.yes),
        "false_token_id": answers.no.map { .integer($0) } ?? .null,
        "module_input_name": "causal_logits",
      ])
    let way: JSON = ["method": "forward", "method_output_name": "logits"]
    let message: JSON = [
      "method": "forward", "method_output_name": "logits", "format": "flat",
    ]
    let transformer: [JSON.Member] = [
      JSON.Member("transformer_task", "text-generation"),
      JSON.Member("modality_config", ["text": way, "message": message]),
      JSON.Member("module_output_name", "causal_logits"),
    ]
    let score = Module(
      type: "sentence_transformers.cross_encoder.modules.logit_score.LogitScore", name: "LogitScore"
    )
    let activation =
      pairs.activation == .logit ? "linear.Identity" : "activation.Sigmoid"
    try addModules(
      [.transformer, score], transformer: transformer + pairLength(),
      settings: crossEncoder("torch.nn.modules.\(activation)"))
  }
}
