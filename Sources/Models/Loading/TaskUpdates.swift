import Autograd
import Failures
import JSON
import Tensors

/// Low-rank updates by task that lie in a checkpoint itself: W + α/r · B · A, with an A and a B for each
/// task (Sturua et al., arXiv:2409.10173; jina's `modeling_lora.py` of xlm-roberta-flash-implementation).
package struct TaskUpdates {
  /// Index of the task whose updates count; nil for none.
  let task: Int?
  /// Number of tasks.
  let count: Int
  let rank: Int
  let scale: Double

  static let (original, first, second) = (
    ".parametrizations.weight.original", ".parametrizations.weight.0.lora_A",
    ".parametrizations.weight.0.lora_B"
  )

  /// The update of a weight of this shape.
  ///
  /// A table's update is A · B, that of a layer B · A.
  ///
  /// - Parameters:
  ///   - weight: Its name, with `.weight`.
  ///   - shape: Its shape.
  ///   - read: Reads a tensor.
  /// - Returns: The factors of this task.
  /// - Throws: 78 where one of them has another shape.
  func factors(
    of weight: String, shape: [Int],
    _ read: (_ name: String, _ shape: [Int]) throws(Failure) -> Parameter
  ) throws(Failure) -> (up: Parameter, down: Parameter)? {
    guard let task, shape.count == 2 else { return nil }
    let layer = String(weight.dropLast(".weight".count))
    let isTable = layer.hasSuffix("_embeddings")
    let (left, right) = ([shape[0], rank], [rank, shape[1]])
    let (ofFirst, ofSecond) = isTable ? (left, right) : (right, left)
    let a = part(task, ofFirst, try read(layer + Self.first, [count] + ofFirst))
    let b = part(task, ofSecond, try read(layer + Self.second, [count] + ofSecond))
    return isTable ? (a, b) : (b, a)
  }

  /// The part of one task.
  private func part(_ task: Int, _ shape: [Int], _ all: Parameter) -> Parameter {
    Parameter(
      name: "\(all.name)[\(task)]", shape: shape,
      values: all.values + task * shape[0] * shape[1], owner: all)
  }
}

extension ModelFolder {
  /// Names of the tasks that the weights have updates for; none where they have not.
  package var taskNames: [String] {
    config["lora_adaptations"]?.array?.compactMap(\.string) ?? []
  }

  /// Tasks of the two roles.
  private static let tasks: [Role: String] = [
    .query: "retrieval.query", .doc: "retrieval.passage",
  ]

  /// The task whose updates are added: what `task` says, else what the folder's module says, else the
  /// role's; nil for none.
  ///
  /// - Throws: 78 for one that the folder does not have.
  package func task() throws(Failure) -> String? {
    let names = taskNames
    if names.isEmpty {
      guard !overriddenKeys.contains("task") else {
        throw .config(configPlace, "task: the weights have no updates for tasks")
      }
      return nil
    }
    var said = config["task"]
    if said == nil {
      for name in ["model_args", "model_kwargs"] where said == nil {
        said = try json("sentence_bert_config.json")?[name]?["default_task"]
      }
      if said?.isNull == true { said = nil }
    }
    guard let said else {
      let ofRole = role.flatMap { Self.tasks[$0] } ?? ""
      return names.contains(ofRole) ? ofRole : nil
    }
    if said.isNull { return nil }
    guard let name = said.string, names.contains(name) else {
      throw .config(
        configPlace,
        "task: expected one of \(names.joined(separator: ", ")) or null, found "
          + said.excerpt)
    }
    return name
  }

  /// The updates of the task; nil where the configuration tells of none.
  ///
  /// - Throws: 78 where a field is missing, or of another type.
  func taskUpdates() throws(Failure) -> TaskUpdates? {
    let names = taskNames
    if names.isEmpty { return nil }
    let rank = try integer("lora_rank", in: FieldRanges.rank, default: 4)
    let alpha = try double("lora_alpha", in: FieldRanges.alpha, default: 1)
    return TaskUpdates(
      task: try task().flatMap { names.firstIndex(of: $0) }, count: names.count, rank: rank,
      scale: alpha / Double(rank))
  }

  /// Whether the texts of the two roles are read by different models, or by different weights.
  ///
  /// - Throws: 65 where the list of modules is damaged.
  package func differsByRole() throws(Failure) -> Bool {
    if !taskNames.isEmpty, config["task"] == nil { return true }
    return try SentenceTransformersModules.routesDiffer(path)
  }
}
