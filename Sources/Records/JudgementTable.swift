/// The judgements of one query, for many look-ups.
package struct JudgementTable: Sendable {
  private let qrels: Qrels
  private let judgements: Range<Int>
  /// Open addressing, linear probing; a slot holds a judgement's place in the query plus 1, or 0.
  private let slots: [UInt32]

  /// The judgements of a query.
  package init(_ qrels: Qrels, query: Int) {
    self.qrels = qrels
    judgements = qrels.judgements(of: query)
    var capacity = 16
    while capacity < judgements.count * 8 { capacity *= 2 }
    var slots = [UInt32](repeating: 0, count: capacity)
    for judgement in judgements {
      var slot = qrels.withDoc(judgement) { Int(IDHash.short($0)) } & (capacity - 1)
      while slots[slot] != 0 { slot = (slot + 1) & (capacity - 1) }
      slots[slot] = UInt32(judgement - judgements.lowerBound + 1)
    }
    self.slots = slots
  }

  /// The judgement of a document; nil if there is none.
  package func find(_ doc: UnsafeRawBufferPointer) -> Int? { find(IDHash.short(doc), doc) }

  /// Calls `body` with those of a run's entries whose documents are judged, and the judgements.
  @inline(__always)
  package func forEachMatch(
    _ run: Run, _ entries: Range<Int>, _ body: (_ entry: Int, _ judgement: Int) -> Void
  ) {
    slots.withUnsafeBufferPointer { slots in
      let mask = UInt32(slots.count - 1)
      run.forEachHash(entries) { entry, hash in
        // Few are judged, and most slots are free.
        if slots[Int(hash & mask)] == 0 { return }
        if let judgement = run.withDoc(entry, { find(hash, $0) }) { body(entry, judgement) }
      }
    }
  }

  /// The judgement of the document of a run's entry; nil if there is none.
  package func find(_ run: Run, entry: Int) -> Int? {
    run.withDoc(entry) { find(run.hash(entry), $0) }
  }

  @inline(__always)
  private func find(_ hash: UInt32, _ doc: UnsafeRawBufferPointer) -> Int? {
    var slot = Int(hash) & (slots.count - 1)
    while slots[slot] != 0 {
      let judgement = judgements.lowerBound + Int(slots[slot]) - 1
      if qrels.withDoc(judgement, { ByteOrder.compare($0, doc) == 0 }) { return judgement }
      slot = (slot + 1) & (slots.count - 1)
    }
    return nil
  }
}
