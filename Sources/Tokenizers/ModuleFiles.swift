import Failures
import JSON
import Streams

/// Files that sentence-transformers keeps beside a tokenizer.
package enum ModuleFiles {
  /// Files with settings of its module Transformer, of which the first that says anything counts.
  ///
  /// Releases before 2 had a file a backbone (`base/modules/transformer.py`, `load_config`).
  package static let transformer = [
    "sentence_bert_config.json", "sentence_roberta_config.json",
    "sentence_distilbert_config.json", "sentence_camembert_config.json",
    "sentence_albert_config.json", "sentence_xlm-roberta_config.json",
    "sentence_xlnet_config.json",
  ]

  /// The file that has texts in lower case before the tokenizer sees them; nil where none does.
  ///
  /// The library reads its files only where it saved the model.
  ///
  /// - Parameter folder: The tokenizer's.
  /// - Returns: Path of the file.
  /// - Throws: 65 for malformed JSON, 78 for a field of another type.
  package static func lowerCase(in folder: String) throws(Failure) -> String? {
    let folder = folder.hasSuffix("/") ? String(folder.dropLast()) : folder
    guard
      WholeFile.exists("\(folder)/modules.json")
        || WholeFile.exists("\(PathName.split(folder).folder)modules.json")
    else { return nil }
    for file in transformer.map({ "\(folder)/\($0)" }) where WholeFile.exists(file) {
      let bytes = try WholeFile.read(file)
      let settings: JSON
      do throws(JSONError) { settings = try JSONParser.parse(bytes) } catch {
        throw .data(file, error.description)
      }
      guard let members = settings.members, !members.isEmpty else { continue }
      guard let value = settings["do_lower_case"], !value.isNull else { return nil }
      guard let isLower = value.bool else {
        throw .config(
          file, "do_lower_case: expected true or false, found \(value.serialized())")
      }
      return isLower ? file : nil
    }
    return nil
  }
}
