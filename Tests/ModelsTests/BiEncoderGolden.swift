import Kernels
import Models
import Tensors
import TestSupport
import Testing
import Vectors

/// Compares tokens, embeddings and scores of a case with the reference's.
func checkBiEncoder(_ golden: ModelCase, _ model: Model) throws {
  let tokenizer = try golden.tokenizer()
  let queries = try model.window(golden.queries, .query, tokenizer)
  let documents = try model.window(golden.documents.flatMap { $0 }, .doc, tokenizer)
  try checkTokens(golden, model, queries, .query)
  try checkTokens(golden, model, documents, .doc)
  let scores: [Float]
  if model.vectorShape != nil {
    let queryVectors = try checkVectors(golden, model, queries, .query)
    let documentVectors = try checkVectors(golden, model, documents, .doc)
    scores = vectorScores(golden, model, queryVectors, documentVectors)
  } else {
    let queryRows = try checkRows(golden, model, queries, .query)
    let documentRows = try checkRows(golden, model, documents, .doc)
    scores = rowScores(golden, model, queryRows, documentRows)
  }
  expectClose(scores, try golden.tensors.floats("scores"), .scores, "\(golden.name) scores")
}

/// Ids, types and who is attended to; behind a text of ours the reference has padding alone.
private func checkTokens(
  _ golden: ModelCase, _ model: Model, _ window: TokenWindow, _ role: Role
) throws {
  let key = role.rawValue
  let expected = [
    ("input_ids", window.rows), ("attention_mask", window.attendedRows),
    ("token_type_ids", window.typeRows),
  ].filter { golden.tensors.names.contains("\(key).\($0.0)") }
  for (field, found) in expected {
    let rows = try golden.rows("\(key).\(field)")
    #expect(rows.count == found.count)
    for (i, row) in rows.enumerated() {
      #expect(Array(row.prefix(found[i].count)) == found[i], "\(golden.name) \(key).\(field) \(i)")
      if field == "attention_mask" {
        #expect(row.dropFirst(found[i].count).allSatisfy { $0 == 0 }, "\(golden.name) \(key) \(i)")
      }
    }
    let filling = model.description.roles[role]?.filling ?? .none
    if case .mask = filling { #expect(rows[0].count == found[0].count) }
  }
}

private func checkRows(
  _ golden: ModelCase, _ model: Model, _ window: TokenWindow, _ role: Role
) throws -> [[Float]] {
  let rows = try model.embed(window, role)
  let expected = try golden.tensors.tensor("\(role.rawValue).embeddings")
  #expect(expected.shape == [window.count, 1, rows.first?.count ?? 0])
  expectClose(
    rows.flatMap { $0 }, expected.floats ?? [], .embeddings,
    "\(golden.name) \(role.rawValue) embeddings")
  return rows
}

/// In double precision, so that the tolerance is for the embeddings alone.
private func rowScores(
  _ golden: ModelCase, _ model: Model, _ queries: [[Float]], _ documents: [[Float]]
) -> [Float] {
  var scores: [Float] = []
  for (query, list) in zip(queries, golden.documents) {
    for row in documents[scores.count..<scores.count + list.count] {
      scores.append(score(query, row, model.description.similarity))
    }
  }
  return scores
}

private func score(_ x: [Float], _ y: [Float], _ similarity: Similarity) -> Float {
  func dot(_ a: [Float], _ b: [Float]) -> Double {
    zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
  }
  switch similarity {
  case .dot: return Float(dot(x, y))
  case .cosine:
    let norm = dot(x, x).squareRoot() * dot(y, y).squareRoot()
    return norm == 0 ? 0 : Float(dot(x, y) / norm)
  case .l2:
    return -Float(
      zip(x, y).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }.squareRoot())
  }
}

// MARK: Several vectors a text

/// The vectors that count: those under the reference's scoring mask.
private func checkVectors(
  _ golden: ModelCase, _ model: Model, _ window: TokenWindow, _ role: Role
) throws -> [VectorSet] {
  let key = role.rawValue
  let sets = try model.vectors(window, role)
  let isCoil = model.vectorShape?.cls != nil
  let name = isCoil ? "\(key).token_embeddings" : "\(key).embeddings"
  let tensor = try golden.tensors.tensor(name)
  let (count, width) = (tensor.shape[1], tensor.shape[2])
  let values = tensor.floats ?? []
  let masks = try golden.rows("\(key).scoring_mask").map { isCoil ? Array($0.dropFirst()) : $0 }
  var expected: [Float] = []
  for (text, mask) in masks.enumerated() {
    var ids: [Int32] = []
    for (place, counts) in mask.enumerated() where counts == 1 {
      let start = (text * count + place) * width
      expected += values[start..<start + width]
      if model.vectorShape?.hasTokens == true {
        ids.append(try golden.rows("\(key).input_ids")[text][isCoil ? place + 1 : place])
      }
    }
    #expect(sets[text].ids == ids, "\(golden.name) \(key) tokens of \(text)")
  }
  expectClose(sets.flatMap(\.values), expected, .embeddings, "\(golden.name) \(name)")
  if isCoil {
    expectClose(
      sets.flatMap(\.cls), try golden.tensors.floats("\(key).cls_embeddings"), .embeddings,
      "\(golden.name) \(key).cls_embeddings")
  }
  return sets
}

private func vectorScores(
  _ golden: ModelCase, _ model: Model, _ queries: [VectorSet], _ documents: [VectorSet]
) -> [Float] {
  guard let settings = model.description.head.interaction, let shape = model.vectorShape else {
    return []
  }
  let interaction = VectorInteraction(
    model.description.similarity, query: settings.queryAggregation, doc: settings.docAggregation,
    Kernels())
  var scores: [Float] = []
  for (set, list) in zip(queries, golden.documents) {
    let tokens = interaction.query(
      set.values, width: shape.width, ids: shape.cls == nil ? [] : set.ids)
    for document in documents[scores.count..<scores.count + list.count] {
      var score = interaction.score(tokens, document.values, ids: document.ids)
      if let width = shape.cls {
        let own = interaction.query(set.cls, width: width)
        score += interaction.score(own, document.cls)
      }
      scores.append(score)
    }
  }
  return scores
}
