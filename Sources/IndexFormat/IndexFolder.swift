import Failures
import Glibc
import Streams
import Tensors

/// An index that is opened for reading: its manifest, and its files by mmap.
package struct IndexFolder: Sendable {
  package let path: String
  package let manifest: IndexManifest

  /// Opens an index; sizes are checked, contents are not (`verify` does).
  ///
  /// - Throws: 66, 78 and 65 as the manifest does; 65 where a file is missing or of another size.
  package init(_ path: String) throws(Failure) {
    self.path = path
    manifest = try IndexManifest(folder: path)
    for file in manifest.files {
      let place = "\(path)/\(file.name)"
      guard WholeFile.exists(place) else { throw .data(place, "the file is missing") }
      let size = try OwnedDescriptor.open(reading: place).size(place)
      guard size == file.size else {
        throw .data(place, "expected \(file.size) bytes, found \(size)")
      }
    }
  }

  /// Opens one of the index's tensor files.
  package func tensors(_ name: String) throws(Failure) -> SafeTensorsFile {
    guard manifest.files.contains(where: { $0.name == name }) else {
      throw .data("\(path)/\(IndexManifest.fileName)", "the manifest does not name \(name)")
    }
    return try SafeTensorsFile("\(path)/\(name)")
  }

  /// Reads every file and compares its checksum with the manifest's.
  package func verify() throws(Failure) {
    for file in manifest.files {
      let found = try FileDigest.short("\(path)/\(file.name)")
      guard found == file.checksum else {
        throw .data(
          "\(path)/\(file.name)", "damaged: expected checksum \(file.checksum), found \(found)")
      }
    }
    _ = try DocumentTable(self)
  }
}
