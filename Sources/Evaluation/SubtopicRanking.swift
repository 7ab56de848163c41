import Records

/// What measures of diversity see of one query: which subtopics (intents) documents are about.
struct SubtopicRanking: Sendable {
  /// A document's grades, a subtopic each.
  typealias Grades = ArraySlice<Qrels.SubtopicGrade>

  /// The places, ascending, of ranked documents that are judged, and their grades.
  private(set) var ranked: [(place: Int, grades: Grades)]
  /// The grades of all judged documents, by document id.
  let judged: [Grades]

  init(_ qrels: Qrels, _ judgements: Range<Int>, pool: [Int], found: [Int]) {
    ranked = zip(pool, found).map { ($0, qrels.subtopicGrades($1)) }
    judged = judgements.map { qrels.subtopicGrades($0) }
  }

  /// The documents at other places.
  func moved(_ target: (Int) -> Int) -> SubtopicRanking {
    var copy = self
    copy.ranked = ranked.map { (target($0.place), $0.grades) }.sorted { $0.0 < $1.0 }
    return copy
  }
}

/// One query's documents by the subtopics that they are relevant for, which are numbered from 0.
struct SubtopicRelevance {
  /// The places of ranked documents that are relevant for some subtopic, and those.
  let ranked: [(place: Int, subtopics: [Int])]
  /// The subtopics of the judged documents, by document id.
  let judged: [[Int]]
  /// How many documents are relevant for each subtopic.
  let relevant: [Int]
  /// Number of subtopics that any document is relevant for.
  var count: Int { relevant.count }

  /// What counts as relevant from grade `level` on.
  init(_ ranking: JudgedRanking, _ level: Int) {
    var numbers: [Int: Int] = [:]
    var relevant: [Int] = []
    let all = ranking.subtopics?.judged.map { Self.relevant($0, level) } ?? []
    for subtopic in Set(all.joined()).sorted() { numbers[subtopic] = numbers.count }
    relevant = [Int](repeating: 0, count: numbers.count)
    judged = all.map { subtopics in subtopics.map { numbers[$0] ?? 0 } }
    for subtopic in judged.joined() { relevant[subtopic] += 1 }
    self.relevant = relevant
    ranked = (ranking.subtopics?.ranked ?? []).compactMap { place, grades in
      let subtopics = Self.relevant(grades, level).map { numbers[$0] ?? 0 }
      return subtopics.isEmpty ? nil : (place, subtopics)
    }
  }

  /// The subtopics that grades make a document relevant for, in the order of their numbers.
  private static func relevant(_ grades: SubtopicRanking.Grades, _ level: Int) -> [Int] {
    grades.filter { $0.grade >= level }.map(\.subtopic).sorted()
  }

  /// For each subtopic, for each place of `length`, whether the document there is relevant for it.
  func table(_ length: Int) -> [[Bool]] {
    var table = [[Bool]](repeating: [Bool](repeating: false, count: length), count: count)
    for (place, subtopics) in ranked {
      for subtopic in subtopics { table[subtopic][place] = true }
    }
    return table
  }
}
