import Kernels
import Testing

/// Products of a query with coded sparse documents, against one entry after the other.
@Suite struct ForwardTests {
  private struct Document {
    var scale: Float
    var terms: [Int]
    var codes: [UInt8]

    func product(_ table: [Int16]) -> Int {
      zip(terms, codes).reduce(0) { sum, entry in
        let code = scale.sign == .minus ? Int(Int8(bitPattern: entry.1)) : Int(entry.1)
        return sum + Int(table[entry.0]) * code
      }
    }
  }

  private static func bytes(_ number: some FixedWidthInteger, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
  }

  @Test(arguments: InstructionSet.supported, [40, 65536, 65537, 200_000])
  func productsAreThoseOfTheDefinition(isa: InstructionSet, terms: Int) throws {
    var random = CounterRandom(seed: 3)
    // Lengths around the width of a register, and more documents than are fetched ahead.
    let documents = (0..<60).map { index in
      let count = [0, 1, 7, 8, 9, 16, 31, 300][index % 8]
      return Document(
        scale: index % 3 == 0 ? -1.5 : Float(index),
        terms: (0..<count).map { _ in Int(random.next() % UInt64(terms)) },
        codes: (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) })
    }
    let width = terms > 65536 ? 4 : 2
    var (offsets, records): ([UInt8], [UInt8]) = (Self.bytes(0, 8), [])
    var total = 0
    for document in documents {
      records += Self.bytes(document.scale.bitPattern, 4)
      for term in document.terms { records += Self.bytes(term, width) }
      records += document.codes
      total += document.terms.count
      offsets += Self.bytes(total, 8)
    }
    let weights = (0..<terms).map { _ in
      Int16(truncatingIfNeeded: Int(random.next() % 65535) - 32767)
    }
    let order = (0..<100).map { _ in Int32(random.next() % UInt64(documents.count)) }
    try offsets.withUnsafeBytes { offsets in
      try records.withUnsafeBytes { records in
        let forward = try #require(
          ForwardRecords(
            offsets: offsets, records: records, count: documents.count, terms: terms))
        var table = [UInt32](repeating: 0, count: forward.tableSize)
        for (term, weight) in weights.enumerated() {
          table[term] = UInt32(UInt16(bitPattern: weight))
        }
        var sums = [Int32](repeating: 7, count: order.count)
        var scales = [Float](repeating: 7, count: order.count)
        order.withUnsafeBufferPointer {
          Kernels(isa).forwardSums(forward, of: $0, table, &sums, &scales)
        }
        for (place, document) in order.enumerated() {
          let document = documents[Int(document)]
          #expect(Int(sums[place]) == document.product(weights))
          #expect(scales[place] == document.scale.magnitude)
        }
        #expect(
          ForwardRecords(
            offsets: offsets, records: records, count: documents.count - 1, terms: terms) == nil)
      }
    }
  }
}
