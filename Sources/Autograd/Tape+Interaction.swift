import Kernels

/// Scores of pairs of texts from their vectors.
extension Tape {
  /// The scores of some documents for each query: [1,P], P being the cells of all tables.
  ///
  /// - Parameters:
  ///   - q: Vectors of queries.
  ///   - queries: Which text they belong to.
  ///   - d: Vectors of documents, of the same width.
  ///   - documents: Which text they belong to.
  ///   - tables: Tables of documents, a row for each query.
  ///   - interaction: How vectors become a score.
  /// - Returns: Table by table and row by row.
  package func scores(
    _ q: Recorded, _ queries: VectorGroups, _ d: Recorded, _ documents: VectorGroups,
    _ tables: [[[Int]]], _ interaction: Interaction
  ) -> Recorded {
    precondition(q.value.columns == d.value.columns, "scores: widths differ")
    let run = InteractionRun(queries, documents, tables, interaction)
    let links = run.links(q.value, d.value, self)
    let out = matrix(1, run.count)
    _ = out.elements.update(fromContentsOf: links.scores[..<run.count])
    return record(out, from: [q, d]) { derivative in
      let slopes = derivative.elements
      return [
        gradient(q.value, queries, d.value, run.cellsOfQuery) { cell, visit in
          run.visit(links, cell, slopes[cell]) { visit($0, $1, $2) }
        },
        gradient(d.value, documents, q.value, run.cellsOfDocument) { cell, visit in
          run.visit(links, cell, slopes[cell]) { visit($1, $0, $2) }
        },
      ]
    }

    /// The derivative by the vectors `x` of some texts: of each one's cells in order.
    func gradient(
      _ x: Matrix, _ texts: VectorGroups, _ partners: Matrix, _ cells: [[Int]],
      _ links: @escaping (Int, (Int, Int, Float) -> Void) -> Void
    ) -> Matrix {
      let dx = zeros(x.rows, x.columns)
      forEach(texts.rows.count) { [kernels] text, _ in
        for cell in cells[text] where cell < run.count {
          links(cell) { row, partner, slope in
            let target = dx.mutableRow(row)
            guard interaction.similarity == .l2 else {
              return kernels.addScaled(partners.row(partner), by: slope, to: target)
            }
            // Of -‖x - y‖ by x: (y - x) / ‖x - y‖, and 0 where they are equal.
            let distance = kernels.distance(x.row(row), partners.row(partner))
            if distance == 0 { return }
            kernels.addScaled(partners.row(partner), by: slope / distance, to: target)
            kernels.addScaled(x.row(row), by: -slope / distance, to: target)
          }
        }
      }
      return dx
    }
  }
}

extension Kernels {
  /// ‖x − y‖₂.
  fileprivate func distance(
    _ x: UnsafeBufferPointer<Float>, _ y: UnsafeBufferPointer<Float>
  ) -> Float {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: x.count) { difference in
      _ = difference.update(fromContentsOf: x)
      addScaled(y, by: -1, to: difference)
      return dot(UnsafeBufferPointer(difference), UnsafeBufferPointer(difference)).squareRoot()
    }
  }
}

/// The cells of tables of scores, and how each score depends on similarities of vectors.
private struct InteractionRun {
  /// Scores, with the similarities that each of them is made of.
  struct Links {
    var scores: [Float]
    /// For each vector of a cell's query the vector of the document that it is compared with, or
    /// one of the marks.
    var choices: [Int32]
    /// The derivative of the score by that similarity, or by each.
    var weights: [Float]
  }

  /// All vectors of the document.
  static let all: Int32 = -1
  /// No vector of the document.
  static let none: Int32 = -2

