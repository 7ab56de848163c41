/// What other programs call an option, and what it is called here.
enum OptionHabits {
  /// What is meant by a name that nobody here has.
  struct Meaning {
    /// Spellings here, of which the first that the command has is meant: `-k`, or `INPUT` for its
    /// operands.
    var here: [String]
    /// What is different; nil where nothing is.
    var note: String?

    init(_ here: [String], _ note: String? = nil) {
      self.here = here
      self.note = note
    }
  }

  /// Stands for the operands of a command.
  static let operands = "INPUT"

  /// The meaning of a long option without its dashes, or of a short one's letter.
  static func meaning(of name: String) -> Meaning? {
    let name = name.replacing("_", with: "-").lowercased()
    return table.first { $0.names.contains(name) }?.meaning
  }

  private static let table: [(names: [String], meaning: Meaning)] = [
    (
      [
        "k", "top-k", "topk", "hits", "n-results", "num-results", "max-results", "n-hits", "top",
        "top-n", "n", "num-hits",
      ],
      Meaning(["-k", "--depth", "--sample-size"])
    ),
    (
      ["batch-size", "bs", "batch", "b", "per-device-batch-size", "encode-batch-size"],
      Meaning(
        ["--batch-tokens", "--set"],
        "it counts tokens, the texts of a batch have what lengths they have")
    ),
    (
      ["device", "gpu", "gpus", "cuda", "no-cuda", "cpu", "use-gpu", "devices", "accelerator"],
      Meaning(["--threads"], "everything runs on CPUs, on as many as there are")
    ),
    (
      ["fp16", "bf16", "half", "int8", "quantize", "quantise", "quantization", "load-in-8bit"],
      Meaning(["--precision"], "--precision bf16 or int8")
    ),
    (
      ["query", "queries", "query-file", "topics", "queries-file"],
      Meaning(["--queries", "--queries-text", operands])
    ),
    (
      [
        "corpus", "doc", "docs", "document", "documents", "passages", "collection", "corpus-file",
        "docs-file",
      ], Meaning(["--docs", operands])
    ),
    (
      ["input", "inputs", "input-file", "infile", "i", "in", "data", "texts", "run", "runs"],
      Meaning([operands])
    ),
    (
      [
        "out", "outfile", "output-file", "output-dir", "output-path", "save-path", "output-folder",
        "save", "index-path", "outdir",
      ],
      Meaning(["--output", "--index"])
    ),
    (
      [
        "model-name", "model-name-or-path", "model-path", "model-dir", "checkpoint", "encoder", "m",
        "tokenizer", "tokenizer-name", "pretrained",
      ],
      Meaning(["--model"])
    ),
    (
      [
        "max-seq-length", "max-len", "max-seq-len", "max-tokens", "max-token", "maxlen",
        "query-length", "doc-length", "query-max-length", "passage-max-length", "truncate",
      ],
      Meaning(["--max-length"])
    ),
    (
      [
        "num-threads", "nthreads", "workers", "num-workers", "jobs", "j", "nproc", "t", "thread",
        "processes", "num-processes", "cores", "cpus", "parallel",
      ],
      Meaning(["--threads"])
    ),
    (["metric", "metrics", "measures", "measure"], Meaning(["--measure"])),
    (["qrel", "judgements", "judgments", "relevance", "judgement-file"], Meaning(["--qrels"])),
    (
      [
        "instruction", "instruct", "prefix", "prompt-name", "query-prefix", "doc-prefix",
        "query-prompt", "query-instruction", "prompts",
      ],
      Meaning(["--prompt"])
    ),
    (
      ["dim", "truncate-dim", "dimension", "dimensions", "embedding-dim", "output-dimension"],
      Meaning(["--dims"])
    ),
    (["index-type", "method", "factory"], Meaning(["--type", "--method"])),
    (["index-dir", "index-folder", "idx"], Meaning(["--index"])),
    (["cache-dir", "cache-folder"], Meaning(["--cache"])),
    (["random-seed", "rng-seed", "random-state"], Meaning(["--seed"])),
    (["text-field", "text-key", "field", "text-column", "columns"], Meaning(["--fields"])),
    (["id-key", "id-column", "docid-field"], Meaning(["--id-field"])),
    (["output-format", "out-format", "fmt"], Meaning(["--format"])),
    (
      ["max-docs", "max-queries", "max-samples", "num-docs", "num-samples", "head", "first"],
      Meaning(["--limit"])
    ),
    (["debug", "log-level", "loglevel", "verbosity", "V"], Meaning(["--verbose"])),
    (["silent", "no-progress"], Meaning(["--quiet"])),
    (
      ["no-progress-bar", "show-progress", "show-progress-bar", "progress-bar"],
      Meaning(["--progress"])
    ),
    (
      ["remove-self", "ignore-identical-ids", "exclude-self", "remove-query"],
      Meaning(["--drop-self"])
    ),
    (["run-tag", "runtag", "tagname", "run-name"], Meaning(["--tag"])),
    (["type-of-text", "mode", "is-query", "encode-type"], Meaning(["--role"])),
    (["lora", "peft", "adapter-path", "lora-path"], Meaning(["--adapter"])),
    (
      [
        "lr", "learning-rate", "epochs", "num-epochs", "max-steps", "train-batch-size", "warmup",
        "warmup-steps", "loss", "weight-decay", "train-data", "eval-steps", "num-train-epochs",
      ],
      Meaning(
        ["--set"],
        "training is described in the file of --config, and --set changes a value: "
          + "--set optimizer.lr=2e-5")
    ),
  ]
}
