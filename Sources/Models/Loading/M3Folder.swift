import Failures
import JSON
import Streams
import Tensors

/// Folders of BGE-M3 and of models made from it, which lay two more heads beside a dense model.
enum M3Folder {
  /// Files of the heads.
  static let (sparse, vectors) = ("sparse_linear.pt", "colbert_linear.pt")

  /// The head of each file.
  private static let heads: [(file: String, modelType: String)] = [
    (sparse, TermWeightHead.Settings.modelTypes[0]),
    (vectors, M3VectorHead.Settings.modelTypes[0]),
  ]

  /// The file of a head that a folder is read for; nil for another one.
  static func file(of modelType: String?) -> String? {
    heads.first { $0.modelType == modelType }?.file
  }

  /// Values of `model_type` of the heads that lie beside the dense one.
  static func modelTypes(in folder: ModelFolder) -> [String] {
    heads.filter { WholeFile.exists("\(folder.path)/\($0.file)") }.map(\.modelType)
  }

  /// Describes a folder that is read for one of its other heads: all else is the dense model's.
  ///
  /// - Throws: 78 where the head's file is not there.
  static func describe(
    _ folder: ModelFolder, _ head: some HeadSettings
  ) throws(Failure) -> ModelDescription {
    let file = file(of: head.modelType) ?? ""
    guard WholeFile.exists("\(folder.path)/\(file)") else {
      throw .config(
        "\(folder.path)/\(file)",
        "model_type \(head.modelType) needs this file of a BGE-M3, which "
          + "is not there")
    }
    var description =
      WholeFile.exists(folder.path + "/modules.json")
      ? try SentenceTransformersFolder.describe(folder) : try dense(folder)
    description.head = head
    description.backboneType = folder.originalModelType ?? "none"
    description.similarity = .dot
    description.maximumTerms = nil
    description.evidence = ["\(file) is there, and model_type is \(head.modelType)"]
    return description
  }

  /// The dense model of a folder without modules: the first token's state, with length 1.
  static func dense(_ folder: ModelFolder) throws(Failure) -> ModelDescription {
    let role = RoleSettings(maximumLength: try SentenceTransformersFolder.length(folder))
    return ModelDescription(
      folder: folder, backboneType: folder.modelType ?? "none",
      head: DenseHead.Settings(poolings: [.first], layers: [], normalizes: true),
      similarity: .dot, roles: [.query: role, .doc: role],
      evidence: ["\(sparse) or \(vectors) is there: a BGE-M3"])
  }
}

extension ModelDescription {
  /// Descriptions of the folder's other heads, which read the same states of the same texts.
  ///
  /// - Throws: As `init(recognizing:)` does.
  package func companions() throws(Failure) -> [ModelDescription] {
    guard head is DenseHead.Settings, !folder.overriddenKeys.contains("model_type") else {
      return []
    }
    return try M3Folder.modelTypes(in: folder).map { type throws(Failure) in
      try ModelDescription(recognizing: folder.reading(as: type))
    }
  }
}
