import Failures
import Foundation
import JSON
import Kernels
import TestSupport
import Testing
import Training

/// A family of losses with what torch made of them.
struct LossCases {
  let tensors: TestSupport.SafeTensorsFile
  let cases: [JSON]

  init(_ folder: String) throws {
    tensors = try SafeTensorsFile.load(folder + "/expected.safetensors")
    let inputs = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder + "/inputs.json")))
    cases = try JSONParser.parse(inputs)["cases"]?.array ?? []
    #expect(!cases.isEmpty)
  }

  /// A tensor [B,N], or the largest labels of [B,N,L], which count in Lightning IR `loss/base.py`,
  /// `process_targets`.
  func table(_ name: String?) throws -> ScoreTable {
    let name = try #require(name)
    let shape = try tensors.tensor(name).shape
    let values = try tensors.floats(name)
    let labels = shape.count == 3 ? shape[2] : 1
    return ScoreTable(
      queries: shape[0], documents: shape[1],
      values: stride(from: 0, to: values.count, by: labels).map { start in
        values[start..<start + labels].reduce(-.infinity, max)
      })
  }

  /// Tolerances of the reference values, which were computed in single precision: 1e-5 relative to
  /// losses, 1e-5 for derivatives.
  func expect(_ found: LossValue, _ key: String, gradient name: String = "grad") throws {
    let loss = Double(try tensors.floats("loss.\(key)")[0])
    if loss.isNaN {
      #expect(found.value.isNaN && found.isEmpty, "\(key)")
    } else {
      #expect(!found.isEmpty, "\(key)")
      #expect(abs(found.value - loss) <= 1e-5 + 1e-5 * abs(loss), "\(key): \(found.value), \(loss)")
    }
    try expect(found.gradient, try tensors.floats("\(name).\(key)"), key)
  }

  func expect(_ found: [Double], _ expected: [Float], _ key: String) throws {
    try #require(found.count == expected.count)
    for (a, b) in zip(found, expected) {
      // Without any pair torch has no derivative, or NaN; nothing is learnt here.
      let b = b.isNaN ? 0 : Double(b)
      #expect(abs(a - b) <= 1e-5 + 1e-5 * abs(b), "\(key): \(a), \(b)")
    }
  }
}

