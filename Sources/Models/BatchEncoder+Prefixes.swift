import Autograd
import Failures
import Tensors
import Workers

/// Pairs of a query, and the tokens that all of them begin with.
package struct PrefixGroup: Equatable, Sendable {
  package let pairs: Range<Int>
  /// Tokens of the prefix; 0 where each pair is computed as a whole.
  package let tokens: Int

  /// A shorter prefix costs as much as it saves: kernels are fast with many tokens at a time.
  package static let fewestTokens = 16

  package init(pairs: Range<Int>, tokens: Int) {
    self.pairs = pairs
    self.tokens = tokens
  }

  /// The pairs of a window with their prefixes; nil where no pairs share any.
  ///
  /// - Parameters:
  ///   - groups: The pairs of each query, which together are all.
  ///   - window: The pairs.
  ///   - model: Who reads them; a cross-encoder.
  /// - Returns: The groups, in their order.
  package static func all(
    _ groups: [PairGroup], _ window: TokenWindow, _ model: Model
  ) -> [PrefixGroup]? {
    guard case .crossEncoder(let head) = model.head, model.backbone.prefixBytes != nil,
      // A calibration counts every token.
      !model.precisions.calibrates
    else { return nil }
    let all = groups.map {
      PrefixGroup(pairs: $0.pairs, tokens: prefix(of: $0.pairs, window, head))
    }
    return all.contains { $0.tokens > 0 } ? all : nil
  }

  /// Tokens that all pairs begin with, without the one that is read.
  private static func prefix(
    of pairs: Range<Int>, _ window: TokenWindow, _ head: any CrossEncoderHead
  ) -> Int {
    guard pairs.count > 1, let first = pairs.first else { return 0 }
    let model = window.range(first)
    var shared = model.count
    for pair in pairs {
      let range = window.range(pair)
      guard !range.isEmpty, !window.attended[range].contains(0),
        let read = head.lastRead(window.ids[range])
      else { return 0 }
      shared = min(shared, read - range.lowerBound)
      for i in 0..<shared {
        let (own, other) = (range.lowerBound + i, model.lowerBound + i)
        if window.ids[own] != window.ids[other] || window.typeIDs[own] != window.typeIDs[other] {
          shared = i
          break
        }
      }
    }
    return shared < fewestTokens ? 0 : shared
  }

  /// Bytes of the prefixes that are kept at the same time, unless one alone is larger.
  package static let keptBytes = 128 << 20

  /// Groups of which the prefixes are kept at the same time.
  package static func rounds(_ groups: [PrefixGroup], bytes: Int) -> [ArraySlice<PrefixGroup>] {
    var rounds: [ArraySlice<PrefixGroup>] = []
    var (start, used) = (0, 0)
    for (i, group) in groups.enumerated() {
      let own = group.tokens * bytes
      if i > start, used + own > keptBytes {
        rounds.append(groups[start..<i])
        (start, used) = (i, 0)
      }
      used += own
    }
    rounds.append(groups[start...])
    return rounds
  }
}

extension BatchEncoder {
  /// Runs every batch of a window, the tokens that all pairs of a query begin with once a query.
  ///
  /// - Parameters:
  ///   - window: The pairs.
  ///   - groups: The pairs with their prefixes.
  ///   - body: Gets a batch and the window's indices of its members.
  /// - Throws: 78 for tokens that the model does not have.
  func run(
    _ window: TokenWindow, _ groups: [PrefixGroup],
    _ body: @escaping @Sendable (PackedBatch, [Int], Inference) -> Void
  ) throws(Failure) {
    try check(window)
    let watched = watch.map { WatchedWindow(window, $0) }
    for round in PrefixGroup.rounds(groups, bytes: model.backbone.prefixBytes ?? 0) {
      let prefixes = try kept(Array(round), window)
      let members = round.flatMap { Array($0.pairs) }
      let prefixOf = zip(round, prefixes).flatMap { group, prefix in
        group.pairs.map { _ in prefix }
      }
      let lengths = zip(members, prefixOf).map { window.range($0).count - ($1?.tokens ?? 0) }
      let batches = Packing.batches(lengths: lengths, tokens: batchTokens)
      try pool.forEach(batches.count) { [engines] index, worker throws(Failure) in
        var batch = PackedBatch()
        for place in batches[index] {
          let range = window.range(members[place])
          guard let prefix = prefixOf[place] else {
            batch.append(window, members[place])
            continue
          }
          let own = range.dropFirst(prefix.tokens)
          batch.append(ids: window.ids[own], typeIDs: window.typeIDs[own], .behind(prefix))
        }
        let pairs = batches[index].map { members[$0] }
        engines.with(worker) { engine in body(batch, pairs, engine) }
        watched?.finished(pairs)
      }
    }
  }

  /// Computes the prefixes of some groups; nil for a group without one.
  private func kept(
    _ groups: [PrefixGroup], _ window: TokenWindow
  ) throws(Failure) -> [PrefixStates?] {
    let prefixes = groups.map { $0.tokens > 0 ? PrefixStates(tokens: $0.tokens) : nil }
    let batches = Packing.batches(lengths: groups.map(\.tokens), tokens: batchTokens)
    try pool.forEach(batches.count) { [self] index, worker throws(Failure) in
      var batch = PackedBatch()
      for place in batches[index] {
        guard let prefix = prefixes[place] else { continue }
        let range = window.range(groups[place].pairs.lowerBound).prefix(prefix.tokens)
        batch.append(ids: window.ids[range], typeIDs: window.typeIDs[range], .keeping(prefix))
      }
      computed.add(batch.tokens, ordering: .relaxed)
      engines.with(worker) { engine in _ = model.hidden(batch, engine) }
    }
    return prefixes
  }
}
