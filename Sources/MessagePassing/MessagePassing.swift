import Failures
import Glibc
import Training

/// The processes that a launcher such as `mpirun` started together.
package enum MessagePassing {
  /// What this build talks to other processes by; nil where it cannot.
  package static var library: String? {
    #if MPI
      MPIRanks.library
    #else
      nil
    #endif
  }

  /// Meets the other processes.
  ///
  /// From here on, a process that ends without `MPIRanks.leave` ends the job, with its exit status.
  ///
  /// - Returns: They and this one; nil where this one is alone.
  /// - Throws: 78 where there are others that this build knows no way to talk to: each would train
  ///   for itself, and write over what the others wrote.
  package static func join() throws(Failure) -> (any Ranks)? {
    guard isLaunched else { return nil }
    #if MPI
      return try MPIRanks()
    #else
      throw .config(
        nil, "started as one of several processes, and this build has no MPI",
        hint: "build with: swift build -c release --traits MPI")
    #endif
  }

  /// What this process has to say of a failure.
  ///
  /// What is wrong is mostly so for all processes. The first one says it and ends the job, which
  /// ends the others while they wait here; one that is left tells the failure as its own.
  package static func ownPart(of failure: Failure) -> Failure {
    guard isLaunched, let number = ownNumber, number > 0 else { return failure }
    // All stop together.
    if failure.status == .retry { exit(failure.status.rawValue) }
    sleep(patience)
    var own = failure
    own.place = "process \(number)" + (failure.place.map { ": \($0)" } ?? "")
    return own
  }

  /// Seconds in which a job ends that its first process has ended.
  private static let patience: UInt32 = 2

  /// The number of this process as the launcher tells it.
  private static var ownNumber: Int? {
    for name in ["OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK"] {
      if let value = getenv(name) { return Int(atoi(value)) }
    }
    return nil
  }

  /// Whether a launcher says so: Open MPI's and MPICH's tell the number, Slurm's PMIx the rank.
  private static var isLaunched: Bool {
    for name in ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"] {
      if let value = getenv(name), atoi(value) > 1 { return true }
    }
    return getenv("OMPI_COMM_WORLD_SIZE") == nil && getenv("PMIX_RANK") != nil
  }
}
