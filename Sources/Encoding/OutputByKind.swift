import Failures
import Models
import Tensors

/// The name of an output that may stand for several, one for each kind of stream that a model gives:
/// `docs.{kind}.lirt`.
package struct OutputByKind: Sendable {
  private let name: String

  package init(_ name: String) { self.name = name }

  private static let place = "{kind}"

  /// Whether the name stands for several.
  package var isPattern: Bool { parts.count > 1 }

  private var parts: [String] {
    var parts: [String] = [""]
    for character in name {
      parts[parts.count - 1].append(character)
      guard parts[parts.count - 1].hasSuffix(Self.place) else { continue }
      parts[parts.count - 1].removeLast(Self.place.count)
      parts.append("")
    }
    return parts
  }

  /// The name of the output of one kind.
  package func name(of kind: StreamKind) -> String { parts.joined(separator: kind.rawValue) }

  /// What is stored of vectors of a kind: the parts of a form that such vectors can have, where the
  /// form is said for several kinds.
  package func form(_ form: EmbeddingForm, of kind: StreamKind) -> EmbeddingForm {
    guard isPattern else { return form }
    let isSparse = kind == .sparse || kind == .coil
    return EmbeddingForm(
      dtype: isSparse ? .f32 : form.dtype, dims: isSparse ? nil : form.dims,
      topTerms: kind == .sparse ? form.topTerms : nil)
  }

  /// Models of the other heads of a folder, where the name stands for several outputs.
  ///
  /// - Throws: 78 where a head's weights do not fit.
  package func companions(of model: Model) throws(Failure) -> [Model] {
    guard isPattern else { return [] }
    return try model.description.companions().map { description throws(Failure) in
      try Model(description, sharing: model)
    }
  }
}
