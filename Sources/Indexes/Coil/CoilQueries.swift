import Kernels
import Vectors

/// Some queries, ready to be compared with inverted lists: their vectors by token, so that a list is
/// read once for all of them.
struct CoilQueries: Sendable {
  /// Vectors of one token.
  struct Group: Sendable {
    let token: Int32
    let comparison: DenseComparison
  }

  /// One vector of a query: the group that has it, and its place there.
  struct Place: Sendable {
    var group: Int
    var column: Int
  }

  let count: Int
  let groups: [Group]
  /// The vectors of each query, in order.
  let places: [[Place]]
  let cls: DenseComparison

  /// - Parameters:
  ///   - queries: At least one.
  ///   - shape: Widths of their vectors.
  ///   - similarity: What the score of two vectors is.
  ///   - kernels: What compares.
  init(
    _ queries: ArraySlice<VectorSet>, _ shape: VectorShape, _ similarity: Similarity,
    _ kernels: Kernels
  ) {
    count = queries.count
    var known: [Int32: Int] = [:]
    var tokens: [Int32] = []
    var values: [[Float]] = []
    var places: [[Place]] = []
    for query in queries {
      places.append(
        query.ids.enumerated().map { vector, token in
          let group = known[token] ?? tokens.count
          if group == tokens.count {
            known[token] = group
            tokens.append(token)
            values.append([])
          }
          defer {
            values[group] += query.values[vector * shape.width..<(vector + 1) * shape.width]
          }
          return Place(group: group, column: values[group].count / shape.width)
        })
    }
    groups = zip(tokens, values).map { token, values in
      Group(
        token: token,
        comparison: DenseComparison(
          values, count: values.count / shape.width, similarity, kernels))
    }
    self.places = places
    cls = DenseComparison(queries.flatMap(\.cls), count: count, similarity, kernels)
  }
}
