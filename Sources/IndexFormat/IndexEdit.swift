import Failures
import JSON
import Streams

/// A change of an index that stands: new segments and deleted documents, all of them at once or none.
///
/// Those who change one index do so one after the other; who reads it goes on with what was opened.
package final class IndexEdit {
  /// The index as it was found.
  package let index: IndexFolder
  package let workspace: IndexWorkspace
  private let lease: Lease
  private let base: [UInt8]
  /// What takes the place of the last segments, from a number on.
  private var joined: (first: Int, segment: IndexManifest.Segment, statistics: [JSON.Member])?
  private var added: [(segment: IndexManifest.Segment, statistics: [JSON.Member])] = []
  /// Which documents of a segment were deleted, and the files that say so, by the segment's number.
  private var deletions: [Int: IndexManifest.Segment] = [:]

  /// Waits until nobody else changes the index, and opens it.
  ///
  /// - Parameters:
  ///   - path: The index.
  ///   - ofAnyFormat: Whether an index of an earlier format is taken, of which nothing will be kept.
  ///   - waiting: Called once where another change takes more than a second.
  /// - Throws: 66, 78 and 65 as opening an index does; 73 where it cannot be changed.
  package init(
    _ path: String, ofAnyFormat: Bool = false, waiting: () -> Void = {}
  ) throws(Failure) {
    // What is no index is said before anything is made.
    let manifest = try IndexManifest(folder: path)
    guard ofAnyFormat || manifest.format == IndexManifest.format else {
      throw .config(
        path, "an index of format \(manifest.format) cannot be changed",
        hint: "lir-index compact brings it to format \(IndexManifest.format)")
    }
    let target = try IndexWorkspace.resolved(path)
    lease = try IndexReplacement.lease(of: target, waiting: waiting)
    base = try IndexManifest.bytes(folder: target)
    index = try IndexFolder(path)
    workspace = try IndexWorkspace(target, changing: base, under: lease)
  }

  /// Adds a segment behind the others.
  ///
  /// - Parameters:
  ///   - segment: Its files, which are whole.
  ///   - statistics: Its numbers.
  package func add(_ segment: IndexManifest.Segment, _ statistics: [JSON.Member]) {
    added.append((segment, statistics))
  }

  /// Puts one segment in the place of the last ones.
  ///
  /// - Parameters:
  ///   - first: The number of the first of them.
  ///   - segment: The one with the documents of all that are not deleted.
  ///   - statistics: Its numbers.
  package func join(
    from first: Int, as segment: IndexManifest.Segment, _ statistics: [JSON.Member]
  ) {
    joined = (first, segment, statistics)
  }

  /// Whether the index has a segment with the very same files, of which no document is deleted.
  package func has(_ segment: IndexManifest.Segment) -> Bool {
    index.manifest.segments.contains { old in
      old.documents == segment.documents && old.deleted == nil
        && segment.files.allSatisfy { old.files[$0.key] == $0.value }
    }
  }

  /// Deletes documents of a segment.
  ///
  /// - Parameters:
  ///   - number: The segment's.
  ///   - segment: The segment as it is to be.
  ///   - describe: Writes what is to be known of the deleted documents besides, and returns numbers of
  ///     them.
  /// - Throws: 73 and 74 where files cannot be written, and what `describe` throws.
  package func delete(
    from number: Int, to segment: IndexSegment,
    _ describe: (IndexSegment, SegmentFiles) throws(Failure) -> [JSON.Member]
  ) throws(Failure) {
    guard let deleted = segment.deleted else { return }
    let files = SegmentFiles(workspace)
    try files.create(DeletedDocuments.file).append(numbers: deleted.bytes)
    let statistics = try describe(segment, files)
    var entry = index.manifest.segments[number]
    for (name, place) in try files.finish() { entry.files[name] = place }
    entry.deleted = IndexManifest.Deleted(documents: deleted.count, statistics: statistics)
    deletions[number] = entry
  }

  /// Leaves the index as it is, and removes what changes that were killed left beside it.
  package func sweep() { workspace.sweep(keeping: index.manifest.files) }

  /// Writes the changed manifest.
  ///
  /// - Parameter by: JSON of what made the index; nil to leave it out.
  /// - Returns: The documents that there are now.
  /// - Throws: 65 where the index would be too large; 73 and 74 where it cannot be written; 75 where
  ///   another process changed it meanwhile.
  package func commit(by: String?) throws(Failure) -> Int {
    var manifest = index.manifest
    for (number, segment) in deletions { manifest.segments[number] = segment }
    // An index of one segment has its numbers in the manifest itself.
    for number in manifest.segments.indices where manifest.segments[number].statistics == nil {
      manifest.segments[number].statistics = manifest.statistics
    }
    if let (first, segment, statistics) = joined {
      manifest.segments.removeSubrange(first...)
      manifest.segments.append(segment)
      manifest.segments[first].statistics = statistics
    }
    manifest.statistics = []
    for (segment, statistics) in added {
      manifest.segments.append(segment)
      manifest.segments[manifest.segments.count - 1].statistics = statistics
    }
    // Of segments without a document one is enough, where there are no others.
    let kept = manifest.segments.filter { $0.liveDocuments > 0 }
    manifest.segments = kept.isEmpty ? Array(manifest.segments.suffix(1)) : kept
    if manifest.segments.count == 1, manifest.segments[0].deleted == nil {
      manifest.statistics = manifest.segments[0].statistics ?? []
      manifest.segments[0].statistics = nil
    }
    manifest.documents = manifest.segments.reduce(0) { $0 + $1.liveDocuments }
    guard manifest.segments.reduce(0, { $0 + $1.documents }) <= Int(Int32.max) else {
      throw .data(
        index.path, "an index holds at most \(Int32.max) documents",
        hint: "lir-index compact drops deleted ones")
    }
    manifest.source.description.by = by
    try workspace.put(manifest, earlier: index.manifest.files)
    return manifest.documents
  }
}