@Suite struct LossTests {
  static func scoringLoss(_ name: String, _ params: JSON?) throws -> any ScoringLoss {
    let temperature = params?["temperature"]?.double ?? 1
    switch name {
    case "RankNet": return RankNet(temperature: temperature)
    case "ConstantMarginMSE":
      return MarginMSE(margin: .constant(params?["margin"]?.double ?? 1))
    case "SupervisedMarginMSE": return MarginMSE(margin: .targets)
    case "KLDivergence": return KLDivergence()
    case "InfoNCE": return InfoNCE()
    case "PearsonCorrelation": return PearsonCorrelation()
    case "ApproxNDCG":
      return ApproxNDCG(
        temperature: temperature, scalesGains: params?["scale_gains"]?.bool ?? true)
    case "ApproxMRR": return ApproxMRR(temperature: temperature)
    case "ApproxRankMSE":
      let discount = params?["discount"]?.string
      return ApproxRankMSE(
        temperature: temperature,
        discount: try discount.map { try #require(ApproxRankMSE.Discount(rawValue: $0)) })
    default: throw Failure(.software, "no loss \(name)")
    }
  }

  @Test(arguments: Fixtures.folders("losses/scoring"))
  func scoringLossesEqualTorchs(_ folder: String) throws {
    let golden = try LossCases(folder)
    for item in golden.cases {
      guard let key = item["key"]?.string else { continue }
      let loss = try Self.scoringLoss(try #require(item["loss"]?.string), item["params"])
      let value = loss(
        try golden.table(item["scores"]?.string), try golden.table(item["targets"]?.string))
      try golden.expect(value, key)
    }
  }

  /// Derivatives by central differences: the losses are smooth but for ties of targets.
  @Test(arguments: [
    "RankNet", "ConstantMarginMSE", "SupervisedMarginMSE", "KLDivergence", "InfoNCE",
    "PearsonCorrelation", "ApproxNDCG", "ApproxMRR", "ApproxRankMSE",
  ])
  func derivativesAreDifferences(_ name: String) throws {
    let loss = try Self.scoringLoss(name, nil)
    var random = CounterRandom(seed: 5)
    for _ in 0..<5 {
      let scores = ScoreTable(
        queries: 2, documents: 4, values: (0..<8).map { _ in random.nextNormal() })
      let targets = ScoreTable(
        queries: 2, documents: 4, values: (0..<8).map { _ in Float(random.index(below: 3)) })
      let value = loss(scores, targets)
      if value.value.isNaN { continue }
      for i in scores.values.indices {
        // A power of two, so that the shifted scores differ by exactly twice as much.
        let step: Float = 0x1p-10
        var (up, down) = (scores, scores)
        up.values[i] += step
        down.values[i] -= step
        let width = Double(up.values[i]) - Double(down.values[i])
        let slope = (loss(up, targets).value - loss(down, targets).value) / width
        // The error of a central difference is of the order of step².
        #expect(abs(slope - value.gradient[i]) < 1e-4, "\(name) \(i)")
      }
    }
  }

  @Test(arguments: Fixtures.folders("losses/embedding"))
  func regularizationEqualsTorchs(_ folder: String) throws {
    let golden = try LossCases(folder)
    for item in golden.cases {
      let key = try #require(item["key"]?.string)
      let name = try #require(item["loss"]?.string)
      guard let kind = Regularization.Kind(rawValue: name) else {
        let shape = try golden.tensors.tensor(try #require(item["similarity"]?.string)).shape
        let similarity = ScoreTable(
          queries: shape[0], documents: shape[shape.count - 1],
          values: try golden.tensors.floats(try #require(item["similarity"]?.string)))
        try golden.expect(ContrastiveLocalLoss()(similarity), key)
        continue
      }
      let weights = item["params"]
      let regularization = Regularization(
        kind, queryWeight: weights?["query_weight"]?.double ?? 1e-4,
        docWeight: weights?["doc_weight"]?.double ?? 1e-4)
      var total = 0.0
      for (role, weight, gradient) in [
        ("query", regularization.queryWeight, "grad_q"),
        ("doc", regularization.docWeight, "grad_d"),
      ] {
        let name = try #require(item[role]?.string)
        let shape = try golden.tensors.tensor(name).shape
        let penalty = regularization.penalty(
          try golden.tensors.floats(name), texts: shape[0], dimension: shape[2])
        total += weight * penalty.value
        try golden.expect(
          penalty.gradient.map { $0 * weight }, try golden.tensors.floats("\(gradient).\(key)"),
          key)
      }
      let loss = Double(try golden.tensors.floats("loss.\(key)")[0])
      #expect(abs(total - loss) <= 1e-5 + 1e-5 * abs(loss), "\(key)")
    }
  }
}

@Suite struct InBatchTests {
  static func sampling(_ name: String, _ params: JSON?) throws -> InBatchSampling {
    let maximum = params?["max_num_neg_samples"]?.integer
    if name == "ScoreBasedInBatchCrossEntropy" {
      return InBatchSampling(
        leastTargetDifference: try #require(params?["min_target_diff"]?.double),
        maximumNegatives: maximum)
    }
    return InBatchSampling(
      positives: try #require(
        InBatchSampling.Positives(rawValue: params?["pos_sampling_technique"]?.string ?? "")),
      negatives: try #require(
        InBatchSampling.Negatives(rawValue: params?["neg_sampling_technique"]?.string ?? "")),
      maximumNegatives: maximum)
  }

  /// Columns are the reference's; where it draws them, ours are drawn from the same documents.
  @Test(arguments: Fixtures.folders("losses/in_batch"))
  func columnsAndLossesEqualTheReferences(_ folder: String) throws {
    let golden = try LossCases(folder)
    for item in golden.cases {
      guard let key = item["key"]?.string else { continue }
      let sampling = try Self.sampling(try #require(item["loss"]?.string), item["params"])
      let targets = try golden.table(item["targets"]?.string)
      let queries = targets.queries
      var random = CounterRandom(seed: 1)
      let columns = sampling.columns(targets, &random)
      func expected(_ name: String) throws -> [[Int]] {
        let flat = try golden.tensors.integers("\(name).\(key)").map { Int($0) }
        return (0..<queries).map { query in
          let width = flat.count / queries
          return Array(flat[query * width..<(query + 1) * width])
        }
      }
      let wanted = zip(try expected("pos_idcs"), try expected("neg_idcs")).map { $0 + $1 }
      #expect(columns.map(\.count) == wanted.map(\.count), "\(key)")
      if item["random"]?.bool == true {
        for (query, row) in columns.enumerated() {
          #expect(Set(row).count == row.count, "\(key)")
          let allowed = allowed(sampling, targets, query)
          #expect(row.allSatisfy { allowed.contains($0) }, "\(key)")
          #expect(wanted[query].allSatisfy { allowed.contains($0) }, "\(key)")
        }
      } else {
        #expect(columns == wanted, "\(key)")
      }
      try expectLoss(golden, item, key, wanted)
    }
  }

  /// All documents that may stand in a query's row.
  private func allowed(
    _ sampling: InBatchSampling, _ targets: ScoreTable, _ query: Int
  ) -> Set<Int> {
    var unlimited = sampling
    unlimited.maximumNegatives = nil
    guard let least = sampling.leastTargetDifference else {
      // Without a limit nothing is drawn, and the cases without one compare exactly.
      var random = CounterRandom(seed: 0)
      return Set(unlimited.columns(targets, &random)[query])
    }
    let own = query * targets.documents..<(query + 1) * targets.documents
    let largest = targets.row(query).reduce(-.infinity, max)
    return Set(
      targets.values.indices.filter {
        let target = targets.values[$0]
        return !own.contains($0) || target == largest || Double(largest - target) >= least
      })
  }

  private func expectLoss(
    _ golden: LossCases, _ item: JSON, _ key: String, _ columns: [[Int]]
  ) throws {
    let full = try golden.table(item["full_scores"]?.string)
    let scores = ScoreTable(
      queries: full.queries, documents: columns[0].count,
      values: columns.enumerated().flatMap { query, row in
        row.map { full.values[query * full.documents + $0] }
      })
    let loss = InBatchCrossEntropy()(scores)
    var spread = [Double](repeating: 0, count: full.values.count)
    for (query, row) in columns.enumerated() {
      for (place, document) in row.enumerated() {
        spread[query * full.documents + document] +=
          loss.gradient[query * scores.documents + place]
      }
    }
    let expected = Double(try golden.tensors.floats("loss.\(key)")[0])
    #expect(abs(loss.value - expected) <= 1e-5 + 1e-5 * abs(expected), "\(key)")
    try golden.expect(spread, try golden.tensors.floats("grad.\(key)"), key)
  }

  /// Value and gradient of sentence-transformers' loss, by scripts/golden/make_contrastive.py: with
  /// the first document as positive, all others of the batch as negatives, and a scale or its inverse.
  ///
  /// The reference computed in double precision, from scores that single precision holds.
  @Test func multipleNegativesRanking() throws {
    let cases = try #require(try Fixtures.json("contrastive.json")["losses"]?.array)
    #expect(cases.count == 6)
    for item in cases {
      let (queries, documents) = (item["queries"]?.integer ?? 0, item["documents"]?.integer ?? 0)
      let factor = try #require(item["scale"]?.double)
      let full = (item["scores"]?.array ?? []).compactMap { $0.double.map { Float($0) } }
      let slopes = (item["gradient"]?.array ?? []).compactMap(\.double)
      let expected = try #require(item["loss"]?.double)
      let sampling = InBatchSampling(positives: .first, negatives: .allAndNonFirst)
      let targets = ScoreTable(
        queries: queries, documents: documents,
        values: (0..<queries * documents).map { $0 % documents == 0 ? 1 : 0 })
      var random = CounterRandom(seed: 1)
      let columns = sampling.columns(targets, &random)
      let width = queries * documents
      let scores = ScoreTable(
        queries: queries, documents: width,
        values: columns.enumerated().flatMap { query, row in row.map { full[query * width + $0] } })
      for scale in [LogitScale(.scale, factor), LogitScale(.temperature, 1 / factor)] {
        let value = InBatchCrossEntropy(sampling, scale: scale)(scores)
        #expect(abs(value.value - expected) <= 1e-9 * expected)
        for (query, row) in columns.enumerated() {
          for (place, document) in row.enumerated() {
            let slope = value.gradient[query * width + place]
            #expect(abs(slope - slopes[query * width + document]) <= 1e-9 * max(1, factor))
          }
        }
        // Without others' documents the same is InfoNCE: of one query there are none.
        let one = ScoreTable(queries: 1, documents: width, values: Array(scores.row(0)))
        let first = ScoreTable(
          queries: 1, documents: width, values: (0..<width).map { $0 == 0 ? 1 : 0 })
        let alone = InfoNCE(scale: scale)(one, first)
        #expect(alone.value == InBatchCrossEntropy(scale: scale)(one).value)
        let share = Double(queries)
        for (place, document) in columns[0].enumerated() {
          #expect(
            abs(alone.gradient[place] / share - slopes[document]) <= 1e-9 * max(1, factor))
        }
      }
    }
  }

  /// A scale of 1 changes no bit.
  @Test func aScaleOfOneIsNone() {
    let scores = ScoreTable(queries: 2, documents: 3, values: [0.1, 7, -3, 1e-8, 55, 2])
    let plain = InBatchCrossEntropy()(scores)
    for scale in [LogitScale(.scale, 1), LogitScale(.temperature, 1)] {
      let value = InBatchCrossEntropy(scale: scale)(scores)
      #expect(value.value == plain.value && value.gradient == plain.gradient)
    }
  }

  @Test func permutationsAreFair() {
    // 3! orders, 6000 draws: 1000 each, standard deviation 29.
    var random = CounterRandom(seed: 7)
    var counts: [[Int]: Int] = [:]
    for _ in 0..<6000 { counts[random.permutation(3), default: 0] += 1 }
    #expect(counts.count == 6)
    #expect(counts.values.allSatisfy { abs($0 - 1000) < 150 })
  }
}
