import Failures
import Records

/// Which documents one judge prefers to which.
package enum PreferenceOrder: Sendable {
  /// All documents are compared: classes of equal level, best first, documents by number.
  case classes([(level: Double, documents: [Int])])
  /// Some are compared: a square matrix, and the level of each document, -1 for none.
  case partial(matrix: [Bool], levels: [Double])

  /// An order of documents with levels, best first.
  init(classes documents: [(number: Int, level: Double)], name: String) throws(Failure) {
    var classes: [(level: Double, documents: [Int])] = []
    var seen: Set<Int> = []
    for (number, level) in documents {
      if let last = classes.last, last.level == level, last.documents.last == number { continue }
      guard seen.insert(number).inserted else {
        throw .data(name, "expected one level for a document of a group, found two")
      }
      if classes.last?.level == level {
        classes[classes.count - 1].documents.append(number)
      } else {
        classes.append((level, [number]))
      }
    }
    self = .classes(classes)
  }

  /// An order of what follows from several groups, each best first.
  init(
    groups lines: [(number: Int, level: Double, group: RecordID)], documents: Int, name: String
  ) throws(Failure) {
    var matrix = [Bool](repeating: false, count: documents * documents)
    var levels = [Double](repeating: -1, count: documents)
    for (i, line) in lines.enumerated() {
      let known = levels[line.number]
      if (known > 0 && line.level == 0) || (known == 0 && line.level > 0) {
        throw .data(name, "expected level 0 for a document everywhere or nowhere, found both")
      }
      levels[line.number] = line.level
      for other in lines[(i + 1)...] {
        if other.group != line.group { break }
        if other.level < line.level { matrix[line.number * documents + other.number] = true }
      }
    }
    Self.close(&matrix, documents)
    for i in 0..<documents {
      for j in 0..<i where matrix[i * documents + j] && matrix[j * documents + i] {
        throw .data(name, "expected preferences without a circle, found one")
      }
      if matrix[i * documents + i] {
        throw .data(name, "expected preferences without a circle, found one")
      }
    }
    self = .partial(matrix: matrix, levels: levels)
  }

  /// Adds what follows: better than better is better (Warshall).
  private static func close(_ matrix: inout [Bool], _ n: Int) {
    for k in 0..<n {
      for i in 0..<n where matrix[i * n + k] {
        for j in 0..<n where matrix[k * n + j] { matrix[i * n + j] = true }
      }
    }
  }

  /// Calls `body` with each document that has a level.
  func forEachDocument(_ body: (_ document: Int, _ level: Double) -> Void) {
    switch self {
    case .classes(let classes):
      for (level, documents) in classes {
        for document in documents { body(document, level) }
      }
    case .partial(_, let levels):
      for (document, level) in levels.enumerated() where level >= 0 { body(document, level) }
    }
  }

  /// Calls `body` with each preference.
  func forEachPreference(_ body: (_ better: Int, _ worse: Int) -> Void) {
    switch self {
    case .classes(let classes):
      for (i, upper) in classes.enumerated() {
        for lower in classes[(i + 1)...] {
          for better in upper.documents {
            for worse in lower.documents { body(better, worse) }
          }
        }
      }
    case .partial(let matrix, let levels):
      let n = levels.count
      for i in 0..<n {
        for j in 0..<n where matrix[i * n + j] { body(i, j) }
      }
    }
  }
}
