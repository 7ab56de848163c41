import Failures
import JSON
import Streams
import Tensors

/// Folders as model2vec writes them without the modules of sentence-transformers: a table, and the mean of
/// a text's rows (model2vec 0.10, `model.py`).
enum Model2VecFolder {
  private static let file = "config.json"
  /// Tokens of a text where the folder does not say how many.
  private static let length = 512

  /// The configuration of a folder; nil for one of another kind.
  static func configuration(_ path: String) throws(Failure) -> JSON? {
    guard !WholeFile.exists("\(path)/modules.json"), WholeFile.exists("\(path)/\(file)") else {
      return nil
    }
    let config: JSON = .object(try JSONFile.readObject("\(path)/\(file)"))
    return config["model_type"]?.string == "model2vec" ? config : nil
  }

  /// - Throws: 78 for a field of another type.
  static func describe(_ folder: ModelFolder) throws(Failure) -> ModelDescription? {
    guard try configuration(folder.path) != nil else { return nil }
    var role = RoleSettings(
      maximumLength: try folder.optionalInteger(
        "max_length", in: FieldRanges.length, default: length), addsSpecialTokens: false)
    role.dropsUnknown = true
    let head = DenseHead.Settings(
      poolings: [.mean], layers: [], normalizes: try folder.bool("normalize", default: false))
    return ModelDescription(
      folder: folder, backboneType: StaticTable.name, head: head, similarity: .cosine,
      roles: [.query: role, .doc: role], evidence: ["config.json: model_type is model2vec"])
  }
}
