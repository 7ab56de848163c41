import Kernels

/// Networks of which each token takes a few, chosen by a layer of one output each: y = Σ p(e) · network(e)
/// over the tokens' most probable, and a bias that all have.
///
/// Shazeer et al., arXiv:1701.06538, without what training adds. A token's networks and the order of the
/// sum depend on the token alone. Of equal probabilities the first count.
package struct Experts: Sendable {
  /// One network; its first layer's outputs are those that are activated, then, with gates, those they gate.
  package struct Network: Sendable {
    let intermediate: Linear
    let output: Linear

    package init(intermediate: Linear, output: Linear) {
      self.intermediate = intermediate
      self.output = output
    }
  }

  /// W[E,D], in single precision whatever the precision of the networks.
  package let router: Linear
  package let networks: [Network]
  /// bias[D].
  package let bias: Parameter
  /// Networks of a token.
  package let chosen: Int
  package let activation: Activation
  package let isGated: Bool

  package init(
    router: Linear, networks: [Network], bias: Parameter, chosen: Int, activation: Activation,
    isGated: Bool
  ) {
    precondition(router.outputs == networks.count && chosen >= 1 && chosen <= networks.count)
    self.router = router
    self.networks = networks
    self.bias = bias
    self.chosen = chosen
    self.activation = activation
    self.isGated = isGated
  }

  /// What the networks of each token make of it, [T,D] to the same.
  package func callAsFunction<O: Operations>(_ x: O.Value, _ o: O) -> O.Value {
    let logits = o.linear(x, router)
    let routes = o.routes(logits, chosen: chosen)
    let parts = zip(networks, routes.tokens).map { network, tokens -> O.Value? in
      if tokens.isEmpty { return nil }
      let own = o.gather(x, rows: tokens)
      let inner =
        isGated
        ? o.gate(o.linear(own, network.intermediate), activation)
        : o.linear(own, network.intermediate, activation)
      return o.linear(inner, network.output)
    }
    return o.mix(parts, logits, routes, bias)
  }
}

/// The networks that tokens take.
package struct Routes: Sendable {
  /// Probabilities of all networks, [T,E].
  let shares: [Float]
  /// The tokens of each network, ascending.
  package let tokens: [[Int]]

  /// - Parameters:
  ///   - shares: Probabilities, [T,E].
  ///   - chosen: Networks of a token.
  init(_ shares: Matrix, chosen: Int) {
    self.shares = Array(shares.elements)
    var tokens = [[Int]](repeating: [], count: shares.columns)
    for token in 0..<shares.rows {
      let row = shares.row(token)
      let order = row.indices.sorted { row[$0] != row[$1] ? row[$0] > row[$1] : $0 < $1 }
      for network in order.prefix(chosen) { tokens[network].append(token) }
    }
    self.tokens = tokens
  }

  func share(_ token: Int, _ network: Int) -> Float { shares[token * tokens.count + network] }

  /// Adds the networks' outputs to rows of zeros, in the order of the networks, and the bias.
  func mix(_ parts: [Matrix?], _ bias: Parameter, into out: Matrix, _ kernels: Kernels) {
    for (network, part) in parts.enumerated() {
      guard let part else { continue }
      for (place, token) in tokens[network].enumerated() {
        kernels.addScaled(part.row(place), by: share(token, network), to: out.mutableRow(token))
      }
    }
    let bias = UnsafeBufferPointer(start: bias.values, count: bias.count)
    for token in 0..<out.rows { kernels.addScaled(bias, by: 1, to: out.mutableRow(token)) }
  }
}

extension Inference {
  package func routes(_ logits: Matrix, chosen: Int) -> Routes {
    let shares = matrix(logits.rows, logits.columns)
    kernels.softmaxRows(logits.view.view, into: shares.view)
    return Routes(shares, chosen: chosen)
  }

  package func gather(_ x: Matrix, rows: [Int]) -> Matrix {
    let out = matrix(rows.count, x.columns)
    for (place, row) in rows.enumerated() {
      _ = out.mutableRow(place).update(fromContentsOf: x.row(row))
    }
    return out
  }

  package func mix(_ parts: [Matrix?], _ logits: Matrix, _ routes: Routes, _ bias: Parameter)
    -> Matrix
  {
    let out = constant(0, rows: logits.rows, columns: bias.count)
    routes.mix(parts, bias, into: out, kernels)
    return out
  }
}

extension Tape {
  package func routes(_ logits: Recorded, chosen: Int) -> Routes {
    let shares = matrix(logits.value.rows, logits.value.columns)
    kernels.softmaxRows(logits.value.view.view, into: shares.view)
    return Routes(shares, chosen: chosen)
  }

  package func gather(_ x: Recorded, rows: [Int]) -> Recorded {
    let out = matrix(rows.count, x.value.columns)
    for (place, row) in rows.enumerated() {
      _ = out.mutableRow(place).update(fromContentsOf: x.value.row(row))
    }
    return record(out, of: [], x) { [unowned self] derivative in
      guard let slot = x.slot else { return }
      if sum(of: slot) == nil { add(zeros(x.value.rows, x.value.columns), to: slot) }
      guard let sum = sum(of: slot) else { return }
      for (place, row) in rows.enumerated() {
        kernels.addScaled(derivative.row(place), by: 1, to: sum.mutableRow(row))
      }
    }
  }

  package func mix(
    _ parts: [Recorded?], _ logits: Recorded, _ routes: Routes, _ bias: Parameter
  ) -> Recorded {
    let out = zeros(logits.value.rows, bias.count)
    routes.mix(parts.map { $0?.value }, bias, into: out, kernels)
    let isTrained =
      bias.isTrained || logits.slot != nil || parts.contains { $0?.slot != nil }
    let weights = bias.isTrained ? [bias].compactMap(\.training) : []
    return record(out, isTrained, weights: weights) { [unowned self] derivative in
      mixAdjoint(parts, logits, routes, derivative)
      if let gradient = bias.gradientToAddTo() {
        kernels.addRows(derivative.view.view, to: gradient.base)
      }
    }
  }

  /// The derivatives by the networks' outputs, and by the numbers that chose them: with g(e) the product
  /// of a network's output and the derivative, p(e) · (g(e) − Σ p · g), g being 0 of those not chosen.
  private func mixAdjoint(
    _ parts: [Recorded?], _ logits: Recorded, _ routes: Routes, _ derivative: Matrix
  ) {
    let slopes = zeros(logits.value.rows, logits.value.columns)
    let own = parts.map { $0.map { matrix($0.value.rows, $0.value.columns) } }
    forEach(parts.count) { [kernels] network, _ in
      guard let part = parts[network], let own = own[network] else { return }
      for (place, token) in routes.tokens[network].enumerated() {
        let by = derivative.row(token)
        slopes.mutableRow(token)[network] = kernels.dot(part.value.row(place), by)
        kernels.scale(by, by: routes.share(token, network), into: own.mutableRow(place))
      }
    }
    for (part, own) in zip(parts, own) {
      if let part, let own { add(own, to: part.slot) }
    }
    for token in 0..<slopes.rows {
      let row = slopes.mutableRow(token)
      var mean: Float = 0
      for network in row.indices { mean += routes.share(token, network) * row[network] }
      for network in row.indices {
        row[network] = routes.share(token, network) * (row[network] - mean)
      }
    }
    add(slopes, to: logits.slot)
  }
}