  let queries: VectorGroups
  let documents: VectorGroups
  let interaction: Interaction
  /// Query and document of each cell; behind those of the tables one for each pair of a query and a
  /// document, where similarities of the whole batch are needed.
  let cells: [(query: Int, document: Int)]
  /// Cells of the tables.
  let count: Int
  let cellsOfQuery: [[Int]]
  let cellsOfDocument: [[Int]]
  /// Cells of each row of each table, whose similarities are searched together.
  private let rows: [Range<Int>]
  /// Index of the first choice of each cell.
  private let firstChoice: [Int]

  init(
    _ queries: VectorGroups, _ documents: VectorGroups, _ tables: [[[Int]]],
    _ interaction: Interaction
  ) {
    self.queries = queries
    self.documents = documents
    self.interaction = interaction
    var (cells, rows): ([(query: Int, document: Int)], [Range<Int>]) = ([], [])
    for table in tables {
      for (query, columns) in table.enumerated() {
        rows.append(cells.count..<cells.count + columns.count)
        cells += columns.map { (query, $0) }
      }
    }
    count = cells.count
    if interaction.retrieval?.scope == .batch {
      for query in queries.rows.indices { cells += documents.rows.indices.map { (query, $0) } }
    }
    var ofQuery = [[Int]](repeating: [], count: queries.rows.count)
    var ofDocument = [[Int]](repeating: [], count: documents.rows.count)
    var firstChoice = [0]
    for (i, cell) in cells.enumerated() {
      ofQuery[cell.query].append(i)
      ofDocument[cell.document].append(i)
      firstChoice.append(firstChoice[i] + queries.rows[cell.query].count)
    }
    (self.cells, self.rows) = (cells, rows)
    (cellsOfQuery, cellsOfDocument, self.firstChoice) = (ofQuery, ofDocument, firstChoice)
  }

  /// Calls `body` with the rows of two vectors and the derivative by their similarity, for all that
  /// the score of a cell depends on.
  func visit(_ links: Links, _ cell: Int, _ slope: Float, _ body: (Int, Int, Float) -> Void) {
    let (query, document) = cells[cell]
    let vectors = documents.rows[document]
    for (i, row) in queries.rows[query].enumerated() {
      let choice = links.choices[firstChoice[cell] + i]
      let weight = links.weights[firstChoice[cell] + i] * slope
      if weight == 0 || choice == Self.none { continue }
      if choice != Self.all {
        body(row, vectors[Int(choice)], weight)
      } else {
        for j in vectors.indices where matches(cell, i, j) { body(row, vectors[j], weight) }
      }
    }
  }

  /// Whether vector `i` of the cell's query and vector `j` of its document are compared at all.
  private func matches(_ cell: Int, _ i: Int, _ j: Int) -> Bool {
    if queries.tokens.isEmpty || documents.tokens.isEmpty { return true }
    let (query, document) = cells[cell]
    return queries.tokens[query][i] == documents.tokens[document][j]
  }

  // MARK: Similarities

  func links(_ q: Matrix, _ d: Matrix, _ tape: Tape) -> Links {
    var links = Links(
      scores: [Float](repeating: 0, count: cells.count),
      choices: [Int32](repeating: Self.none, count: firstChoice[cells.count]),
      weights: [Float](repeating: 0, count: firstChoice[cells.count]))
    links.write { scores, choices, weights in
      func target(_ cell: Int) -> CellLinks {
        let range = firstChoice[cell]..<firstChoice[cell + 1]
        return CellLinks(
          score: scores + cell, choices: UnsafeMutableBufferPointer(rebasing: choices[range]),
          weights: UnsafeMutableBufferPointer(rebasing: weights[range]))
      }
      guard let retrieval = interaction.retrieval else {
        return forSimilarities(q, d, tape) { cell, similarities in
          aggregate(cell, similarities, into: target(cell))
        }
      }
      let kept = kept(q, d, tape)
      let thresholds = thresholds(retrieval, kept)
      for cell in 0..<count {
        retrieve(cell, kept[cell], thresholds[cell], into: target(cell))
      }
    }
    return links
  }

