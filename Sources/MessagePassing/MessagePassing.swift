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

  /// Whether a launcher says so: Open MPI's and MPICH's tell the number, Slurm's PMIx the rank.
  private static var isLaunched: Bool {
    for name in ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"] {
      if let value = getenv(name), atoi(value) > 1 { return true }
    }
    return getenv("OMPI_COMM_WORLD_SIZE") == nil && getenv("PMIX_RANK") != nil
  }
}
