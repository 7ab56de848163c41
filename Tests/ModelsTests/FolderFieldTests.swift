import Failures
import Foundation
import JSON
import Models
import Tensors
import TestSupport
import Testing
import Tokenizers

/// Every field that sentence-transformers, PyLate and ColBERT can write, set to something unusual: it
/// changes what the model gives, or is refused by its name, or is told as one without effect.
struct FolderFieldTests {
  /// A field of a file in a folder of the fixtures.
  struct Field: CustomTestStringConvertible, Sendable {
    var folder: String
    var file: String
    var key: String
    var value: String

    var testDescription: String { "\(folder) \(file) \(key)" }
  }

  /// Folders that have the file of a class.
  private static let places: [String: (folder: String, file: String)] = [
    "SentenceTransformer": ("encoders/sentence", "config_sentence_transformers.json"),
    "SparseEncoder": ("encoders/words", "config_sentence_transformers.json"),
    "CrossEncoder": ("encoders/cross", "config_sentence_transformers.json"),
    "MultiVectorEncoder": ("encoders/vectors", "config_sentence_transformers.json"),
    "ColBERT": ("pylate", "config_sentence_transformers.json"),
    "Transformer": ("encoders/words", "sentence_bert_config.json"),
    "Dense": ("encoders/sentence", "6_Dense/config.json"),
    "Normalize": ("encoders/sentence", "2_Normalize/config.json"),
    "LayerNorm": ("encoders/sentence", "4_LayerNorm/config.json"),
    "Dropout": ("encoders/sentence", "5_Dropout/config.json"),
    "Pooling": ("encoders/sentence", "3_Pooling/config.json"),
    "SpladePooling": ("encoders/words", "1_SpladePooling/config.json"),
    "MultiVectorMask": ("encoders/vectors", "2_MultiVectorMask/config.json"),
    "HierarchicalTokenPooling": ("encoders/clustered", "4_HierarchicalTokenPooling/config.json"),
    "Router": ("encoders/routed", "router_config.json"),
    "SparseStaticEmbedding": ("encoders/routed", "table_0_SparseStaticEmbedding/config.json"),
    "artifact": ("models/external/colbertv2", "artifact.metadata"),
  ]

  /// Unusual values by class and field, or by field.
  private static let values: [String: String] = [
    "SentenceTransformer.similarity_fn_name": #""euclidean""#,
    "SparseEncoder.similarity_fn_name": #""manhattan""#,
    "CrossEncoder.similarity_fn_name": #""cosine""#,
    "MultiVectorEncoder.similarity_fn_name": #""meanmaxsim""#,
    "ColBERT.similarity_fn_name": #""XTR""#, "model_type": #""CLIP""#,
    "__version__": #"{"sentence_transformers":"9"}"#,
    "prompts": #"{"query":"x ","document":"y ","web":"z "}"#,
    "default_prompt_name": #""web""#, "CrossEncoder.default_prompt_name": #""other""#,
    "truncate_dim": "3", "max_active_dims": "2",
    "activation_fn": #""torch.nn.modules.linear.Identity""#,
    "keep_in_fp32_modules": #"["0"]"#, "requirements": #"{"transformers":">=9"}"#,
    "query_prefix": #""[MASK]""#, "document_prefix": #""[MASK]""#, "query_length": "4",
    "document_length": "5", "attend_to_expansion_tokens": "true", "skiplist_words": #"["the","a"]"#,
    "do_query_expansion": "false", "transformer_task": #""text-generation""#,
    "modality_config": #"{"text":{"method":"forward","method_output_name":"pooler_output"}}"#,
    "module_output_name": #""all_layer_embeddings""#,
    "processing_kwargs": #"{"text":{"max_length":5}}"#, "unpad_inputs": "true",
    "query_expansion": #"{"strategy":"min","length":3}"#, "max_seq_length": "4",
    "do_lower_case": "false", "tokenizer_name_or_path": #""elsewhere""#,
    "model_kwargs": #"{"torch_dtype":"float16"}"#, "processor_kwargs": #"{"model_max_length":4}"#,
    "config_kwargs": #"{"num_hidden_layers":0}"#, "model_args": #"{"subfolder":"x"}"#,
    "tokenizer_args": #"{"padding_side":"left"}"#, "config_args": #"{"hidden_act":"relu"}"#,
    "in_features": "11", "out_features": "11", "bias": "false", "use_residual": "false",
    "activation_function": #""torch.nn.modules.activation.ReLU""#,
    "module_input_name": #""causal_logits""#, "dimension": "11", "dropout": "0.9",
    "embedding_dimension": "11", "word_embedding_dimension": "11", "pooling_mode": #""max""#,
    "include_prompt": "false", "pooling_mode_cls_token": "true", "pooling_strategy": #""sum""#,
    "SpladePooling.activation_function": #""log1p_relu""#, "chunk_size": "2",
    "skiplist_tasks": #"["query"]"#, "keep_only_token_ids": "[33,34,35]", "pool_factor": "4",
    "num_protected_tokens": "3", "normalize_embeddings": "false", "tasks": #"["query"]"#,
    "types": "{}", "structure": "{}",
    "parameters": #"{"route_mappings":{"('query', None)":"model"},"default_route":"table"}"#,
    "frozen": "true", "path": #""idf.json""#, "query_token_id": #""[MASK]""#,
    "doc_token_id": #""[MASK]""#, "query_maxlen": "9", "doc_maxlen": "9",
    "mask_punctuation": "false", "attend_to_mask_tokens": "true", "similarity": #""l2""#,
    "interaction": #""flipr""#, "artifact.pool_factor": "2", "dim": "9",
  ]

