#if MPI
  import CMPI
  import Failures
  import Glibc
  import Training

  /// Processes that talk by MPI.
  ///
  /// Errors of MPI end the job, with MPI's message: without one of the processes, no other can go on.
  package final class MPIRanks: Ranks {
    package let rank: Int
    package let count: Int
    private let world = cmpi_world()

    private let sum: OrderedSum

    init() throws(Failure) {
      guard MPI_Init(nil, nil) == MPI_SUCCESS else {
        throw Failure(.io, "MPI does not start")
      }
      var (rank, count): (Int32, Int32) = (0, 0)
      MPI_Comm_rank(world, &rank)
      MPI_Comm_size(world, &count)
      self.rank = Int(rank)
      self.count = Int(count)
      sum = OrderedSum(rank: self.rank, count: self.count)
      // The others wait for what this process will not send.
      on_exit(
        { status, _ in
          var isOver: Int32 = 0
          MPI_Finalized(&isOver)
          if isOver == 0 { MPI_Abort(cmpi_world(), status == 0 ? 1 : status) }
        }, nil)
    }

    /// Name and version, `Open MPI v4.1.4`.
    package static var library: String {
      let capacity = Int(MPI_MAX_LIBRARY_VERSION_STRING)
      let text = [UInt8](unsafeUninitializedCapacity: capacity) { text, count in
        var length: Int32 = 0
        text.withMemoryRebound(to: CChar.self) {
          _ = MPI_Get_library_version($0.baseAddress, &length)
        }
        count = Int(length)
      }
      // What follows says how it was built.
      return String(decoding: text.prefix { $0 != UInt8(ascii: ",") && $0 >= 0x20 }, as: UTF8.self)
    }

    package func leave() { MPI_Finalize() }

    package func gather(_ values: [Float]) -> [[Float]] {
      var own = Self.number(values.count)
      var counts = [Int32](repeating: 0, count: count)
      MPI_Allgather(&own, 1, cmpi_int(), &counts, 1, cmpi_int(), world)
      let places = Self.places(counts)
      var all = [Float](repeating: 0, count: places[count])
      MPI_Allgatherv(
        values, own, cmpi_float(), &all, counts, places.map(Self.number), cmpi_float(), world)
      return (0..<count).map { Array(all[places[$0]..<places[$0 + 1]]) }
    }

    package func beginSum(_ values: UnsafeMutableBufferPointer<Float>) { sum.begin(values) }

    package func isSumDone(waiting: Bool) -> Bool { sum.isDone(waiting: waiting) }

    /// Where parts of these sizes begin, and where the last one ends.
    private static func places(_ counts: [Int32]) -> [Int] {
      counts.reduce(into: [0]) { $0.append($0[$0.count - 1] + Int($1)) }
    }

    static func number(_ count: Int) -> Int32 {
      guard let number = Int32(exactly: count) else {
        preconditionFailure("\(count) numbers are too many for MPI")
      }
      return number
    }
  }
#endif
