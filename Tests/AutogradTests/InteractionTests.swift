import Autograd
import Kernels
import Testing
import Vectors
import Workers

/// Scores of texts that are one vector or several.
@Suite struct InteractionTests {
  /// Vectors of two queries and of four documents, of which one has a vector that does not count.
  private let queries = VectorGroups(rows: [[0, 1, 2], [3, 4]])
  private let documents = VectorGroups(rows: [[0, 1], [2], [3, 5, 6], [7, 8]])
  private let tables = [[[0, 1], [2, 3]], [[0, 2, 3], [3, 1, 0]]]

  /// Compares the derivatives of scores with finite differences.
  ///
  /// Vectors have eight numbers, so that no two similarities are so close that a difference sees both
  /// sides of a maximum or of the border between retrieved and not retrieved.
  private func check(
    _ interaction: Interaction, _ queries: VectorGroups, _ documents: VectorGroups,
    tolerance: Double = 2e-3, _ name: String
  ) {
    var check = FiniteDifferences()
    check.input(5, 8)
    check.input(9, 8)
    check.check(tolerance: tolerance, name) { [tables] in
      $0.scores($1[0], queries, $1[1], documents, tables, interaction)
    }
  }

  @Test func aggregations() {
    for query in [Aggregation.sum, .mean, .max] {
      for doc in [Aggregation.sum, .mean, .max] {
        check(Interaction(query: query, doc: doc), queries, documents, "\(query) \(doc)")
      }
    }
  }

  /// The second derivative of a distance is one over it, and some are small.
  @Test func distances() {
    check(Interaction(.l2), queries, documents, tolerance: 5e-3, "distance")
    check(
      Interaction(.l2, doc: .mean), queries, documents, tolerance: 5e-3, "mean distance")
  }

  @Test func equalTokens() {
    let queries = VectorGroups(rows: queries.rows, tokens: [[5, 6, 7], [6, 8]])
    let documents = VectorGroups(
      rows: documents.rows, tokens: [[6, 5], [7], [6, 8, 6], [1, 6]])
    for doc in [Aggregation.sum, .mean, .max] {
      check(Interaction(doc: doc), queries, documents, "\(doc)")
    }
  }

  @Test(arguments: TokenRetrieval.Scope.allCases) func retrieval(_ scope: TokenRetrieval.Scope) {
    for count in [2, 6, 50] {
      let interaction = Interaction(retrieval: TokenRetrieval(count: count, scope: scope))
      check(interaction, queries, documents, "\(scope) \(count)")
    }
  }

  /// One-dimensional vectors, so that similarities are products and can be followed by hand.
  private func scores(
    _ q: [Float], _ queries: [[Int]], _ d: [Float], _ documents: [[Int]], _ table: [[Int]],
    _ interaction: Interaction
  ) -> [Float] {
    let tape = Tape(Kernels(), WorkerPool(threads: 1))
    return Array(
      tape.scores(
        tape.variable(tape.matrix(q, rows: q.count, columns: 1)), VectorGroups(rows: queries),
        tape.variable(tape.matrix(d, rows: d.count, columns: 1)), VectorGroups(rows: documents),
        [table], interaction
      ).value.elements)
  }

  // Similarities of (1, 2) with (3, 4): 3 4 / 6 8, with (5, -1): 5 -1 / 10 -2. The four largest of
  // all are 10, 8, 6 and 5: the first document has a maximum of 0 and one of 8, of which one was
  // found; the second 5 and 10.
  @Test func retrievalAmongTheDocumentsOfAQuery() {
    let found = scores(
      [1, 2], [[0, 1]], [3, 4, 5, -1], [[0, 1], [2, 3]], [[0, 1]],
      Interaction(retrieval: TokenRetrieval(count: 4)))
    #expect(found == [8, 7.5])
  }

  // The same for each vector of the query: the two largest of 3 4 5 -1 and of 6 8 10 -2, which are
  // the same vectors. Without the last document a vector of it is found all the same.
  @Test func retrievalInTheBatch() {
    let interaction = Interaction(retrieval: TokenRetrieval(count: 2, scope: .batch))
    let found = scores(
      [1, 2], [[0, 1]], [3, 4, 5, -1], [[0, 1], [2, 3]], [[0, 1]], interaction)
    #expect(found == [6, 7.5])
    let alone = scores(
      [1, 2], [[0, 1]], [3, 4, 5, -1], [[0, 1], [2, 3]], [[0]], interaction)
    #expect(alone == [6])
  }

  /// Scores of texts with one vector each are similarities, whatever the aggregation.
  @Test func singleVectors() {
    let found = scores(
      [2, 3], [[0], [1]], [5, 7], [[0], [1]], [[0, 1], [1, 0]], Interaction(doc: .mean))
    #expect(found == [10, 14, 21, 15])
    let distances = scores(
      [2, 3], [[0], [1]], [5, 7], [[0], [1]], [[0, 1], [1, 0]], Interaction(.l2))
    #expect(distances == [-3, -5, -4, -2])
  }

