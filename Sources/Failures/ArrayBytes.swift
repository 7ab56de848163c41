extension Array where Element: BitwiseCopyable {
  /// Calls `body` with the bytes of the elements and lets its typed error through.
  ///
  /// The standard library's `withUnsafeBytes` erases the type of the error.
  @inlinable
  package func withBytes<Result, Problem: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Problem) -> Result
  ) throws(Problem) -> Result {
    try withUnsafeBufferPointer { elements throws(Problem) in
      try body(UnsafeRawBufferPointer(elements))
    }
  }
}

extension [UInt8] {
  /// As many bytes as `fill` says that it has put into memory, which has room for `capacity`.
  ///
  /// - Throws: What `fill` throws; the standard library's initializer erases the type of the error.
  @inlinable
  package init<Problem: Error>(
    atMost capacity: Int, filledBy fill: (UnsafeMutableRawBufferPointer) throws(Problem) -> Int
  ) throws(Problem) {
    var problem: Problem?
    self.init(unsafeUninitializedCapacity: capacity) { memory, count in
      do throws(Problem) {
        count = try fill(UnsafeMutableRawBufferPointer(memory))
      } catch { problem = error }
    }
    if let problem { throw problem }
  }
}
