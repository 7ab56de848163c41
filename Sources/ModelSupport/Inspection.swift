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
      JSON.Member("architecture", .string(description.head.modelType)),
      JSON.Member("backbone", .string(description.backboneType)),
      JSON.Member("hidden_size", .integer(model.backbone.width)),
      JSON.Member("vocab_size", .integer(model.backbone.vocabularySize)),
      JSON.Member("max_positions", .integer(model.backbone.maximumTokens)),
    ]
    members += model.backbone.facts + Self.head(model)
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
    let others = (try? description.companions()) ?? []
    if !others.isEmpty {
      members.append(
        JSON.Member("other_heads", .array(others.map { .string($0.head.modelType) })))
    }
    members.append(
      JSON.Member("evidence", .array(description.evidence.map { .string($0) })))
    members.append(
      JSON.Member("without_effect", .array(model.withoutEffect.map { .string($0) })))
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
    case .expansion(let token, let length, let isAttended):
      let filling = "\(token ?? "mask") to \(length)" + (isAttended ? ", attended" : "")
      members.append(JSON.Member("filling", .string(filling)))
    case .padding(let multiple):
      members.append(JSON.Member("filling", .string("padding to a multiple of \(multiple)")))
    }
    if let masked = model.maskedTokens[role.key] {
      members.append(JSON.Member("masked_tokens", .integer(masked.count)))
    }
    if let kept = model.keptTokens[role.key] {
      members.append(JSON.Member("kept_tokens", .integer(kept.count)))
    }
    return .object(members)
  }

  private static func head(_ model: Model) -> [JSON.Member] {
    switch model.head {
    case .crossEncoder(let head): return [JSON.Member("kind", "cross-encoder")] + head.facts
    case .biEncoder(let head):
      return [
        JSON.Member("kind", .string(head.form.kind.rawValue)),
        JSON.Member("dim", .integer(head.form.dimension)),
      ] + head.facts + interaction(model)
    }
  }

  private static func interaction(_ model: Model) -> [JSON.Member] {
    guard let interaction = model.description.head.interaction else { return [] }
    return [
      JSON.Member("query_aggregation", .string(interaction.queryAggregation.rawValue)),
      JSON.Member("doc_aggregation", .string(interaction.docAggregation.rawValue)),
    ]
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