  // MARK: Terms

  @Test func termsOfTexts() {
    var check = FiniteDifferences()
    check.input(4, 1)
    var batch = PackedBatch()
    batch.append(ids: [1, 3, 2], typeIDs: [0, 0, 0])
    batch.append(ids: [4], typeIDs: [0])
    check.check { [batch] in $0.scatter($1[0], batch, columns: 6, .last) }
  }

  /// The last weight of a term counts and all get its derivative, as in torch.
  @Test func termsThatOccurAgain() {
    var check = FiniteDifferences()
    check.input(3, 1)
    var batch = PackedBatch()
    batch.append(ids: [1, 3, 1], typeIDs: [0, 0, 0])
    let values = check.values(0)
    let gradients = check.gradients { [batch] tape, x in
      let y = tape.scatter(x[0], batch, columns: 5, .last)
      #expect(Array(y.value.elements) == [0, values[2], 0, values[1], 0])
      return y
    }
    let factors = check.factors(5)
    #expect(gradients[0] == [factors[1], factors[3], factors[1]])
  }

  /// The largest weight of a term counts where it is above 0, and gets the derivative; silent tokens have
  /// none.
  @Test func largestOfTerms() {
    var check = FiniteDifferences()
    check.input(6, 1)
    var batch = PackedBatch()
    batch.append(ids: [1, 3, 1, 4, 1, 3], typeIDs: [0, 0, 0, 0, 0, 0])
    let rule = ScatterRule.largest(silent: [4])
    check.check { [batch] in $0.scatter($1[0], batch, columns: 6, rule) }
    let engine = Inference(Kernels())
    let tape = Tape(Kernels(), WorkerPool(threads: 1))
    let weights = tape.matrix([0.5, -1, 2, 9, 1, 0], rows: 6, columns: 1)
    let scattered = engine.scatter(weights, batch, columns: 6, rule)
    #expect(Array(scattered.elements) == [0, 2, 0, 0, 0, 0])
    let derived = tape.scatter(tape.constant(3, rows: 6, columns: 1), batch, columns: 6, rule)
    #expect(Array(derived.value.elements) == [0, 3, 0, 3, 0, 0])
  }

  @Test func ownTerms() {
    var check = FiniteDifferences()
    check.input(2, 6)
    var batch = PackedBatch()
    batch.append(ids: [1, 3, 1], typeIDs: [0, 0, 0])
    batch.append(ids: [4], typeIDs: [0])
    check.check { [batch] in $0.ownTerms($1[0], batch) }
  }

  /// Inference has the numbers of the tape; the last weight of a term counts there, too.
  @Test func termsInInference() {
    var batch = PackedBatch()
    batch.append(ids: [1, 3, 1], typeIDs: [0, 0, 0])
    batch.append(ids: [4], typeIDs: [0])
    let engine = Inference(Kernels())
    let tape = Tape(Kernels(), WorkerPool(threads: 1))
    let weights = tape.matrix([0.5, -0.0, 0.25, 2], rows: 4, columns: 1)
    let scattered = engine.scatter(weights, batch, columns: 5, .last)
    #expect(Array(scattered.elements) == [0, 0.25, 0, 0, 0, 0, 0, 0, 0, 2])
    let all = tape.matrix((0..<10).map { Float($0) + 1 }, rows: 2, columns: 5)
    #expect(
      Array(engine.ownTerms(all, batch).elements) == [0, 2, 0, 4, 0, 0, 0, 0, 0, 10])
  }

  // MARK: Scores of pairs

  @Test func scoresOfTwoOutputs() {
    var check = FiniteDifferences()
    check.input(5, 2)
    check.check { $0.difference($1[0]) }
    var scores = FiniteDifferences()
    scores.input(4, 3)
    scores.check { $0.logSigmoid($1[0]) }
  }

  /// Where the exponential overflows, or nothing of it is left: log(1 / (1 + e⁻ˣ)) is x or −e⁻ˣ.
  @Test func sharesOfExtremes() {
    let engine = Inference(Kernels())
    let tape = Tape(Kernels(), WorkerPool(threads: 1))
    let x = tape.variable(tape.matrix([-1000, -90, 0, 10, 1000], rows: 5, columns: 1))
    let expected: [Float] = [-1000, -90, -0.6931472, -4.539890e-5, 0]
    let found = tape.logSigmoid(x)
    for (y, expected) in zip(found.value.elements, expected) {
      #expect(abs(y - expected) <= 1e-6 * abs(expected))
    }
    #expect(Array(engine.logSigmoid(x.value).elements) == Array(found.value.elements))
    tape.backward(from: [(found, tape.matrix([1, 1, 1, 1, 1], rows: 5, columns: 1))])
    let slopes: [Float] = [1, 1, 0.5, 4.539787e-5, 0]
    for (slope, expected) in zip(tape.gradient(of: x)?.elements.map { $0 } ?? [], slopes) {
      #expect(abs(slope - expected) <= 1e-6 * abs(expected))
    }
  }
}
