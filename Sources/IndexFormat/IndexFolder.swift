import Failures
import Glibc
import Streams
import Tensors

/// An index that is opened for reading: its manifest, and its files by mmap.
///
/// All files are opened together with the manifest, so that an index that is replaced meanwhile is
/// still read as it was.
package struct IndexFolder: Sendable {
  package let path: String
  package let manifest: IndexManifest
  package let segments: [IndexSegment]

  /// How often the manifest is read again where files of an older one are gone.
  private static let attempts = 100

  /// Opens an index: sizes are checked, and contents when they are looked at (`MappedFile`); `verify`
  /// reads all of them.
  ///
  /// - Parameters:
  ///   - path: Its folder.
  ///   - needsOriginals: Whether vectors that lie elsewhere must be there; else segments do without.
  /// - Throws: 66, 78 and 65 as the manifest does; 65 where a file is missing or of another size; 78
  ///   where vectors that lie elsewhere are missing.
  package init(_ path: String, needsOriginals: Bool = true) throws(Failure) {
    self.path = path
    var bytes = try IndexManifest.bytes(folder: path)
    var misses = 0
    for _ in 0..<Self.attempts {
      let manifest = try IndexManifest(bytes, "\(path)/\(IndexManifest.fileName)")
      switch try Self.open(manifest, path, needsOriginals) {
      case .files(let files):
        self.manifest = manifest
        segments = try manifest.segments.map { segment throws(Failure) in
          try IndexSegment(folder: path, manifest: manifest, segment, files)
        }
        return
      case .missing(let failure):
        // A file that is gone belongs to an index that was replaced, perhaps twice, so that the
        // manifest is the first one again; or the index is damaged.
        let newer = try IndexManifest.bytes(folder: path)
        misses = newer == bytes ? misses + 1 : 0
        guard misses < 3 else { throw failure }
        bytes = newer
      }
    }
    throw Failure(.io, at: path, "the index is replaced faster than it can be opened")
  }

  /// The numbers of terms that only the index says; nil where there are none.
  ///
  /// - Throws: 65 where they are damaged.
  package func vocabulary() throws(Failure) -> TermVocabulary? {
    guard let segment = segments.first, segment.has(DocumentTable.vocabulary) else { return nil }
    return try TermVocabulary(stored: segment.tensor(DocumentTable.vocabulary).bytes, path)
  }

  private enum Opened {
    case files([String: MappedFile])
    case missing(Failure)
  }

  private static func open(
    _ manifest: IndexManifest, _ path: String, _ needsOriginals: Bool
  ) throws(Failure) -> Opened {
    var files: [String: MappedFile] = [:]
    for file in manifest.files {
      let place = "\(path)/\(file.name)"
      if let elsewhere = file.elsewhere {
        let originals = OriginalsFile(elsewhere.path, of: path)
        switch originals.find(file) {
        case .found(let mapped): files[file.name] = mapped
        case .missing where !needsOriginals: break
        case .missing: return .missing(originals.missing)
        case .other(let failure): return .missing(failure)
        }
        continue
      }
      let missing = Failure(.data, at: place, "the file is missing")
      guard WholeFile.exists(place) else { return .missing(missing) }
      let mapped: MappedFile
      do throws(Failure) {
        mapped = try MappedFile(place, file.blocks)
      } catch  where error.status == .noInput && !WholeFile.exists(place) {
        return .missing(missing)
      }
      guard mapped.bytes.count == file.size else {
        throw .data(place, "expected \(file.size) bytes, found \(mapped.bytes.count)")
      }
      files[file.name] = mapped
    }
    return .files(files)
  }

  /// Reads every file and compares its checksum with the manifest's.
  ///
  /// - Throws: 65 for the first file that is damaged.
  package func verify() throws(Failure) {
    for file in manifest.files {
      var place = "\(path)/\(file.name)"
      if let elsewhere = file.elsewhere {
        guard case .found(let mapped) = OriginalsFile(elsewhere.path, of: path).find(file) else {
          // Opening the index again says what is wrong.
          return try IndexFolder(path).verify()
        }
        place = mapped.path
      }
      let found: String
      do throws(Failure) {
        found = try FileDigest.short(place)
      } catch  where error.status == .noInput {
        // Either it was replaced since it was opened, and then the new one is what is asked for,
        // or opening it again says what is missing.
        return try IndexFolder(path).verify()
      }
      guard found == file.checksum else {
        throw .data(place, "damaged: expected checksum \(file.checksum), found \(found)")
      }
    }
    for segment in segments { _ = try DocumentTable(segment) }
  }
}
