import Kernels
import Testing

/// Sums of coded impacts, against one posting after the other.
@Suite struct ImpactTests {
  private static func bytes(_ places: [UInt16]) -> [UInt8] {
    places.flatMap { [UInt8($0 & 0xff), UInt8($0 >> 8)] }
  }

  /// What a code adds, by the definition.
  private static func value(_ code: UInt8, _ scale: ImpactScale) -> Int {
    let product = (Int(code) - 1) * Int(scale.factor)
    return Int(scale.base) + Int((Double(product) / 512).rounded(.down))
  }

  @Test(arguments: InstructionSet.supported)
  func sumsAreThoseOfTheDefinition(isa: InstructionSet) {
    let kernels = Kernels(isa)
    let sums = ImpactSums()
    var random = CounterRandom(seed: 5)
    let scales = [
      ImpactScale(base: 1, factor: 0), ImpactScale(base: 300, factor: 700),
      ImpactScale(base: -5, factor: -32767), ImpactScale(base: .max, factor: 32767),
      ImpactScale(base: -1, factor: 1),
    ]
    for documents in [1, 15, 16, 17, 100, 4000, 1 << 16] {
      var expected = [Int](repeating: 0, count: documents)
      for (turn, scale) in scales.enumerated() {
        // A posting in so many documents, from 1 byte off the boundary on.
        let chosen = (0..<documents).filter { _ in random.next() % UInt64(turn + 1) == 0 }
        let codes = chosen.map { _ in UInt8(random.next() % 255) + 1 }
        for (place, code) in zip(chosen, codes) { expected[place] += Self.value(code, scale) }
        let places = [0] + Self.bytes(chosen.map { UInt16($0) })
        codes.withUnsafeBytes { codes in
          places.withUnsafeBytes { places in
            kernels.add(
              codes: codes, at: UnsafeRawBufferPointer(rebasing: places[1...]), scale, to: sums)
          }
        }
        var all = [UInt8](repeating: 0, count: documents)
        for (place, code) in zip(chosen, codes) {
          all[place] = code
          expected[place] += Self.value(code, scale)
        }
        all.withUnsafeBytes { kernels.add(codes: $0, scale, to: sums) }
      }
      let wrapped = expected.map { Int16(truncatingIfNeeded: $0) }
      // The last of them were not asked for yet.
      let range = documents / 3..<documents
      check(
        kernels, sums, range, threshold: 17, unsigned: false,
        range.filter { wrapped[$0] >= 17 }.map { ($0, wrapped[$0]) })
      check(
        kernels, sums, 0..<documents, threshold: 17, unsigned: true,
        (0..<range.lowerBound).filter { UInt16(bitPattern: wrapped[$0]) >= 17 }
          .map { ($0, wrapped[$0]) })
      check(
        kernels, sums, 0..<documents, threshold: .min, unsigned: false,
        (0..<documents).map { ($0, 0) })
    }
  }

  private func check(
    _ kernels: Kernels, _ sums: ImpactSums, _ range: Range<Int>, threshold: Int16, unsigned: Bool,
    _ expected: [(Int, Int16)]
  ) {
    kernels.take(range, from: threshold, unsigned: unsigned, sums)
    let found = (0..<sums.count).map { sums[$0] }
    #expect(found.map(\.place) == expected.map(\.0))
    #expect(found.map(\.sum) == expected.map(\.1))
  }
}
