extension UnsafeMutableBufferPointer<Float> {
  /// Brings the largest numbers to the front, in no order.
  ///
  /// Source: Hoare's quickselect, with the median of three as the pivot.
  ///
  /// - Parameter count: How many, from 1 to all; no number is NaN.
  /// - Returns: The least of them.
  func bringForward(largest count: Int) -> Float {
    var (low, high) = (0, self.count - 1)
    let place = count - 1
    while low < high {
      let (a, b, c) = (self[low], self[(low + high) / 2], self[high])
      let pivot = Swift.max(Swift.min(a, b), Swift.min(Swift.max(a, b), c))
      var (left, right) = (low, high)
      while left <= right {
        while self[left] > pivot { left += 1 }
        while self[right] < pivot { right -= 1 }
        if left <= right {
          swapAt(left, right)
          left += 1
          right -= 1
        }
      }
      if place <= right {
        high = right
      } else if place >= left {
        low = left
      } else {
        break
      }
    }
    return self[place]
  }
}
