import Failures
import JSON

/// Whether the outputs of a language model are its word embeddings, as transformers decides.
///
/// Release 4 goes by `tie_word_embeddings` alone, whatever is stored beside it (4.57.6
/// `modeling_utils.py`, `tie_weights`). Release 5 takes what is stored where it differs from the
/// embeddings (5.24, the same function), so that folders it wrote may rely on that.
struct OutputEmbeddings {
  private let isTied: Bool
  /// Whether release 5 or later wrote the folder.
  private let isOfRelease5: Bool

  /// - Parameters:
  ///   - folder: The model's.
  ///   - tiesByDefault: Whether they are where no field says it.
  /// - Throws: 78 where a field is of another type.
  init(_ folder: ModelFolder, tiesByDefault: Bool = true) throws(Failure) {
    isTied = try folder.bool("tie_word_embeddings", default: tiesByDefault)
    let version = try folder.string("transformers_version", default: nil) ?? ""
    isOfRelease5 = (version.split(separator: ".").first.flatMap { Int($0) } ?? 0) >= 5
  }

  /// Whether a tensor of the checkpoint has the outputs.
  ///
  /// - Parameters:
  ///   - name: The tensor's.
  ///   - checkpoint: The folder's weights.
  /// - Returns: True where it counts, even if it is missing.
  func areStored(_ name: String, in checkpoint: Checkpoint) -> Bool {
    isTied ? isOfRelease5 && checkpoint.has(name) : true
  }

  /// Whether T5 multiplies its states by 1/√D in front of the outputs: where these are the embeddings,
  /// unless release 5 says otherwise.
  ///
  /// - Throws: 78 where a field is of another type.
  func scalesStates(_ folder: ModelFolder) throws(Failure) -> Bool {
    let field = "scale_decoder_outputs"
    return folder.config[field]?.isNull ?? true
      ? isTied : try folder.bool(field, default: isTied)
  }
}
