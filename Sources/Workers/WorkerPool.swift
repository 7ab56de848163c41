import Failures
import Glibc
import Synchronization

/// The one thread pool of a tool: a loop's indices are handed out one at a time, in order, to
/// whoever is free, so that a slow processor delays nothing but its own index.
///
/// Results must not depend on which worker ran an index; then they do not depend on the number of
/// threads either.
package final class WorkerPool: Sendable {
  /// Threads that work at once, the caller's among them.
  package let threads: Int
  private let shared: Shared

  /// - Parameter threads: At least 1. Helper threads start with the first loop that needs them.
  package init(threads: Int) {
    precondition(threads >= 1, "worker pool: \(threads) threads")
    self.threads = threads
    shared = Shared()
  }

  deinit { shared.stop() }

  /// Runs `body(index, worker)` for every index in `0..<count`, `worker` being in `0..<threads`.
  ///
  /// One loop at a time: a body starts no loop of the same pool.
  ///
  /// - Throws: Where bodies fail, the failure of the lowest index, once all running ones are done.
  package func forEach(
    _ count: Int,
    _ body: @escaping @Sendable (_ index: Int, _ worker: Int) throws(Failure) -> Void
  ) throws(Failure) {
    if threads == 1 || count <= 1 {
      for index in 0..<count { try body(index, 0) }
      return
    }
    shared.start(helpers: threads - 1)
    let loop = Loop(count: count, body: body)
    shared.run(loop)
    if let failure = loop.failure { throw failure }
  }
}

extension WorkerPool {
  /// Runs `body(index, worker)` for every index in `0..<count`, where bodies cannot fail and write
  /// nothing but what belongs to their index or worker: that alone makes it safe to call them on
  /// several threads, and nobody checks it.
  package func forEachUnchecked(_ count: Int, _ body: (_ index: Int, _ worker: Int) -> Void) {
    withoutActuallyEscaping(body) { body in
      let shared = SharedBody(run: body)
      do throws(Failure) {
        try forEach(count) { index, worker in shared.run(index, worker) }
      } catch {
        preconditionFailure("a loop that cannot fail failed: \(error)")
      }
    }
  }
}

/// A loop's body on its way to the threads.
///
/// Unchecked: the body is a constant, and `forEachUnchecked` says what makes it safe to call; it does
/// not outlive that function, for no thread holds anything of a loop that has ended.
private struct SharedBody: @unchecked Sendable {
  let run: (Int, Int) -> Void
}

/// Slots that workers fill, each once.
///
/// Unchecked: the array of slots stays where it is. A slot is written by the one worker that was given
/// its index, and taken by whoever ran the loop after it has ended, which the pool's lock orders.
package final class Results<Value: Sendable>: @unchecked Sendable {
  private let slots: UnsafeMutablePointer<Value?>
  private let count: Int

  package init(_ count: Int) {
    self.count = count
    slots = .allocate(capacity: count)
    slots.initialize(repeating: nil, count: count)
  }

  deinit {
    slots.deinitialize(count: count)
    slots.deallocate()
  }

  package func set(_ index: Int, _ value: Value) {
    precondition(index >= 0 && index < count, "slot \(index) of \(count)")
    slots[index] = value
  }

  package func take(_ index: Int) -> Value {
    guard let value = slots[index].take() else {
      preconditionFailure("slot \(index) was not filled, or was taken")
    }
    return value
  }
}

/// One parallel loop.
private final class Loop: Sendable {
  let count: Int
  let body: @Sendable (Int, Int) throws(Failure) -> Void
  let next = Atomic<Int>(0)
  private let failed = Mutex<(index: Int, failure: Failure)?>(nil)

  init(count: Int, body: @escaping @Sendable (Int, Int) throws(Failure) -> Void) {
    self.count = count
    self.body = body
  }

  var failure: Failure? { failed.withLock { $0?.failure } }

  /// Takes indices until none is left.
  func work(as worker: Int) {
    while true {
      let index = next.add(1, ordering: .relaxed).oldValue
      if index >= count { return }
      do throws(Failure) {
        try body(index, worker)
      } catch {
        failed.withLock { current in
          if current.map({ index < $0.index }) ?? true { current = (index, error) }
        }
        // Later indices are not started; earlier ones are already running or done.
        next.store(count, ordering: .relaxed)
      }
    }
  }
}

/// What the threads share.
///
/// Unchecked: every variable is read and written under `mutex` alone; the three pointers are constants.
private final class Shared: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let wake = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private let done = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var loop: Loop?
  private var generation = 0
  private var running = 0
  private var helpers = 0
  private var stopping = false

  init() {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(wake, nil)
    pthread_cond_init(done, nil)
  }

  deinit {
    mutex.deallocate()
    wake.deallocate()
    done.deallocate()
  }

  func start(helpers wanted: Int) {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while helpers < wanted {
      helpers += 1
      let worker = helpers
      Self.spawn { self.serve(worker) }
    }
  }

  func stop() {
    pthread_mutex_lock(mutex)
    stopping = true
    pthread_cond_broadcast(wake)
    pthread_mutex_unlock(mutex)
  }

  /// Runs a loop on all threads, the caller's as worker 0, and returns when it has ended.
  func run(_ loop: Loop) {
    pthread_mutex_lock(mutex)
    precondition(self.loop == nil, "a loop of a pool within another one")
    self.loop = loop
    generation += 1
    running = helpers
    pthread_cond_broadcast(wake)
    pthread_mutex_unlock(mutex)
    loop.work(as: 0)
    pthread_mutex_lock(mutex)
    while running > 0 { pthread_cond_wait(done, mutex) }
    self.loop = nil
    pthread_mutex_unlock(mutex)
  }

  private func serve(_ worker: Int) {
    var seen = 0
    while true {
      pthread_mutex_lock(mutex)
      while !stopping && (generation == seen || loop == nil) { pthread_cond_wait(wake, mutex) }
      if stopping {
        pthread_mutex_unlock(mutex)
        return
      }
      seen = generation
      pthread_mutex_unlock(mutex)
      work(as: worker)
      pthread_mutex_lock(mutex)
      running -= 1
      if running == 0 { pthread_cond_signal(done) }
      pthread_mutex_unlock(mutex)
    }
  }

  /// Takes part in the current loop, and holds nothing of it any more on return: only then may it
  /// count as ended, because its body may belong to a caller who returns.
  @inline(never)
  private func work(as worker: Int) {
    pthread_mutex_lock(mutex)
    let current = loop
    pthread_mutex_unlock(mutex)
    current?.work(as: worker)
  }

  private static func spawn(_ body: @escaping @Sendable () -> Void) {
    final class Box: Sendable {
      let body: @Sendable () -> Void
      init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    pthread_attr_setstacksize(&attributes, 8 << 20)
    var thread = pthread_t()
    let status = pthread_create(
      &thread, &attributes,
      { argument in
        guard let argument else { return nil }
        Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body()
        return nil
      }, Unmanaged.passRetained(Box(body)).toOpaque())
    precondition(status == 0, "cannot start a thread: error \(status)")
    pthread_attr_destroy(&attributes)
  }
}