  /// The similarities of each cell, [vectors of the query, vectors of the document].
  private func kept(_ q: Matrix, _ d: Matrix, _ tape: Tape) -> [[Float]] {
    var kept = [[Float]](repeating: [], count: cells.count)
    kept.withUnsafeMutableBufferPointer { kept in
      forSimilarities(q, d, tape) { kept[$0] = Array($1) }
    }
    return kept
  }

  /// Calls `body` with every cell's similarities, document by document.
  private func forSimilarities(
    _ q: Matrix, _ d: Matrix, _ tape: Tape, _ body: (Int, UnsafeMutableBufferPointer<Float>) -> Void
  ) {
    let kernels = tape.kernels
    let width = q.columns
    let isSingle =
      queries.rows.allSatisfy { $0.count <= 1 } && documents.rows.allSatisfy { $0.count <= 1 }
    tape.forEach(documents.rows.count) { document, _ in
      let vectors = documents.rows[document]
      var packed: PackedMatrix?
      if !isSingle, interaction.similarity == .dot, !vectors.isEmpty,
        !cellsOfDocument[document].isEmpty
      {
        let gathered = AlignedBuffer(count: vectors.count * width)
        gathered.gather(d, vectors)
        packed = withExtendedLifetime(gathered) {
          PackedMatrix(
            UnsafePointer(gathered.pointer), rows: vectors.count, columns: width,
            kernels: kernels)
        }
      }
      for cell in cellsOfDocument[document] {
        let rows = queries.rows[cells[cell].query]
        let similarities = AlignedBuffer(count: rows.count * vectors.count)
        if let packed {
          let gathered = AlignedBuffer(count: rows.count * width)
          gathered.gather(q, rows)
          withExtendedLifetime(gathered) {
            kernels.multiply(
              gathered.matrix(rows: rows.count, columns: width).view, packed,
              into: similarities.matrix(rows: rows.count, columns: vectors.count))
          }
        } else {
          for (i, row) in rows.enumerated() {
            for (j, vector) in vectors.enumerated() {
              similarities.pointer[i * vectors.count + j] =
                interaction.similarity == .dot
                ? kernels.dot(q.row(row), d.row(vector))
                : -kernels.distance(q.row(row), d.row(vector))
            }
          }
        }
        withExtendedLifetime(similarities) {
          body(
            cell,
            UnsafeMutableBufferPointer(
              start: similarities.pointer, count: rows.count * vectors.count))
        }
      }
    }
  }

  // MARK: Scores

  /// Memory for the score of a cell, its choices and weights.
  private struct CellLinks {
    var score: UnsafeMutablePointer<Float>
    var choices: UnsafeMutableBufferPointer<Int32>
    var weights: UnsafeMutableBufferPointer<Float>
  }

  /// Aggregates over the document's vectors, then over the query's.
  private func aggregate(
    _ cell: Int, _ similarities: UnsafeMutableBufferPointer<Float>, into links: CellLinks
  ) {
    let width = documents.rows[cells[cell].document].count
    let height = links.choices.count
    var best = 0
    var total: Float = 0
    for i in 0..<height {
      let row = UnsafeMutableBufferPointer(
        rebasing: similarities[i * width..<(i + 1) * width])
      for j in 0..<width where !matches(cell, i, j) { row[j] = 0 }
      let value: Float
      (value, links.choices[i], links.weights[i]) = aggregated(cell, i, row)
      if i == 0 || interaction.queryAggregation == .max && value > total {
        (best, total) = (i, value)
      } else if interaction.queryAggregation != .max {
        total += value
      }
    }
    switch interaction.queryAggregation {
    case .sum: links.score.pointee = total
    case .mean:
      links.score.pointee = height == 0 ? 0 : total / Float(height)
      for i in 0..<height { links.weights[i] /= Float(height) }
    case .max:
      links.score.pointee = height == 0 ? -.infinity : total
      for i in 0..<height where i != best { links.weights[i] = 0 }
    }
  }

