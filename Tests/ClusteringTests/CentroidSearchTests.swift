import Clustering
import Kernels
import Testing
import Workers

@Suite struct CentroidSearchTests {
  /// What is found is what comparing all pairs finds, whatever the bounds.
  @Test(arguments: [1, 3, 63, 64, 100, 160], [Centroids.Nearness.distance, .product])
  func centroidsOfAllPairs(dimension: Int, nearness: Centroids.Nearness) {
    for (count, vectors) in [(1, 5), (70, 130), (300, 260)] {
      let points = Points(vectors, dimension: dimension, centres: 20, seed: UInt64(count))
      var values = Points(count, dimension: dimension, centres: 20, seed: 7).values
      // Some centroids are there twice, and one is a vector: the first of equal ones is found.
      for place in stride(from: 0, to: values.count - dimension, by: 3 * dimension) {
        values.replaceSubrange(
          place + dimension..<min(place + 2 * dimension, values.count),
          with: values[place..<min(place + dimension, values.count - dimension)])
      }
      values.replaceSubrange(values.count - dimension..<values.count, with: points[1])
      let centroids = Centroids(values, dimension: dimension, nearness: nearness)
      let expected = nearest(points, centroids)
      for kernels in instances {
        for threads in [1, 3] {
          let found = points.withMatrix {
            CentroidSearch(centroids, kernels).assign($0, WorkerPool(threads: threads))
          }
          #expect(found.centroids == expected.ids, "\(kernels.instructionSet.name), \(count)")
          #expect(found.scores.map(\.bitPattern) == expected.scores)
        }
      }
    }
  }

  /// Bounds hold where squares are lost, or are infinite, and where centroids are of many lengths.
  @Test(arguments: [1e-25, 1e-18, 1e-9, 1, 1e9, 1e18, 1e22] as [Float], [5, 96])
  func numbersOfAnySize(scale: Float, dimension: Int) {
    let points = Points(140, dimension: dimension, centres: 9, seed: 3, scale: scale)
    for length in [1e-20, 1e-3, 1, 1e12] as [Float] {
      var values = Points(90, dimension: dimension, centres: 9, seed: 3, scale: scale).values
      for place in 0..<dimension * 30 { values[place] *= length }
      values.replaceSubrange(0..<dimension, with: repeatElement(0, count: dimension))
      if !values.allSatisfy(\.isFinite) { continue }
      for nearness in [Centroids.Nearness.distance, .product] {
        let centroids = Centroids(values, dimension: dimension, nearness: nearness)
        let found = points.withMatrix {
          CentroidSearch(centroids, Kernels()).assign($0, WorkerPool(threads: 1))
        }
        let expected = nearest(points, centroids)
        #expect(found.centroids == expected.ids, "\(nearness), lengths by \(length)")
      }
    }
  }

  /// A guess changes nothing, be it right or wrong.
  @Test func guesses() {
    let points = Points(300, dimension: 80, centres: 30, seed: 5)
    let centroids = Centroids(
      Points(100, dimension: 80, centres: 30, seed: 6).values, dimension: 80, nearness: .distance)
    let search = CentroidSearch(centroids, Kernels())
    let pool = WorkerPool(threads: 1)
    let expected = points.withMatrix { search.assign($0, pool) }
    for guess in [expected.centroids, expected.centroids.map { ($0 + 41) % 100 }] {
      var (ids, scores) = (guess, [Float](repeating: 0, count: guess.count))
      points.withMatrix { search.assign($0, shortened: nil, pool, &ids, &scores) }
      #expect(ids == expected.centroids && scores == expected.scores)
    }
  }

  /// The product of short forms is never below the score, and most are below the best score.
  @Test func boundsOfScores() {
    let points = Points(200, dimension: 128, centres: 25, seed: 8)
    let centroids = Centroids(
      Points(100, dimension: 128, centres: 25, seed: 8).values, dimension: 128,
      nearness: .distance)
    let kernels = Kernels()
    points.withMatrix { rows in
      let form = ShortForm(rows, kernels)
      #expect(form.width == 35)
      let short = AlignedBuffer(count: 200 * form.width)
      let own = AlignedBuffer(count: 100 * form.width)
      form.shorten(vectors: rows, into: short.matrix(rows: 200, columns: form.width))
      form.shorten(centroids: centroids, into: own.matrix(rows: 100, columns: form.width))
      var excluded = 0
      for row in 0..<200 {
        let scores = (0..<100).map { centroid -> Double in
          var score = 0.0
          for (x, c) in zip(points[row], centroids[centroid]) { score += Double(x) * Double(c) }
          return score + Double(centroids.offsets[centroid])
        }
        let best = scores.max() ?? 0
        for (centroid, score) in scores.enumerated() {
          var bound = 0.0
          for i in 0..<form.width {
            bound +=
              Double(short.pointer[row * form.width + i])
              * Double(own.pointer[centroid * form.width + i])
          }
          #expect(bound >= score)
          if bound < best { excluded += 1 }
        }
      }
      #expect(excluded > 200 * 100 * 8 / 10)
    }
  }
}
