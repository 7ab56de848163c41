import Failures
import Glibc
import Models
import Streams
import ToolSupport

/// `--cache`: a folder of packed weights, each in a file of its own that is mapped.
package struct ModelCache: Sendable {
  private let folder: String
  /// Digests of the files of models, and the checksums of files of packed weights that were found
  /// to be whole.
  package let notes: FileNotes

  /// Opens the folder, which is made where it is not there.
  ///
  /// - Throws: 73 where it cannot be made.
  package init(_ folder: String) throws(Failure) {
    self.folder = folder
    try MadeFolders(above: folder).keep()
    if !WholeFile.isDirectory(folder), mkdir(folder, 0o777) != 0, errno != EEXIST {
      throw SystemError.cannotCreate(folder)
    }
    guard WholeFile.isDirectory(folder) else {
      throw Failure(.cannotCreate, at: folder, "expected a folder, found a file")
    }
    notes = FileNotes(folder)
  }

  /// The model on its packed weights, which are written first where the cache has none of it.
  ///
  /// - Parameters:
  ///   - description: The model's.
  ///   - precisions: Of its layers.
  ///   - diagnostics: Told of a file that is damaged.
  ///   - read: Reads the model.
  /// - Returns: What it reads with the mapped weights.
  /// - Throws: 73 and 74 where the weights cannot be written.
  func load(
    _ description: ModelDescription, _ precisions: LayerPrecisions, _ diagnostics: Diagnostics,
    _ read: (PackedWeights) throws(Failure) -> Model
  ) throws(Failure) -> Model {
    let key = PackedKey(model: try digest(description), precisions)
    let path = "\(folder)/\(key.fileName)"
    if case .success(let model) = open(path, key, read) { return model }
    let lease = try Lease(waitingAt: Lease.path(in: folder), for: folder)
    // Another process may have written it meanwhile.
    switch open(path, key, read) {
    case .success(let model): return model
    case .failure(let failure):
      if failure.status != .noInput {
        diagnostics.warning("\(failure); the weights are packed anew")
      }
    }
    try write(path, key, description, read)
    diagnostics.note("\(path): packed weights of \(description.folder.path)")
    lease.release()
    return try open(path, key, read).get()
  }

  /// The digest of the weights that a model has: those of a folder, or those of one of its roles or
  /// tasks.
  private func digest(_ description: ModelDescription) throws(Failure) -> String {
    let (folder, digest) = (description.folder, try description.folder.digest(notes))
    let (differs, task) = (try folder.differsByRole(), try folder.task())
    if !differs, task == nil { return digest }
    let role = differs ? (folder.role == .query ? "query" : "doc") : ""
    return Checksum.xxh3Long(Array("\(digest)\t\(role)\t\(task ?? "")\n".utf8))
  }

  /// The weights that are packed are gone when this returns: the model is to run on the mapped ones.
  private func write(
    _ path: String, _ key: PackedKey, _ description: ModelDescription,
    _ read: (PackedWeights) throws(Failure) -> Model
  ) throws(Failure) {
    let weights = PackedWeights()
    let model = try read(weights)
    guard try digest(description) == key.model else {
      throw .data(description.folder.path, "the model was changed while it was read")
    }
    try withExtendedLifetime(model) { () throws(Failure) in
      try PackedFile.write(path, key, weights)
    }
  }

  private func open(
    _ path: String, _ key: PackedKey, _ read: (PackedWeights) throws(Failure) -> Model
  ) -> Result<Model, Failure> {
    do throws(Failure) {
      let file = try PackedFile(path, key)
      _ = try notes.value(of: path) { () throws(Failure) in try file.checkedChecksum() }
      return .success(try read(PackedWeights(file)))
    } catch {
      return .failure(error)
    }
  }
}
