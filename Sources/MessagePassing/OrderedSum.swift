#if MPI
  import CMPI

  /// The sum of what all processes have, in their order, without waiting in between.
  ///
  /// Each process gets its share of everybody's numbers, sums it, and tells the others. MPI's own
  /// reduction moves as much, but the order of its sums depends on the algorithm that it chooses by
  /// size and network. MPI reads and writes memory until it is done, so all of it is held here.
  final class OrderedSum {
    private let rank: Int
    private let count: Int
    private let world = cmpi_world()
    private var values = UnsafeMutableBufferPointer<Float>(start: nil, count: 0)
    private var received = UnsafeMutableBufferPointer<Float>(start: nil, count: 0)
    /// Sizes and places of the processes' shares within `values`, then within `received` those of
    /// what each process sends of this one's share.
    private let sizes: UnsafeMutableBufferPointer<Int32>
    private let places: UnsafeMutableBufferPointer<Int32>
    private let ownSizes: UnsafeMutableBufferPointer<Int32>
    private let ownPlaces: UnsafeMutableBufferPointer<Int32>
    private var request: MPI_Request?
    private var phase = Phase.idle

    private enum Phase { case idle, collecting, telling }

    init(rank: Int, count: Int) {
      self.rank = rank
      self.count = count
      sizes = .allocate(capacity: count)
      places = .allocate(capacity: count)
      ownSizes = .allocate(capacity: count)
      ownPlaces = .allocate(capacity: count)
    }

    deinit {
      for numbers in [sizes, places, ownSizes, ownPlaces] { numbers.deallocate() }
      received.deallocate()
    }

    private var own: Range<Int> {
      Int(places[rank])..<Int(places[rank]) + Int(sizes[rank])
    }

    func begin(_ values: UnsafeMutableBufferPointer<Float>) {
      precondition(phase == .idle, "a sum is under way")
      self.values = values
      for other in 0..<count {
        let start = other * values.count / count
        places[other] = MPIRanks.number(start)
        sizes[other] = MPIRanks.number((other + 1) * values.count / count - start)
      }
      let own = own
      for other in 0..<count {
        ownSizes[other] = sizes[rank]
        ownPlaces[other] = MPIRanks.number(other * own.count)
      }
      if received.count < count * own.count {
        received.deallocate()
        received = .allocate(capacity: count * own.count)
      }
      MPI_Ialltoallv(
        values.baseAddress, sizes.baseAddress, places.baseAddress, cmpi_float(),
        received.baseAddress, ownSizes.baseAddress, ownPlaces.baseAddress, cmpi_float(), world,
        &request)
      phase = .collecting
    }

    func isDone(waiting: Bool) -> Bool {
      while phase != .idle {
        var isOver: Int32 = 1
        if waiting {
          MPI_Wait(&request, cmpi_no_status())
        } else {
          MPI_Test(&request, &isOver, cmpi_no_status())
        }
        if isOver == 0 { return false }
        if phase == .collecting { tell() } else { phase = .idle }
      }
      return true
    }

    private func tell() {
      let own = own
      for i in 0..<own.count {
        var sum = received[i]
        for other in 1..<count { sum += received[other * own.count + i] }
        values[own.lowerBound + i] = sum
      }
      MPI_Iallgatherv(
        cmpi_in_place(), 0, cmpi_float(), values.baseAddress, sizes.baseAddress,
        places.baseAddress, cmpi_float(), world, &request)
      phase = .telling
    }
  }
#endif
