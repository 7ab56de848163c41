import Testing

/// A case of a reference that no test looks at would be a family that nobody checks.
struct EveryCaseTests {
  @Test func everyCaseIsTested() {
    // The lists are made when they are first looked at.
    let lists = [
      BiEncoderTests.denseCases, BiEncoderTests.sparseCases, BiEncoderTests.vectorCases,
      BiEncoderTests.plainDenseCases, BiEncoderTests.plainSparseCases,
      BiEncoderTests.knownCases.map(\.0), CrossEncoderTests.nativeCases,
      CrossEncoderTests.plainCases, CrossEncoderTests.sentenceTransformersCases,
      CrossEncoderTests.severalLabelsCases, SentenceTransformersTests.cases,
      SparseEncoderTests.cases,
    ]
    let tested = Set(lists.flatMap { $0 })
    let all = ModelCase.named("native/", "native_wheel/", "external/")
    #expect(all.count > 30)
    #expect(all.filter { !tested.contains($0) } == [])
  }
}
