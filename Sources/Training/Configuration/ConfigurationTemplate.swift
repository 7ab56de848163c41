import JSON
import TrainingData

/// A configuration in which everything is still to be said, with all defaults and what they mean.
package enum ConfigurationTemplate {
  /// A key and what is said about it.
  package struct Line: Sendable {
    /// Path of the key, such as `data.tuples`.
    package var path: String
    /// Its value; nil where the lines below have its parts.
    package var value: JSON?
    package var comment: String
  }

  /// The lines of a template that has the values of `json` where it has some.
  package static func lines(_ json: JSON) -> [Line] {
    let comments = Dictionary(uniqueKeysWithValues: comments)
    var lines: [Line] = []
    for member in TrainingConfiguration.filled(json, values).members ?? [] {
      let comment = comments[member.key] ?? ""
      guard values[member.key]?.members != nil, let parts = member.value.members else {
        lines.append(Line(path: member.key, value: member.value, comment: comment))
        continue
      }
      lines.append(Line(path: member.key, value: nil, comment: comment))
      for part in parts {
        let path = "\(member.key).\(part.key)"
        lines.append(Line(path: path, value: part.value, comment: comments[path] ?? ""))
      }
    }
    return lines
  }

  /// The defaults, with the parts of what is null without them, and a loss as an example.
  private static var values: JSON {
    let data: JSON = [
      "tuples": .null, "format": .null, "run": .null, "qrels": .null, "queries": .null,
      "docs": .null, "fields": .null, "query_fields": .null, "id_field": .null, "targets": .null,
      "normalize_targets": .null, "sampling": .null,
      "depth": .null, "sample_size": .null, "add_docs_not_in_ranking": .null, "num_docs": .null,
      "systems": .null, "shuffle": true, "no_duplicates": false,
    ]
    let members = (TrainingConfiguration.defaults.members ?? []).map { member in
      switch member.key {
      case "data": JSON.Member(member.key, data)
      case "max_steps": JSON.Member(member.key, .integer(TrainingConfiguration.defaultSteps))
      case "optimizer": JSON.Member(member.key, OptimizerConfiguration.effective(nil))
      case "losses":
        JSON.Member(member.key, LossConfiguration.effective([["name": "InBatchCrossEntropy"]]))
      default: member
      }
    }
    return .object(members)
  }

  private static func names<T: RawRepresentable & CaseIterable>(_ type: T.Type) -> String
  where T.RawValue == String { T.allCases.map(\.rawValue).joined(separator: ", ") }

  private static let comments: [(String, String)] = [
    ("model", "the folder of a checkpoint or of a bare backbone"),
    ("model_config", "added to its config.json, such as {model_type: lir-dpr}"),
    ("data", "either tuples or run"),
    ("data.tuples", "a file or a list of files, a tuple a line"),
    ("data.format", "as the first lines look, or \(names(TupleFormat.self))"),
    ("data.run", "runs, of which documents are sampled"),
    ("data.qrels", "judgements, with run"),
    ("data.queries", "texts of ids, a file or a list"),
    ("data.docs", "texts of ids, a file or a list"),
    ("data.fields", "fields that make a text, such as [title, text] (as the form has it)"),
    ("data.query_fields", "those of queries (fields)"),
    ("data.id_field", "the field of the id (as the form has it)"),
    ("data.targets", "\(names(TargetKind.self)); for tuples order"),
    ("data.normalize_targets", "with run: moved and scaled to 0...1 (false)"),
    ("data.sampling", "with run: \(names(DocumentSampling.self)) (top)"),
    ("data.depth", "with run: ranks that count (all)"),
    ("data.sample_size", "with run: documents of a query (all)"),
    ("data.add_docs_not_in_ranking", "with run: judged documents, too (false)"),
    ("data.num_docs", "documents of a tuple that count (all)"),
    ("data.systems", "systems whose hard negatives count, with format sbert (all)"),
    ("data.shuffle", "an order of its own for each epoch"),
    ("data.no_duplicates", "no query and no document twice in a batch"),
    ("batch_size", "queries a batch"),
    ("accumulate", "batches a step"),
    (
      "accumulate_mean",
      "what the derivatives of a shorter last step are divided by: \(names(AccumulateMean.self))"
    ),
    ("max_steps", "of max_steps and epochs the one that ends first"),
    ("losses", "any of \(LossConfiguration.names.joined(separator: ", "))"),
    ("optimizer.name", "AdamW, Adam or SGD, which has momentum and nesterov for betas and eps"),
    ("optimizer.no_decay", "parts of names of weights, such as [bias, LayerNorm]"),
    ("optimizer.lr_factors", "factors of lr by parts of names, such as {scorer: 10}"),
    ("schedule", "of the learning rate"),
    ("schedule.name", names(Schedule.Shape.self)),
    ("schedule.warmup", "steps of the rise"),
    ("schedule.delay", "steps of nothing in front of it"),
    ("schedule.final", "factor at which linear and cosine end"),
    ("value_schedules", "such as [{key: losses.0.weight, name: linear, warmup: 100}]"),
    ("clip", "norm that gradients are scaled down to"),
    ("dropout", "as the model's config.json says, or a rate"),
    ("precision", names(TrainingPrecision.self)),
    (
      "lora",
      "low-rank updates, such as {r: 8, alpha: 16, targets: all-linear}; other fields are PEFT's"
    ),
    ("freeze", "parts of names of weights that stay as they are"),
    ("gradient_checkpointing", "compute layers twice, and keep less in memory"),
    ("gradcache", "run the model on as many texts at a time"),
    (
      "validate",
      "such as [{run: r, qrels: q, queries: t, docs: d, measures: [nDCG@10], every: 1000, "
        + "at_start: true, patience: 3}]"
    ),
    ("checkpoint.every", "steps between two"),
    ("checkpoint.keep", "of the last ones; the best one stays"),
    ("log_every", "steps between two lines on the standard error, or one a minute"),
  ]
}
