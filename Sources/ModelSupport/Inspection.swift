import JSON
import Models
import Tensors

/// What a model folder was recognised as, for `lir-encode --inspect`.
package struct Inspection {
  package let json: JSON

  package init(_ model: Model, digest: String) {
    let description = model.description
    var members: [JSON.Member] = [
      JSON.Member("model", .string(digest)),
      JSON.Member("architecture", .string(description.architecture.name)),
      JSON.Member("backbone", .string(description.backboneType)),
      JSON.Member("hidden_size", .integer(model.backbone.width)),
      JSON.Member("vocab_size", .integer(model.backbone.vocabularySize)),
      JSON.Member("max_positions", .integer(model.backbone.maximumTokens)),
    ]
    members += Self.head(model)
    if !description.isCrossEncoder {
      members.append(JSON.Member("similarity", .string(description.similarity.rawValue)))
    }
    let roles = description.roles.sorted { $0.key.rawValue < $1.key.rawValue }
    members.append(
      JSON.Member(
        "roles", .object(roles.map { JSON.Member($0.key.rawValue, Self.role($0, model)) })))
    let prompts = description.prompts.sorted { $0.key < $1.key }
    members.append(
      JSON.Member("prompts", .object(prompts.map { JSON.Member($0.key, .string($0.value)) })))
    members.append(
      JSON.Member("evidence", .array(description.evidence.map { .string($0) })))
    members.append(
      JSON.Member("unused_tensors", .array(model.unusedTensors.map { .string($0) })))
    json = .object(members)
  }

  private static func role(_ role: (key: Role, value: RoleSettings), _ model: Model) -> JSON {
    var members = [
      JSON.Member("max_length", .integer(model.maximumTokens(role.key))),
      JSON.Member("prompt", .string(role.value.prompt)),
      JSON.Member("special_tokens", .bool(role.value.addsSpecialTokens)),
      JSON.Member("inserted", .array(role.value.inserted.map { .string($0.name) })),
    ]
    switch role.value.filling {
    case .none: members.append(JSON.Member("filling", .null))
    case .mask(let isAttended):
      members.append(JSON.Member("filling", .string(isAttended ? "mask, attended" : "mask")))
    case .padding(let multiple):
      members.append(JSON.Member("filling", .string("padding to a multiple of \(multiple)")))
    }
    if let masked = model.maskedTokens[role.key] {
      members.append(JSON.Member("masked_tokens", .integer(masked.count)))
    }
    return .object(members)
  }

  private static func head(_ model: Model) -> [JSON.Member] {
    switch (model.head, model.description.architecture) {
    case (.dense(let head), .dense(let settings)):
      return [
        JSON.Member("kind", "dense"),
        JSON.Member("dim", .integer(head.dimension)),
        JSON.Member("pooling", .array(head.poolings.map { .string($0.rawValue) })),
        JSON.Member("pools_prompt", .bool(settings.poolsPrompt)),
        JSON.Member("projections", .array(head.layers.compactMap(\.outputs).map { .integer($0) })),
        JSON.Member("sparsification", .string(head.sparsification.rawValue)),
        JSON.Member("normalize", .bool(head.normalizes)),
      ]
    case (.splade(let head), .splade(let settings)):
      func weighting(_ role: Role) -> JSON {
        .string(head.weighting[role]?.rawValue ?? "none")
      }
      return [
        JSON.Member("kind", "sparse"),
        JSON.Member("dim", .integer(head.dimension)),
        JSON.Member("pooling", .array([.string(settings.pooling.rawValue)])),
        JSON.Member("sparsification", .string(settings.sparsification.rawValue)),
        JSON.Member("query_weighting", weighting(.query)),
        JSON.Member("doc_weighting", weighting(.doc)),
      ]
    case (.uniCoil(let head), _):
      return [JSON.Member("kind", "sparse"), JSON.Member("dim", .integer(head.dimension))]
    case (.multiVector(let head), _):
      return [
        JSON.Member("kind", "multivector"), JSON.Member("dim", .integer(head.dimension)),
        JSON.Member("normalize", .bool(head.normalizes)),
      ] + interaction(model)
    case (.viewers(let head), _):
      return [
        JSON.Member("kind", "multivector"), JSON.Member("dim", .integer(head.dimension)),
        JSON.Member("pooling", .array([.string(head.queryPooling.rawValue)])),
        JSON.Member("viewers", .integer(head.viewers)),
        JSON.Member("normalize", .bool(head.normalizes)),
      ] + interaction(model)
    case (.coil(let head), _):
      return [
        JSON.Member("kind", "coil"), JSON.Member("dim", .integer(head.tokens.outputs)),
        JSON.Member("cls_dim", .integer(head.cls.outputs)),
      ] + interaction(model)
    case (.mono(let head), .mono(let settings)): return mono(head, settings)
    default: return []
    }
  }

  private static func interaction(_ model: Model) -> [JSON.Member] {
    guard let interaction = model.description.lateInteraction else { return [] }
    return [
      JSON.Member("query_aggregation", .string(interaction.queryAggregation.rawValue)),
      JSON.Member("doc_aggregation", .string(interaction.docAggregation.rawValue)),
    ]
  }

  private static func mono(
    _ head: MonoHead, _ settings: ModelDescription.MonoSettings
  ) -> [JSON.Member] {
    var members = [
      JSON.Member("kind", "cross-encoder"),
      // A decoder gives one state a pair.
      JSON.Member("pooling", .array([.string(head.pooling?.rawValue ?? "decoder")])),
      JSON.Member("bert_pool", .bool(head.pooler != nil)),
      JSON.Member("logits", .integer(head.classifier.outputs)),
      JSON.Member("score", .string(settings.activation.rawValue)),
    ]
    if let set = settings.set {
      members.append(JSON.Member("depth", .integer(set.depth)))
      members.append(JSON.Member("extra_token", .bool(set.sharedToken == 1)))
    }
    return members
  }

  /// Lines of `key  value`, for a terminal.
  package var table: String {
    let members = json.members ?? []
    let width = members.map(\.key.count).max() ?? 0
    return members.map { member in
      let padding = String(repeating: " ", count: width - member.key.count)
      let value = member.value.string ?? member.value.serialized()
      return "\(member.key)\(padding)  \(value)\n"
    }.joined()
  }
}