  static let fields: [Field] = {
    // What the classes say of themselves, listed by the generator.
    let listed = (try? Fixtures.json("encoders/fields.json"))?.members ?? []
    var fields: [Field] = []
    for member in listed {
      guard let place = places[member.key] else { continue }
      for key in (member.value.array ?? []).compactMap(\.string) {
        let value =
          values["\(member.key).\(key)"] ?? values[key]
          ?? (member.key == "artifact" ? "7" : "\"no value\"")
        // The other tokenizers are in lower case by themselves.
        let folder = key == "do_lower_case" ? "encoders/lower" : place.folder
        fields.append(Field(folder: folder, file: place.file, key: key, value: value))
      }
    }
    return fields
  }()

  @Test func allClassesAreThere() throws {
    let listed = try Fixtures.json("encoders/fields.json").members ?? []
    #expect(Set(listed.map(\.key)) == Set(Self.places.keys))
    #expect(Self.fields.count > 100)
    #expect(Self.fields.allSatisfy { $0.value != "\"no value\"" })
  }

  @Test(arguments: fields)
  func unusual(field: Field) throws {
    let folder = try TemporaryFolder()
    try folder.copy(Fixtures.path("\(field.folder)/model"), to: "m")
    let before = try Self.given(folder("m"))
    let path = "m/\(field.file)"
    let old = (try? JSONParser.parse([UInt8](folder.read(path))))?.members ?? []
    let member = JSON.Member(field.key, try JSONParser.parse(field.value))
    let changed = JSON.object(old.filter { $0.key != field.key } + [member])
    try folder.write(path, changed.serialized())
    do {
      let after = try Self.given(folder("m"))
      let isTold = after.told.contains { $0.contains(field.key) }
      #expect(isTold || after.values != before.values, "\(field.testDescription) is passed over")
    } catch let failure as Failure {
      #expect(failure.status == .config || failure.status == .data, "\(failure)")
      // A width that the weights do not have is a matter of the tensor.
      let names = [field.key, "tensor", field.file]
      let all = "\(failure.message) \(failure.place ?? "")"
      #expect(names.contains { all.contains($0) }, "\(field.testDescription): \(failure.message)")
    }
  }

  /// What a user gets of a folder: all that a change of a field may change.
  private static func given(_ path: String) throws -> (values: String, told: [String]) {
    let description = try ModelDescription(recognizing: ModelFolder(path))
    let tokenizer = try Tokenizer.load(folder: ModelFolder.modelPath(of: path))
    let model = try Model(description, tokenizer: tokenizer)
    var values = "\(description.prompts.sorted { $0.key < $1.key }) \(description.similarity)"
    if let interaction = description.head.interaction {
      values += "\(interaction.queryAggregation)"
    }
    let texts = ["a b c", "the cat , and the dog . or not ! a text of so many words", "The DOG"]
    if description.isCrossEncoder {
      let window = try model.window(pairs: texts.map { ($0, "the house") }, tokenizer).tokens
      return (
        values
          + "\(try model.score(window, model.description.head.pairs?.activation ?? .logit)) \(description.head.pairs?.activation as Any)",
        model.withoutEffect
      )
    }
    for role in [Role.query, .doc] {
      var scratch = TokenizerScratch()
      let promptTokens = try RoleTokenizer(
        tokenizer, description.roles[role] ?? RoleSettings(),
        maximumLength: model.maximumTokens(role)
      ).promptTokens(&scratch)
      let window = try model.window(texts, role, tokenizer)
      values += "\(try model.embed(window, role, promptTokens: promptTokens))"
    }
    return (values, model.withoutEffect)
  }
}
