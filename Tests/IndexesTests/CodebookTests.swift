import Failures
import IndexFormat
import Indexes
import JSON
import Kernels
import Retrieval
import TestSupport
import Testing
import Workers

/// Promises of every type that learns from a sample of its documents.
@Suite struct CodebookTests {
  static let types = IndexTypes.all.filter { $0.learns }

  private static func build(
    _ sample: IndexSample, _ target: String, _ isa: InstructionSet = .best,
    codebook: IndexFolder? = nil, by: String? = "[]"
  ) throws -> IndexBuild {
    IndexBuild(
      sample.folder(target), type: sample.type, of: IndexTypes.all, codebook: codebook,
      IndexWork(Kernels(isa), WorkerPool(threads: 1)), provenance: { _, _ in by })
  }

  /// With a codebook every instruction set makes the same files and the same manifest, which says what
  /// made the codebook; so do indexes that are joined.
  @Test(arguments: 0..<types.count)
  func oneCodebookForAllInstructionSets(index: Int) throws {
    let sample = try IndexSample(Self.types[index], documents: 101)
    let input = sample.input(["whole"])
    try Self.build(sample, "c").train(input)
    let codebook = try IndexFolder(sample.folder("c"))
    let learned = codebook.manifest.learnedBy
    let words = JSON.object(learned).serialized()
    #expect(learned.first?.key == "isa")
    #expect(learned.first?.value.string == InstructionSet.best.name)
    var wanted: [String: [UInt8]]?
    for isa in InstructionSet.supported {
      _ = try Self.build(sample, isa.name, isa, codebook: codebook).run(input)
      let found = try contents(sample.folder(isa.name))
      let manifest = try IndexManifest(folder: sample.folder(isa.name))
      #expect(JSON.object(manifest.learnedBy).serialized() == words)
      #expect(found == wanted ?? found, "\(sample.type.name), \(isa.name)")
      wanted = found
    }
    let folder = try IndexFolder(sample.folder(InstructionSet.best.name))
    let merge = try IndexMerge([folder], sample.type)
    let work = IndexWork(Kernels(.portable), WorkerPool(threads: 1))
    _ = try merge.run(to: sample.folder("merged"), work, by: "[]")
    #expect(try contents(sample.folder("merged")) == wanted)
  }

  /// Whoever wants no record of what made an index gets none.
  @Test func nothingIsSaidWithoutProvenance() throws {
    let sample = try IndexSample(IVF.self, documents: 101)
    _ = try Self.build(sample, "i", by: nil).run(sample.input(["whole"]))
    #expect(try IndexManifest(folder: sample.folder("i")).learnedBy.isEmpty)
  }

  /// The rotation of product codes comes from a library, which is named.
  @Test func theLibraryOfARotation() throws {
    let sample = try IndexSample(PQ.self, documents: 101)
    let build = IndexBuild(
      sample.folder("i"), type: PQ.self, of: IndexTypes.all, given: [("n-bits", "4")],
      IndexWork(Kernels(), WorkerPool(threads: 1)), provenance: { _, _ in "[]" })
    _ = try build.run(sample.input(["whole"]))
    let library = try IndexManifest(folder: sample.folder("i")).learnedBy.first {
      $0.key == "lapack"
    }
    #expect(library?.value.string?.isEmpty == false)
  }
}
