import Failures

extension CheckpointFolders {
  /// Refuses a folder in which a run cannot begin, or go on.
  ///
  /// - Parameters:
  ///   - output: The folder of the run.
  ///   - resumes: Whether a run that is there goes on.
  /// - Throws: 73 where something is in the way.
  package static func checkOutput(_ output: String, resumes: Bool) throws(Failure) {
    switch try content(output) {
    case .nothing: break
    case .somethingElse:
      throw Failure(
        .cannotCreate, at: output, "there is something here that is not a training run",
        hint: "name a folder that is empty, or not there yet")
    case .run where resumes: break
    case .run:
      throw Failure(
        .cannotCreate, at: output, "there is a training run here already",
        hint: "--resume goes on with it")
    }
  }
}
