import Encoding
import Failures
import Kernels
import Models
import Tensors
import TestSupport
import Testing
import Tokenizers
import Vectors

struct EmbeddingShaperTests {
  private let kernels = Kernels(.best)
  private let id = Array("d1".utf8)

  private func shaper(
    _ output: EmbeddingOutput, _ form: EmbeddingForm = EmbeddingForm()
  ) throws -> EmbeddingShaper {
    try EmbeddingShaper(output, form, kernels)
  }

  /// 3, 4 is 0.6, 0.8 at length 1; a model that does not normalise has it cut alone.
  @Test func rowsAreCut() throws {
    let values: [Float] = [9, 3, 4, 12]
    let cut = EmbeddingForm(dims: 2)
    let plain = try shaper(EmbeddingOutput(.dense, width: 3), cut)
    #expect(plain.dimension == 2)
    #expect(try plain.row(values[1...], id: id) == [3, 4])
    let normalizing = EmbeddingOutput(.dense, width: 3, normalizes: true)
    let row = try shaper(normalizing, cut).row(values[1...], id: id)
    #expect(abs(row[0] - 0.6) < 1e-6 && abs(row[1] - 0.8) < 1e-6 && row.count == 2)
    // What is whole keeps the model's bits.
    #expect(try shaper(normalizing).row(values[1...], id: id) == [3, 4, 12])
    #expect(
      try shaper(EmbeddingOutput(.multivector, width: 2), EmbeddingForm(dims: 1))
        .rows(values, width: 2, id: id) == [[9], [4]])
  }

  @Test func theHeaviestTerms() throws {
    let sparse = EmbeddingOutput(.sparse, width: 9)
    let vector = SparseVector(indices: [1, 3, 5], values: [2, 1, 3])
    let kept = try shaper(sparse, EmbeddingForm(topTerms: 2)).terms(vector, id: id)
    #expect(kept == SparseVector(indices: [1, 5], values: [2, 3]))
    #expect(try shaper(sparse).terms(vector, id: id) == vector)
  }

  /// The largest value of a row of int8 is 127 times its scale.
  @Test func columns() throws {
    let dense = EmbeddingOutput(.dense, width: 2)
    #expect(
      try shaper(dense).columns([[1, -2]]) == [[Float(1), -2].withUnsafeBytes { Array($0) }])
    let bytes = try shaper(dense, EmbeddingForm(dtype: .i8)).columns([[127, -2], [0.5, 0.25]])
    #expect(bytes[0].map { Int8(bitPattern: $0) } == [127, -2, 127, 64])
    #expect(bytes[1] == ([1, 0.5 / 127] as [Float]).withUnsafeBytes { Array($0) })
  }

  @Test func schemas() throws {
    let int8 = EmbeddingForm(dtype: .i8)
    #expect(
      try shaper(EmbeddingOutput(.dense, width: 3), int8).schema == .dense(.i8, dimension: 3))
    #expect(
      try shaper(EmbeddingOutput(.multivector, width: 3, hasTokens: true), int8).schema
        == .multivector(.i8, dimension: 3, withTokens: true))
    #expect(
      try shaper(EmbeddingOutput(.coil, width: 3, clsWidth: 7, hasTokens: true)).schema
        == .coil(clsDimension: 7, dimension: 3))
    #expect(try shaper(EmbeddingOutput(.sparse, width: 3)).schema == .sparse)
  }

  @Test func formsThatCannotBe() throws {
    let dense = EmbeddingOutput(.dense, width: 3)
    let sparse = EmbeddingOutput(.sparse, width: 3)
    let coil = EmbeddingOutput(.coil, width: 3, clsWidth: 3)
    let wrong: [(EmbeddingOutput, EmbeddingForm)] = [
      (dense, EmbeddingForm(dims: 0)), (dense, EmbeddingForm(dims: 4)),
      (dense, EmbeddingForm(topTerms: 1)), (sparse, EmbeddingForm(topTerms: 0)),
      (sparse, EmbeddingForm(dims: 2)), (sparse, EmbeddingForm(dtype: .f16)),
      (coil, EmbeddingForm(dims: 2)), (coil, EmbeddingForm(dtype: .i8)),
    ]
    for (output, form) in wrong {
      #expect(failure { _ = try shaper(output, form) }?.status == .usage, "\(form)")
    }
    _ = try shaper(dense, EmbeddingForm(dims: 3))
  }

  @Test func whatIsNotFiniteIsRefused() throws {
    let dense = try shaper(EmbeddingOutput(.dense, width: 1))
    let sparse = try shaper(EmbeddingOutput(.sparse, width: 9))
    for value in [Float.nan, .infinity, -.infinity] {
      let row = failure { _ = try dense.row([value], id: id) }
      #expect(row?.status == .data && row?.place == "record d1")
      let term = failure {
        _ = try sparse.terms(SparseVector(indices: [1], values: [value]), id: id)
      }
      #expect(term?.status == .data)
    }
  }

  /// What the models say of themselves, as their folders have it.
  @Test func outputsOfModels() throws {
    func output(_ name: String) throws -> EmbeddingOutput {
      EmbeddingOutput(try TestModel(name).loaded.model)
    }
    #expect(try output("native/dpr_bert_00") == EmbeddingOutput(.dense, width: 32))
    #expect(
      try output("external/st_bert_cls_norm")
        == EmbeddingOutput(.dense, width: 32, normalizes: true))
    #expect(try output("native/splade_bert_00") == EmbeddingOutput(.sparse, width: 180))
    let col = try output("native/col_bert_03")
    #expect(col.kind == .multivector && col.width == 128 && col.hasTokens && col.clsWidth == nil)
    let coil = try output("native/coil_bert_1")
    #expect(coil.kind == .coil && coil.clsWidth != nil && coil.hasTokens)
    let mvr = try output("native/mvr_bert_1")
    #expect(mvr.kind == .multivector && !mvr.hasTokens)
  }
}
