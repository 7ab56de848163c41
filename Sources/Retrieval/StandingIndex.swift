import Failures
import IndexFormat
import JSON
import Streams
import Tensors

/// What there is in the place of an index that is to be built.
package enum StandingIndex: Sendable, Equatable {
  case nothing
  /// The index that the build would make, with so many documents.
  case same(documents: Int)
  /// Something else; in words, what tells it apart.
  case other(String)
}

extension IndexBuild {
  /// Looks at what is in the place of the index, and reads it through where it may be the same.
  ///
  /// - Parameters:
  ///   - input: The documents, in files that can be read again.
  ///   - tellsWork: Whether a record of what made an index tells one work from another.
  /// - Returns: What there is.
  /// - Throws: 64, 65 or 78 for documents or parameters of which no index can be built.
  package func standing(
    for input: DocumentInput, tellsWork: (String?) -> Bool
  ) throws(Failure) -> StandingIndex {
    guard WholeFile.exists("\(target)/\(IndexManifest.fileName)") else { return .nothing }
    var segment: TensorSegment?
    if let vectors = input.vectors, !vectors.operands.isEmpty {
      segment = try vectors.open(0).next()
    }
    let plan = try plan(source(segment, input), input)
    do throws(Failure) {
      let folder = try IndexFolder(target)
      let manifest = folder.manifest
      guard tellsWork(manifest.source.description.by) else {
        return .other("it does not say what made it")
      }
      guard manifest.isCompact else { return .other("documents were added or deleted") }
      if let codebook, codebook.manifest.codebook != manifest.codebook {
        return .other("it has another codebook")
      }
      guard manifest.type == plan.type.name, manifest.seed == work.seed,
        manifest.source.description == plan.source.description,
        Self.text(manifest.parameters) == Self.text(plan.arguments.effective(.build))
      else { return .other("it is of other documents or parameters") }
      guard try manifest.hasOriginals(at: plan.arguments.originals, target) else {
        return .other("its vectors lie elsewhere")
      }
      try plan.type.verify(folder)
      // Some shards that were joined say the same of themselves as all of them.
      if case .streams(_, let wanted, _, _, _) = input, let vectors = input.vectors {
        let isSame =
          try plan.type.keepsOrder
          ? Self.idsDigest(of: folder) == FinishedStream.idsDigest(of: vectors, wanted)
          : Self.has(folder, the: input)
        if !isSame { return .other("it has other documents") }
      }
      return .same(documents: manifest.documents)
    } catch {
      return .other("it is not whole: \(error.message)")
    }
  }

  private static func text(_ parameters: [JSON.Member]) -> String {
    JSON.object(parameters).serialized(sortingKeys: true)
  }

  /// Whether an index has the documents of an input, in whatever order.
  private static func has(_ folder: IndexFolder, the input: DocumentInput) throws(Failure) -> Bool {
    let tables = try folder.segments.map { segment throws(Failure) in try DocumentTable(segment) }
    var (count, isSame) = (0, true)
    try input.forEachBlock(warn: { _ in }) { block, _ throws(Failure) in
      for number in 0..<block.count where isSame {
        count += 1
        try block.withID(number) { id throws(Failure) in
          let own = Array(id)
          isSame = tables.contains { $0.ordinal(own) != nil }
        }
      }
    }
    return isSame && count == tables.reduce(0) { $0 + $1.liveCount }
  }

  private static func idsDigest(of folder: IndexFolder) throws(Failure) -> String {
    let ids = RunningChecksum()
    for segment in folder.segments {
      let table = try DocumentTable(segment)
      for ordinal in 0..<table.count { ids.update(table.id(ordinal) + [0x0A]) }
    }
    return ids.longHex
  }
}
