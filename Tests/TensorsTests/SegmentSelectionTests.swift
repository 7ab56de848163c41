import Tensors
import Testing

struct SegmentSelectionTests {
  /// The numbers of the wanted records, over segments of several lengths.
  private func picked(_ selection: SegmentSelection, _ segments: [Int]) -> [Int] {
    var selection = selection
    var first = 0
    var found: [Int] = []
    for count in segments {
      let range = selection.next(count)
      #expect(range.lowerBound >= 0 && range.upperBound <= count)
      found += range.map { first + $0 }
      first += count
    }
    return found
  }

  @Test func everyRangeIsPicked() {
    for segments in [[10], [3, 3, 4], [1, 0, 9], [0, 4, 0, 6]] {
      #expect(picked(SegmentSelection(), segments) == Array(0..<10))
      for start in 0...10 {
        for end in start...10 {
          #expect(picked(SegmentSelection(start..<end), segments) == Array(start..<end))
          for done in 0...3 {
            #expect(
              picked(SegmentSelection(start..<end, skipping: done), segments)
                == Array((start..<end).dropFirst(done)))
          }
        }
      }
      #expect(picked(SegmentSelection(skipping: 4), segments) == Array(4..<10))
    }
  }
}
