import KernelReference
import Kernels
import Testing

/// Codes of a vertex's neighbours, and estimates of a query's distances of them.
@Suite struct NeighbourTests {
  @Test(arguments: [64, 128, 384, 4160], [1, 31, 32])
  func codesAndEstimatesOfTheDefinition(width: Int, count: Int) {
    let rows = (0..<40).map { Sample.uniform(width, stream: UInt64($0)) }
    // One neighbour is the vertex itself: there is nothing to estimate.
    let places = (0..<count).map { (i: Int) -> Int32 in i == 3 ? 7 : Int32((i * 11 + 5) % 40) }
    let vertex = rows[7]
    var random = CounterRandom(seed: UInt64(width + count))
    var tables = [UInt8](repeating: 0, count: 4 * width)
    for place in tables.indices { tables[place] = UInt8(random.next() % 64) }
    let step: Float = 0.37, base: Float = -11.5, distance: Float = 3.25
    for kernels in instances {
      var block = [UInt8](repeating: 9, count: NeighbourCodes.size(width: width))
      var out = [Float](repeating: .nan, count: 32)
      var near: UInt32 = 0
      vertex.withUnsafeBufferPointer { vertex in
        rows.flatMap { $0 }.withUnsafeBufferPointer { rows in
          block.withUnsafeMutableBufferPointer { block in
            tables.withUnsafeBufferPointer { tables in
              guard let vertex = vertex.baseAddress, let rows = rows.baseAddress,
                let block = block.baseAddress, let tables = tables.baseAddress
              else { return }
              kernels.codeNeighbours(count, width: width, of: vertex, rows, at: places, into: block)
              kernels.estimate(
                blocks: 1, width: width, rows: block, tables: tables, step: step, base: base,
                distance: distance, limit: distance, into: &out, near: &near)
            }
          }
        }
      }
      for i in 0..<32 {
        let known =
          i < count
          ? Reference.neighbour(rows[Int(places[i])], of: vertex)
          : ([Bool](repeating: false, count: width), 0, 0)
        let signs = (0..<width).map { block[32 * ($0 / 8) + i] >> ($0 % 8) & 1 == 1 }
        #expect(signs == known.0, "\(kernels.instructionSet.name), neighbour \(i)")
        let sum = (0..<width / 4).reduce(0) { sum, nibble in
          let code = (0..<4).reduce(0) { $0 | (signs[4 * nibble + $1] ? 1 << $1 : 0) }
          return sum + Int(tables[16 * nibble + code])
        }
        let product = known.1.addingProduct(known.2, base.addingProduct(Float(sum), step))
        #expect(out[i].bitPattern == (product + distance).bitPattern)
        #expect((near >> UInt32(i) & 1 == 1) == (out[i] <= distance))
      }
    }
  }

  /// For a neighbour itself the estimate is the distance, up to the rounding of sums.
  @Test func estimatesHaveNoBiasAlongTheDifference() {
    let (p, x) = (Sample.uniform(128, stream: 1), Sample.uniform(128, stream: 2))
    let known = Reference.neighbour(x, of: p)
    // The query is the neighbour itself.
    let signs = zip(known.signs, x).reduce(0.0) { $0 + ($1.0 ? 1 : -1) * Double($1.1) }
    let estimate =
      Double(Reference.squaredDistance(x, p)) + Double(known.offset) + Double(known.scale) * signs
    #expect(abs(estimate) < 1e-3)
  }

  @Test(arguments: [1, 3, 16, 33, 384], [0, 1, 3, 4, 9])
  func squaredDistances(width: Int, count: Int) {
    let rows = (0..<10).map { Sample.uniform(width, stream: UInt64($0)) }
    let vector = Sample.uniform(width, stream: 20)
    let places = (0..<count).map { Int32($0 * 7 % 10) }
    for kernels in instances {
      var out = [Float](repeating: .nan, count: count + 1)
      rows.flatMap { $0 }.withUnsafeBufferPointer { rows in
        guard let rows = rows.baseAddress else { return }
        kernels.squaredDistances(count, width: width, vector, rows, at: places, into: &out)
      }
      let expected = places.map { Reference.squaredDistance(vector, rows[Int($0)]) }
      #expect(Array(out.prefix(count)).bits == expected.bits)
      #expect(out[count].isNaN)
    }
  }

  /// Each product has the bits of one that is made alone.
  @Test(arguments: [1, 3, 16, 33, 384], [0, 1, 3, 4, 9])
  func products(width: Int, count: Int) {
    let rows = (0..<10).map { Sample.uniform(width, stream: UInt64($0)) }
    let vector = Sample.uniform(width, stream: 20)
    let places = (0..<count).map { Int32($0 * 7 % 10) }
    for kernels in instances {
      var out = [Float](repeating: .nan, count: count + 1)
      rows.flatMap { $0 }.withUnsafeBufferPointer { rows in
        guard let rows = rows.baseAddress else { return }
        kernels.products(count, width: width, vector, rows, at: places, into: &out)
      }
      let expected = places.map { Reference.dot(vector, rows[Int($0)]) }
      #expect(Array(out.prefix(count)).bits == expected.bits)
      #expect(out[count].isNaN)
    }
  }

