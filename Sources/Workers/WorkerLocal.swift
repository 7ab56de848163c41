/// One value a worker, for scratch memory that is not shared.
///
/// Unchecked: the array of values stays where it is. The pool gives a worker's number to one thread at
/// a time, a value is reached through its worker's number only, and the end of a loop comes before
/// the start of the next one.
package final class WorkerLocal<Value>: @unchecked Sendable {
  private let values: UnsafeMutablePointer<Value>
  private let count: Int

  package init(_ pool: WorkerPool, _ make: () -> Value) {
    count = pool.threads
    values = .allocate(capacity: count)
    for i in 0..<count { (values + i).initialize(to: make()) }
  }

  deinit {
    values.deinitialize(count: count)
    values.deallocate()
  }

  /// Calls `body` with the value of a worker.
  package func with<R, E: Error>(
    _ worker: Int, _ body: (inout Value) throws(E) -> R
  ) throws(E) -> R {
    precondition(worker >= 0 && worker < count, "worker \(worker) of \(count)")
    return try body(&values[worker])
  }
}
