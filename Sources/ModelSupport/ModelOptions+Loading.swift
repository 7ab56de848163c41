import Failures
import JSON
import Kernels
import Models
import Streams
import Tensors
import ToolSupport

extension ModelOptions {
  /// The folder that `--model` names, with `--model-config` on top.
  ///
  /// - Throws: 64 where `--model` is missing.
  package func folder() throws(Failure) -> ModelFolder {
    guard let model else { throw .usage("--model is missing", hint: "name a model folder") }
    return try ModelFolder(model, overrides: try overrides())
  }

  /// What `--model-config` says: a JSON object, or a file that holds one.
  private func overrides() throws(Failure) -> JSON? {
    guard let modelConfig else { return nil }
    guard modelConfig.first == "{" else { return .object(try JSONFile.readObject(modelConfig)) }
    do throws(JSONError) {
      return try JSONParser.parse(modelConfig)
    } catch {
      throw .usage("--model-config: \(error.description)")
    }
  }

  /// The kernels that `--isa` asks for.
  ///
  /// - Throws: 78 where the processor does not have them.
  package func kernels() throws(Failure) -> Kernels {
    let wanted: InstructionSet
    switch isa {
    case .auto: wanted = .best
    case .avx512: wanted = .avx512
    case .avx2: wanted = .avx2
    case .portable: wanted = .portable
    }
    guard wanted.isSupported else {
      throw .config("--isa \(isa.rawValue)", "this processor does not run it")
    }
    return Kernels(wanted)
  }
}
