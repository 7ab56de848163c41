/// What stands for some texts in scoring, in their order: vectors of one form, or the texts
/// themselves where their words are compared.
package enum Embeddings: Sendable {
  /// One vector a text: values[count, dimension].
  case dense([Float], dimension: Int)
  /// Weights of the vocabulary's terms.
  case sparse([SparseVector])
  /// Several vectors a text, perhaps with one of its own beside them (COIL).
  case vectors([VectorSet], VectorShape)
  /// The texts, UTF-8.
  case texts([[UInt8]])

  /// Number of texts.
  package var count: Int {
    switch self {
    case .dense(let values, let dimension): dimension == 0 ? 0 : values.count / dimension
    case .sparse(let vectors): vectors.count
    case .vectors(let sets, _): sets.count
    case .texts(let texts): texts.count
    }
  }

  /// The embeddings of a part of the texts.
  package subscript(range: Range<Int>) -> Embeddings {
    if range == 0..<count { return self }
    return switch self {
    case .dense(let values, let dimension):
      .dense(
        Array(values[range.lowerBound * dimension..<range.upperBound * dimension]),
        dimension: dimension)
    case .sparse(let vectors): .sparse(Array(vectors[range]))
    case .vectors(let sets, let shape): .vectors(Array(sets[range]), shape)
    case .texts(let texts): .texts(Array(texts[range]))
    }
  }

  /// The embeddings of some of the texts, in the order of their places.
  package func selecting(_ places: [Int]) -> Embeddings {
    switch self {
    case .dense(let values, let dimension):
      .dense(
        places.flatMap { values[$0 * dimension..<($0 + 1) * dimension] }, dimension: dimension)
    case .sparse(let vectors): .sparse(places.map { vectors[$0] })
    case .vectors(let sets, let shape): .vectors(places.map { sets[$0] }, shape)
    case .texts(let texts): .texts(places.map { texts[$0] })
    }
  }

  /// The embeddings of these texts and of some more, which have the same form.
  package func appending(_ more: Embeddings) -> Embeddings {
    switch (self, more) {
    case (.dense(let a, let dimension), .dense(let b, _)): .dense(a + b, dimension: dimension)
    case (.sparse(let a), .sparse(let b)): .sparse(a + b)
    case (.vectors(let a, let shape), .vectors(let b, _)): .vectors(a + b, shape)
    case (.texts(let a), .texts(let b)): .texts(a + b)
    default: preconditionFailure("\(more.form) behind \(form)")
    }
  }

  /// The form in words, for messages.
  package var form: String {
    switch self {
    case .dense(_, let dimension): "dense vectors of dimension \(dimension)"
    case .sparse: "sparse vectors"
    case .vectors(_, let shape):
      shape.cls == nil
        ? "several vectors of dimension \(shape.width) a text"
        : "vectors of tokens beside one of the text"
    case .texts: "texts"
    }
  }
}
