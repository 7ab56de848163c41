import Failures
import IndexFormat
import Streams
import Tensors

/// Documents that are added to an index that stands, or deleted from it, in one step.
package struct IndexChange {
  private let edit: IndexEdit
  private let type: any IndexType.Type
  private let work: IndexWork
  private let documents: SegmentedDocuments
  /// Documents to be deleted, by the number of their segment.
  private var deleted: [Int: Set<Int>] = [:]
  /// Documents to be deleted of segments that are joined, which leaves them out.
  private var leftOut: Int?

  /// Segments that an index has before an addition joins the last ones: a search takes its time for each.
  package static let most = 6

  /// - Parameters:
  ///   - edit: The index.
  ///   - type: Its type.
  ///   - work: What builds segments; the seed is the index's.
  /// - Throws: 65 where the ids of the index are damaged.
  package init(
    _ edit: IndexEdit, _ type: any IndexType.Type, _ work: IndexWork
  ) throws(Failure) {
    self.edit = edit
    self.type = type
    self.work = IndexWork(
      work.kernels, work.pool, memory: work.memory, seed: edit.index.manifest.seed)
    documents = SegmentedDocuments(
      try edit.index.segments.map { segment throws(Failure) in try DocumentTable(segment) })
  }

  /// Documents that are to be deleted so far.
  package var deletions: Int { deleted.values.reduce(leftOut ?? 0) { $0 + $1.count } }

  /// Notes that a document is to be deleted; false where the index does not hold it.
  @discardableResult
  package mutating func delete(_ id: [UInt8]) -> Bool {
    precondition(leftOut == nil, "documents are deleted before others are added")
    guard let ordinal = documents.ordinal(id) else { return false }
    let place = documents.place(of: ordinal)
    deleted[place.table, default: []].insert(place.ordinal)
    return true
  }

  /// What becomes of documents whose ids the index has already.
  package enum Repetition: Sendable {
    case refused
    /// The old ones are deleted.
    case replaced
  }

  /// What adding documents came to.
  package enum Outcome: Sendable, Equatable {
    case added(Int)
    /// The index has the very same segment already.
    case standing(Int)
  }

  /// Adds documents as a segment behind the others.
  ///
  /// - Parameters:
  ///   - input: The documents.
  ///   - repetition: What becomes of those that are there already.
  ///   - mayStand: Whether a segment that is there already is left as it is.
  ///   - reports: What is told meanwhile.
  /// - Returns: How many there are, and whether they were added.
  /// - Throws: 65 for damaged documents and ids that occur twice or are in the index already, 78 for
  ///   documents that do not go with the index's, 73 and 74 where files cannot be written.
  package mutating func append(
    _ input: DocumentInput, _ repetition: Repetition, mayStand: Bool = false,
    _ reports: IndexReports = IndexReports()
  ) throws(Failure) -> Outcome {
    let index = edit.index
    let arguments = try IndexArguments(
      [], type, .build, recorded: index.manifest.parameters, index.path)
    let writer = try IndexWriter(in: edit.workspace)
    try writer.keep(index.vocabulary())
    var builder = try type.builder(writer, index.manifest.source, arguments, work)
    try builder.adopt(from: index.segments[0])
    if (index.manifest.source.schema == nil) != input.isTexts {
      throw .config(
        input.operands.joined(separator: " "),
        "the index holds \(type.takes.words), found \(input.isTexts ? "texts" : "a tensor stream")")
    }
    var repeated: Failure?
    var isFirst = true
    var held: Set<Int> = []
    try input.forEachBlock(warn: reports.warn, skip: reports.skip, reading: reports.reading) {
      block, segment throws(Failure) in
      if isFirst, let segment {
        let source = try type.stored(
          IndexSource(.vectors(segment.schema), segment.description), arguments)
        let place = input.operands.joined(separator: " ")
        if let warning = try IndexAgreement.check(index, source, place) { reports.warn(warning) }
      }
      isFirst = false
      for number in 0..<block.count {
        try block.withID(number) { id throws(Failure) in
          guard let ordinal = documents.ordinal(Array(id)) else { return }
          if repetition == .replaced {
            held.insert(ordinal)
          } else if repeated == nil {
            repeated = Self.isThere(id, index.path)
          }
          if let repeated, !mayStand { throw repeated }
        }
      }
      try builder.append(block.stored(as: index.manifest.source, work.kernels))
      reports.count(block.count)
    }
    let content = try builder.finish()
    let segment = try writer.finishSegment()
    if mayStand, edit.has(segment) { return .standing(segment.documents) }
    if let repeated { throw repeated }
    guard content.codebook == index.manifest.codebook else {
      throw .data(index.path, "damaged: the codebook is not the one that the manifest names")
    }
    for ordinal in held {
      let place = documents.place(of: ordinal)
      deleted[place.table, default: []].insert(place.ordinal)
    }
    if segment.documents > 0 {
      if let warning = content.warning { reports.warn(warning) }
      try joinLast(arguments)
      edit.add(segment, content.statistics)
    }
    return .added(segment.documents)
  }

  private static func isThere(_ id: UnsafeRawBufferPointer, _ place: String) -> Failure {
    .data(
      place, "document \(String(decoding: id, as: UTF8.self)) is in the index already",
      hint: "lir-index replace puts new documents in the place of old ones")
  }

  /// Joins the last segments, where there are many: from the last one on as long as the next is at most
  /// twice as large as all of them, so that a document is written as often as the logarithm of their
  /// number says.
  private mutating func joinLast(_ arguments: IndexArguments) throws(Failure) {
    let index = edit.index
    guard index.segments.count >= Self.most else { return }
    let segments = index.segments.enumerated().map { number, segment in
      deleted[number].map { segment.without($0) } ?? segment
    }
    var (first, live) = (segments.count, 0)
    while first > 0, live == 0 || segments[first - 1].liveDocuments <= 2 * live {
      first -= 1
      live += segments[first].liveDocuments
    }
    let last = segments[first...]
    guard last.count > 1, last.allSatisfy({ type.joins($0) }) else { return }
    let writer = try IndexWriter(in: edit.workspace)
    try writer.keep(index.vocabulary())
    var builder = try type.builder(writer, index.manifest.source, arguments, work)
    try builder.adopt(from: index.segments[0])
    for segment in last { try builder.append(contentsOf: segment) }
    let content = try builder.finish()
    edit.join(from: first, as: try writer.finishSegment(), content.statistics)
    leftOut = (first..<segments.count).reduce(0) { sum, number in
      sum + (deleted.removeValue(forKey: number)?.count ?? 0)
    }
  }

  /// Writes what is to be known of deleted documents, and puts the changed index in its place.
  ///
  /// - Parameter by: JSON of what made the index; nil to leave it out.
  /// - Returns: The documents that there are now.
  /// - Throws: As `IndexEdit.commit` does, and what describing deleted documents throws.
  package func commit(by: String?) throws(Failure) -> Int {
    for (number, ordinals) in deleted.sorted(by: { $0.key < $1.key }) {
      let segment = edit.index.segments[number].without(ordinals)
      // What is left without a document is dropped.
      let type = type
      try edit.delete(from: number, to: segment) { segment, files throws(Failure) in
        try type.describeDeleted(of: segment, files)
      }
    }
    return try edit.commit(by: by)
  }
}

/// What is told of documents while they are read.
package struct IndexReports {
  /// Called with warnings.
  package var warn: (String) -> Void
  /// Called with the number of documents that were added since the last call.
  package var count: (Int) -> Void
  /// Called with the number of records that were passed over since the last call.
  package var skip: (Int) -> Void
  /// Called before each block with what tells how far reading is.
  package var reading: (() -> InputExtent) -> Void

  package init(
    warn: @escaping (String) -> Void = { _ in }, count: @escaping (Int) -> Void = { _ in },
    skip: @escaping (Int) -> Void = { _ in },
    reading: @escaping (() -> InputExtent) -> Void = { _ in }
  ) {
    self.warn = warn
    self.count = count
    self.skip = skip
    self.reading = reading
  }
}