  /// The similarities of one of the query's vectors as one number.
  private func aggregated(
    _ cell: Int, _ i: Int, _ row: UnsafeMutableBufferPointer<Float>
  ) -> (value: Float, choice: Int32, weight: Float) {
    switch interaction.docAggregation {
    case .max:
      guard var most = row.first else { return (-.infinity, Self.none, 0) }
      var choice = 0
      for j in row.indices where row[j] > most { (most, choice) = (row[j], j) }
      // The 0 of vectors that are not compared depends on nothing.
      return (most, matches(cell, i, choice) ? Int32(choice) : Self.none, 1)
    case .sum: return (row.reduce(0, +), Self.all, 1)
    case .mean:
      if row.isEmpty { return (0, Self.none, 0) }
      return (row.reduce(0, +) / Float(row.count), Self.all, 1 / Float(row.count))
    }
  }

  // MARK: Retrieval

  /// The least similarity that is retrieved, for each vector of each cell's query.
  private func thresholds(_ retrieval: TokenRetrieval, _ kept: [[Float]]) -> [[Float]] {
    func least(_ values: [Float]) -> Float {
      values.count <= retrieval.count
        ? -.infinity : values.sorted(by: >)[retrieval.count - 1]
    }
    var thresholds = [[Float]](repeating: [], count: count)
    switch retrieval.scope {
    case .query:
      for row in rows {
        let threshold = least(row.flatMap { kept[$0] })
        for cell in row {
          thresholds[cell] = .init(
            repeating: threshold, count: queries.rows[cells[cell].query].count)
        }
      }
    case .batch:
      let ofQuery = queries.rows.indices.map { query in
        let all = cellsOfQuery[query].filter { $0 >= count }
        return queries.rows[query].indices.map { i in
          least(
            all.flatMap { cell in
              let width = documents.rows[cells[cell].document].count
              return kept[cell][i * width..<(i + 1) * width]
            })
        }
      }
      for cell in 0..<count { thresholds[cell] = ofQuery[cells[cell].query] }
    }
    return thresholds
  }

  /// The mean of the maxima of what was retrieved, over the query's vectors that retrieved anything.
  private func retrieve(
    _ cell: Int, _ similarities: [Float], _ thresholds: [Float], into links: CellLinks
  ) {
    let width = documents.rows[cells[cell].document].count
    var total: Float = 0
    var found = 0
    for i in links.choices.indices {
      // What was not retrieved counts 0.
      let row = similarities[i * width..<(i + 1) * width]
      var most: Float = row.allSatisfy { $0 >= thresholds[i] } && width > 0 ? -.infinity : 0
      for (j, similarity) in row.enumerated()
      where similarity >= thresholds[i] && similarity > most {
        (most, links.choices[i]) = (similarity, Int32(j))
      }
      total += most
      if most > 0 { found += 1 }
    }
    let share = 1 / Float(max(found, 1))
    links.score.pointee = total * share
    for i in links.choices.indices where links.choices[i] != Self.none { links.weights[i] = share }
  }
}

extension InteractionRun.Links {
  /// Calls `body` with the memory of scores, choices and weights.
  fileprivate mutating func write(
    _ body: (
      UnsafeMutablePointer<Float>, UnsafeMutableBufferPointer<Int32>,
      UnsafeMutableBufferPointer<Float>
    ) -> Void
  ) {
    scores.withUnsafeMutableBufferPointer { scores in
      choices.withUnsafeMutableBufferPointer { choices in
        weights.withUnsafeMutableBufferPointer { weights in
          if let base = scores.baseAddress { body(base, choices, weights) }
        }
      }
    }
  }
}

extension AlignedBuffer {
  /// Copies rows of a matrix one behind the other.
  fileprivate func gather(_ x: Matrix, _ rows: [Int]) {
    for (i, row) in rows.enumerated() {
      (pointer + i * x.columns).update(from: x.buffer.pointer + row * x.columns, count: x.columns)
    }
  }
}
