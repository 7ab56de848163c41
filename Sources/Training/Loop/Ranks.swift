import Autograd
import Models

/// Processes that train one model together, each with a part of every batch.
///
/// All of them call the same functions in the same order.
package protocol Ranks: AnyObject {
  /// Number of this process, from 0.
  var rank: Int { get }
  /// Number of processes.
  var count: Int { get }

  /// Values of every process, in the order of the processes.
  func gather(_ values: [Float]) -> [[Float]]

  /// Begins to put the sum of what every process has in the place of its own, the same bits for all
  /// of them; nothing else may begin before it is done.
  func beginSum(_ values: UnsafeMutableBufferPointer<Float>)

  /// Goes on with it as far as others have; whether it is done.
  func isSumDone(waiting: Bool) -> Bool

  /// Says that this process has done its part, and waits until all have; nothing may follow.
  func leave()
}

extension Ranks {
  /// Whether this process is the one that writes and talks.
  package var isFirst: Bool { rank == 0 }

  /// Goes on once all processes have come here.
  package func wait() { _ = gather([]) }

  /// Whether the flag is set in any process.
  package func any(_ flag: Bool) -> Bool { gather([flag ? 1 : 0]).contains { $0 != [0] } }
}

extension Ranks {
  private func gather(_ values: [Int]) -> [[Int]] {
    // Numbers of rows and tokens are far below 2³², which two numbers hold exactly.
    gather(values.flatMap { [Float($0 >> 16), Float($0 & 0xFFFF)] }).map { all in
      stride(from: 0, to: all.count, by: 2).map { Int(all[$0]) << 16 | Int(all[$0 + 1]) }
    }
  }

  /// The targets of all processes, which have as many documents a query.
  func gather(_ targets: ScoreTable) -> ScoreTable {
    let values = gather(targets.values).flatMap { $0 }
    return ScoreTable(
      queries: values.count / targets.documents, documents: targets.documents, values: values)
  }

  /// The vectors of all processes, and where the rows of this one's begin in each part.
  func gather(
    _ own: TextVectors<Matrix>, on tape: Tape
  ) -> (vectors: TextVectors<Matrix>, firstRows: [Int]) {
    var firstRows: [Int] = []
    // A process without texts knows neither how many parts there are nor how wide they are.
    let widths = gather(own.parts.map(\.vectors.columns)).max { $0.count < $1.count } ?? []
    let perRank = widths.enumerated().map { index, columns in
      let part = own.parts.isEmpty ? nil : own.parts[index]
      let matrices = gather(part.map { Array($0.vectors.elements) } ?? []).map {
        tape.matrix($0, rows: $0.count / columns, columns: columns)
      }
      firstRows.append(matrices[..<rank].reduce(0) { $0 + $1.rows })
      return zip(matrices, gather(part?.groups ?? VectorGroups(texts: 0))).map {
        TextVectors<Matrix>.Part(vectors: $0, groups: $1)
      }
    }
    let all = (0..<count).map { rank in TextVectors(perRank.map { $0[rank] }) }
    return (TextVectors(joining: all, on: tape), firstRows)
  }

  private func gather(_ groups: VectorGroups) -> [VectorGroups] {
    let counts = gather(groups.rows.map(\.count))
    let rows = gather(groups.rows.flatMap { $0 })
    let tokens = gather(groups.tokens.flatMap { $0.map { Int($0) } })
    return (0..<count).map { rank in
      var (first, groups): (Int, [Range<Int>]) = (0, [])
      for count in counts[rank] {
        groups.append(first..<first + count)
        first += count
      }
      return VectorGroups(
        rows: groups.map { Array(rows[rank][$0]) },
        tokens: tokens[rank].isEmpty
          ? [] : groups.map { tokens[rank][$0].map { Int32($0) } })
    }
  }
}