  /// Products of a query and some rows have the bits of a product of matrices, whichever the rows.
  @Test(arguments: [1, 3, 16, 33, 384], [1, 5, 16, 17, 40])
  func productsOfOneQuery(width: Int, count: Int) {
    let rows = (0..<count).flatMap { Sample.uniform(width, stream: UInt64($0)) }
    let query = Sample.uniform(width, stream: 90)
    let all = Reference.multiply(
      rows, query, bias: nil, rows: count, outputs: 1, inputs: width)
    let places = (0..<count + 3).map { Int32($0 * 7 % count) }
    for kernels in instances {
      var out = [Float](repeating: .nan, count: count + 4)
      rows.withMatrix(rows: count, columns: width) { rows in
        kernels.multiply(query, rows, into: &out)
        #expect(Array(out.prefix(count)).bits == all.bits && out[count].isNaN)
        places.withUnsafeBufferPointer { kernels.multiply(query, rows, at: $0, into: &out) }
      }
      #expect(Array(out.prefix(count + 3)).bits == places.map { all[Int($0)] }.bits)
      #expect(out[count + 3].isNaN)
    }
  }

  /// Tables are what combinations of signs add beyond the least, rounded to steps.
  @Test(arguments: [64, 384], [Float(1), 1e-30, 0]) func tablesOfSigns(width: Int, size: Float) {
    let query = Sample.uniform(width, stream: 4).map { $0 * size }
    var sums: [Float] = []
    for nibble in 0..<width / 4 {
      let own = query[4 * nibble..<4 * nibble + 4]
      let least = own.reduce(0) { $0 + min($1, 0) }
      for code in 0..<16 {
        sums.append(
          own.enumerated().reduce(-2 * least) { sum, number in
            code >> number.offset & 1 == 1 ? sum + 2 * number.element : sum
          })
      }
    }
    let most = sums.max() ?? 0
    let expected = sums.map { sum -> UInt8 in
      most == 0 ? 0 : UInt8((max(0, sum) * (63 / most)).rounded(.toNearestOrEven))
    }
    for kernels in instances {
      var (room, tables) = (
        [Float](repeating: 0, count: 4 * width), [UInt8](repeating: 9, count: 4 * width)
      )
      let (step, base) = kernels.signTables(query, width: width, &room, into: &tables)
      #expect(tables == expected)
      #expect(step == most / 63 && base == -query.reduce(0) { $0 + abs($1) })
    }
  }

  /// The least keys are those that sorting finds, whatever was there before; of few numbers some are offered
  /// several times at once.
  @Test(arguments: [1, 2, 7, 40, 200], [300, 8]) func leastKeys(width: Int, numbers: Int) {
    let values = Sample.uniform(192, stream: 30).map { ($0 * 8).rounded() / 8 }
    let marks = (0..<300).map { UInt32($0 % 5) }
    let near = (0..<6).map { UInt32(truncatingIfNeeded: 0x9e37_79b9 &* ($0 + 1)) }
    func key(_ value: Float, _ name: Int32) -> UInt64 {
      let bits = value.bitPattern
      let ordered = value.sign == .plus ? bits | 0x8000_0000 : ~bits
      return UInt64(ordered) << 32 | UInt64(name) << 1
    }
    for kernels in instances {
      for isChosen in [false, true] {
        var expected: [UInt64] = []
        var room = [UInt64](repeating: .max, count: width + 1)
        marks.withUnsafeBufferPointer { marked in
          room.withUnsafeMutableBufferPointer { room in
            var keys = LeastKeys(
              room.baseAddress.unsafelyUnwrapped, width: width,
              marks: isChosen ? marked.baseAddress : nil, mark: 3)
            for turn in 0..<3 {
              let names = (0..<192).map { Int32(($0 * 77 + turn * 100) % numbers) }
              let turned = (0..<192).map { values[($0 + turn) % 192] }
              let before = expected
              for i in 0..<192
              where !isChosen
                || near[i / 32] >> UInt32(i % 32) & 1 == 1
                  && marks[Int(names[i])] != 3
              {
                expected.append(key(turned[i], names[i]))
              }
              expected = Array(expected.sorted().prefix(width))
              keys.first = keys.count
              kernels.offer(192, turned, names, near: isChosen ? near : nil, to: &keys)
              #expect(Array(room[..<keys.count]) == expected)
              let first = zip(before, expected).enumerated().first { $1.0 != $1.1 }?.offset
              #expect(keys.first <= first ?? before.count)
              #expect(expected[..<keys.first] == before[..<keys.first])
            }
            #expect(room[width] == .max)
          }
        }
      }
    }
  }

  @Test(arguments: [64, 128, 192, 384, 448, 1024])
  func rotations(width: Int) {
    let vector = Sample.uniform(width, stream: 3)
    let signs = Sample.uniform(4 * width, stream: 4).map { $0 < 0 ? -1 : Float(1) }
    let expected = Reference.rotate(vector, signs: signs, rounds: 4)
    for kernels in instances {
      var x = vector
      x.withUnsafeMutableBufferPointer { kernels.rotate($0, signs: signs, rounds: 4) }
      #expect(x.bits == expected.bits)
    }
    // Lengths stay what they are.
    let lengths = (Reference.dot(vector, vector), Reference.dot(expected, expected))
    #expect(abs(lengths.0 - lengths.1) < 1e-4 * lengths.0)
  }
}
