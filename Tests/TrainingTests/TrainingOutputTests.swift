import Failures
import TestSupport
import Testing
import Training

@Suite struct TrainingOutputTests {
  private func status(_ folder: String, resumes: Bool) -> Failures.ExitStatus? {
    do throws(Failure) {
      try CheckpointFolders.checkOutput(folder, resumes: resumes)
      return nil
    } catch { return error.status }
  }

  @Test func whereARunMayBegin() throws {
    let folder = try TemporaryFolder()
    #expect(status(folder("none"), resumes: false) == nil)
    #expect(status(folder("none"), resumes: true) == nil)
    #expect(status(folder.path, resumes: false) == nil)
    try folder.write("run/train.yml", "")
    try folder.write("run/metrics.jsonl", "")
    #expect(status(folder("run"), resumes: false) == .cannotCreate)
    #expect(status(folder("run"), resumes: true) == nil)
    try folder.write("other/photo.jpg", "")
    #expect(status(folder("other"), resumes: false) == .cannotCreate)
    #expect(status(folder("other"), resumes: true) == .cannotCreate)
    try folder.write("file", "")
    #expect(status(folder("file"), resumes: true) == .cannotCreate)
  }
}
