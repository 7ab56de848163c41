import Failures
import Records

/// How many preferences a ranking fulfils.
///
/// Documents of preferences have numbers: retrieved ones by rank, then the others by id. The
/// ranking fulfils a preference for a document with a smaller number.
package struct PreferenceCounts: Sendable {
  /// Counts of one judge.
  struct Judge: Sendable {
    /// Fulfilled ones between two retrieved documents, and all of them.
    var fulfilledRetrieved = 0
    var possibleRetrieved = 0
    /// Fulfilled ones between a retrieved document and one that was not, and all of them.
    var fulfilledImplied = 0
    var possibleImplied = 0
    /// Those where none was retrieved.
    var absent = 0
    /// Documents with a level above 0 and with level 0, retrieved or not.
    var relevant = 0
    var nonRelevant = 0
    var relevantRetrieved = 0
    var nonRelevantRetrieved = 0
    /// What the judge prefers.
    var order: PreferenceOrder

    /// Counts a preference for document `better` over `worse`.
    mutating func count(_ better: Int, over worse: Int, retrieved: Int) {
      let isFulfilled = better < worse
      switch (better < retrieved, worse < retrieved) {
      case (true, true):
        possibleRetrieved += 1
        if isFulfilled { fulfilledRetrieved += 1 }
      case (false, false): absent += 1
      default:
        possibleImplied += 1
        if isFulfilled { fulfilledImplied += 1 }
      }
    }

    /// Counts a document.
    mutating func count(level: Double, isRetrieved: Bool) {
      if level > 0 {
        relevant += 1
        if isRetrieved { relevantRetrieved += 1 }
      } else {
        nonRelevant += 1
        if isRetrieved { nonRelevantRetrieved += 1 }
      }
    }
  }

  /// Counts of each judge, in the order of their names.
  private(set) var judges: [Judge] = []
  /// How many documents the preferences name.
  let documents: Int
  /// How many of them were retrieved; these have the smallest numbers.
  let retrieved: Int
  /// How many judges prefer one document to another: `better * documents + worse`.
  private(set) var judgesFor: [UInt16]

  /// Counts the preferences in the lines of a query.
  ///
  /// The ranking is the documents of the run, best first.
  /// - Throws: 65 where a judge contradicts himself.
  init(_ lines: [Preferences.Line], ranking: [RecordID], name: String) throws(Failure) {
    let (numbers, retrieved) = Self.number(lines, ranking)
    self.retrieved = retrieved
    documents = numbers.count
    judgesFor = [UInt16](repeating: 0, count: numbers.count * numbers.count)
    let sorted = lines.map { ($0, numbers[$0.doc] ?? 0) }.sorted { left, right in
      let (l, r) = (left.0, right.0)
      if l.judge != r.judge { return l.judge < r.judge }
      if l.group != r.group { return l.group < r.group }
      return l.level != r.level ? l.level > r.level : left.1 < right.1
    }
    var start = 0
    while start < sorted.count {
      let judge = sorted[start].0.judge
      let end = sorted[start...].firstIndex { $0.0.judge != judge } ?? sorted.count
      let part = sorted[start..<end]
      let order =
        part.last?.0.group == part.first?.0.group
        ? try PreferenceOrder(classes: part.map { ($0.1, $0.0.level) }, name: name)
        : try PreferenceOrder(
          groups: part.map { ($0.1, $0.0.level, $0.0.group) }, documents: documents, name: name)
      add(order)
      start = end
    }
  }

  /// Numbers the documents: retrieved ones by rank, then the others by id.
  private static func number(
    _ lines: [Preferences.Line], _ ranking: [RecordID]
  ) -> (numbers: [RecordID: Int], retrieved: Int) {
    let judged = Set(lines.map(\.doc))
    var numbers: [RecordID: Int] = [:]
    for doc in ranking where judged.contains(doc) { numbers[doc] = numbers.count }
    let retrieved = numbers.count
    for doc in judged.sorted() where numbers[doc] == nil { numbers[doc] = numbers.count }
    return (numbers, retrieved)
  }

  private mutating func add(_ order: PreferenceOrder) {
    var judge = Judge(order: order)
    order.forEachDocument { document, level in
      judge.count(level: level, isRetrieved: document < retrieved)
    }
    order.forEachPreference { better, worse in
      judge.count(better, over: worse, retrieved: retrieved)
      judgesFor[better * documents + worse] &+= 1
    }
    judges.append(judge)
  }
}
