import Clustering
import Kernels
import Testing
import Workers

@Suite struct KMeansTests {
  private func run(
    _ means: KMeans, _ points: Points, _ kernels: Kernels = Kernels(), threads: Int = 1
  ) -> KMeans.Outcome {
    points.withMatrix { means($0, kernels, WorkerPool(threads: threads)) }
  }

  /// Each centroid is the mean of the vectors that are nearest to it, and no round makes it worse.
  @Test(arguments: [4, 80]) func meansOfTheirVectors(dimension: Int) {
    let points = Points(500, dimension: dimension, centres: 12, seed: 9)
    let outcome = run(KMeans(12, rounds: 200, seed: 1), points)
    #expect(outcome.objectives.count > 2 && outcome.objectives.count < 200)
    for (before, after) in zip(outcome.objectives, outcome.objectives.dropFirst()) {
      #expect(after <= before * (1 + 1e-6))
    }
    let ids = nearest(points, outcome.centroids).ids
    var squares = 0.0
    for centroid in 0..<12 {
      let rows = ids.indices.filter { Int(ids[$0]) == centroid }
      #expect(!rows.isEmpty)
      for i in 0..<dimension {
        let mean = rows.reduce(0.0) { $0 + Double(points[$1][i]) } / Double(rows.count)
        let value = Double(outcome.centroids[centroid][centroid * dimension + i])
        #expect(abs(value - mean) < 1e-5)
        for row in rows {
          squares += (Double(points[row][i]) - mean) * (Double(points[row][i]) - mean)
        }
      }
    }
    #expect(abs(squares / 500 - (outcome.objectives.last ?? 0)) < 1e-4 * squares / 500)
  }

  /// Spherical: unit length, along the sum of the vectors whose product with it is the largest.
  @Test func directionsOfTheirVectors() {
    let points = Points(400, dimension: 20, centres: 8, seed: 10)
    let outcome = run(KMeans(8, nearness: .product, rounds: 200, seed: 1), points)
    let ids = nearest(points, outcome.centroids).ids
    for centroid in 0..<8 {
      var sum = [Double](repeating: 0, count: 20)
      for row in ids.indices where Int(ids[row]) == centroid {
        for i in 0..<20 { sum[i] += Double(points[row][i]) }
      }
      let length = sum.reduce(0) { $0 + $1 * $1 }.squareRoot()
      for (value, mean) in zip(outcome.centroids[centroid], sum) {
        #expect(abs(Double(value) - mean / length) < 1e-5)
      }
    }
    for (before, after) in zip(outcome.objectives, outcome.objectives.dropFirst()) {
      #expect(after >= before - 1e-6 * abs(before))
    }
  }

  /// Bits depend on the seed, and neither on threads nor on the instruction set.
  @Test func bitsOfThreadsAndInstructionSets() {
    let points = Points(700, dimension: 70, centres: 40, seed: 11)
    let means = KMeans(40, rounds: 6, sample: 12, seed: 2)
    let expected = run(means, points)
    for kernels in instances {
      for threads in [1, 2, 5] {
        let found = run(means, points, kernels, threads: threads)
        let areEqual = found.centroids.values == expected.centroids.values
        #expect(areEqual, "\(kernels.instructionSet.name), \(threads)")
        #expect(found.objectives == expected.objectives)
      }
    }
    var other = means
    other.seed = 3
    #expect(run(other, points).objectives != expected.objectives)
    // Of more vectors than are looked at, some are left out.
    other = means
    other.sample = 100
    #expect(run(other, points).objectives != expected.objectives)
  }

  /// Fewer different vectors than centroids, and as many vectors as centroids.
  @Test func groupsThatAreEmpty() {
    var points = Points(90, dimension: 6, centres: 1, seed: 12)
    for row in 5..<90 {
      points.values.replaceSubrange(row * 6..<(row + 1) * 6, with: points[row % 5])
    }
    for count in [5, 20, 90] {
      let outcome = run(KMeans(count, rounds: 60, seed: 4), points)
      let areFinite = outcome.centroids.values.allSatisfy { $0.isFinite }
      #expect(areFinite)
      #expect(Set(nearest(points, outcome.centroids).ids).count == 5)
      #expect((outcome.objectives.last ?? 1) < 1e-5)
    }
    let few = Points(7, dimension: 6, centres: 7, seed: 13)
    let outcome = run(KMeans(7, seed: 4), few)
    #expect(Set(nearest(few, outcome.centroids).ids).count == 7)
  }

  /// An empty group takes half of the largest one.
  @Test func halvesOfTheLargest() {
    var values: [Float] = [1, 1, 8, 8, 5, 5]
    VectorGroups([0, 2, 2, 2], count: 3).split(&values, 2)
    let (more, less): (Float, Float) = (1 + 1 / 1024, 1 - 1 / 1024)
    #expect(values == [1, 1, 5 * more, 5 * less, 5 * less, 5 * more])
  }

  /// No direction is longer than 1, and together they hold more than as many others.
  @Test func directions() throws {
    let points = Points(300, dimension: 64, centres: 30, seed: 14)
    let directions = try #require(
      points.withMatrix { PrincipalDirections($0, count: 16, Kernels()) })
    func row(_ index: Int) -> [Float] {
      Array(directions.rows[index * 64..<(index + 1) * 64])
    }
    for i in 0..<16 {
      for j in 0...i {
        let product = zip(row(i), row(j)).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
        #expect(i == j ? product < 1 && product > 0.999 : abs(product) < 1e-6)
      }
    }
    var (all, along) = (0.0, 0.0)
    for point in 0..<300 {
      all += points[point].reduce(0.0) { $0 + Double($1) * Double($1) }
      for i in 0..<16 {
        let product = zip(row(i), points[point]).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
        along += product * product
      }
    }
    #expect(along > 0.9 * all)
  }
}
