import ArgumentParser
import Failures
import Records
import Streams

/// Options of every tool.
package struct CommonOptions: ParsableArguments, OptionsWithoutEffect {
  package static let withoutEffect: [String] = [
    "threads", "config", "print-config", "progress", "verbose", "quiet", "log-format",
    "allow-empty",
  ]

  @Option(
    help:
      "Threads that work at once; 0 for the CPUs this process may use. The output does not depend on it. (default: $LIR_THREADS or 0)"
  )
  package var threads: Int?

  @Option(help: "Seed of everything random; recorded in outputs.")
  package var seed = Seed()

  @Option(
    help: ArgumentHelp(
      "YAML file whose keys are long flags (for lir-train: its own); flags on the command line win.",
      valueName: "file"))
  package var config: String?

  @Flag(help: "Write the settings in force as YAML, and stop.")
  package var printConfig = false

  @Flag(
    help:
      "Take an input of not one byte for one of no records; without, it is an error, as it mostly is what a stage that died has left."
  )
  package var allowEmpty = false

  @Option(
    help:
      "When to show progress: auto (work of more than a second, stderr a terminal and stdout none), always or never."
  )
  package var progress: ProgressPolicy = .auto

  @Flag(
    name: .shortAndLong,
    help: "Say more on stderr, with the time: what is worked on, and where it goes.")
  package var verbose = false

  @Flag(name: .shortAndLong, help: "Say nothing but errors.")
  package var quiet = false

  @Option(help: "Form of the messages on stderr: text, or json, an object a line.")
  package var logFormat: Diagnostics.Format = .text

  package init() {}
}

/// `--seed`.
package struct Seed: ExpressibleByArgument, Sendable, CustomStringConvertible {
  package let value: UInt64
  /// Whether the seed is from the command line; else it is the default of all tools.
  package let isGiven: Bool

  /// The seed where none is given.
  init() { (value, isGiven) = (42, false) }

  package init?(argument: String) {
    guard let value = UInt64(argument) else { return nil }
    (self.value, isGiven) = (value, true)
  }

  package var description: String { String(value) }
}

/// `--progress`.
package enum ProgressPolicy: String, ExpressibleByArgument, CaseIterable, Sendable {
  case auto, always, never
}

extension Diagnostics.Format: ExpressibleByArgument {}

/// Options of the output: its file, its compression, its provenance.
package struct OutputOptions: ParsableArguments, OptionsWithoutEffect {
  package static let withoutEffect: [String] = ["output", "compress", "no-provenance"]

  @Option(
    name: [.customShort("o"), .long],
    help: ArgumentHelp(
      "Output file, written beside its place and renamed; - for the standard output.",
      valueName: "file"))
  package var output: String = "-"

  @Option(
    help: ArgumentHelp(
      "Compression of the output: zstd, lz4 or none, with :LEVEL if wanted. (default: as the suffix says)",
      valueName: "codec"), completion: .list(["zstd", "lz4", "none"]))
  package var compress: String?

  @Flag(help: "Leave out of the output what made it.")
  package var noProvenance = false

  package init() {}

  /// The compression in force.
  package func compression() throws(Failure) -> Compression {
    guard let compress else {
      if let suffix = [".gz", ".bz2", ".xz"].first(where: { output.hasSuffix($0) }) {
        throw .usage(
          "\(output): \(suffix) is read, but not written", hint: "name it .zst or .lz4")
      }
      return Compression(suffixOf: output)
    }
    guard let compression = Compression(compress) else {
      throw .usage("--compress: expected zstd, lz4 or none, perhaps with :LEVEL, found \(compress)")
    }
    return compression
  }
}

/// Continuing after a kill.
package struct ResumeOptions: ParsableArguments, OptionsWithoutEffect {
  package static let withoutEffect: [String] = ["resume"]

  @Flag(
    help:
      "Continue the partial output that a killed run of the same work left; the result is the same bytes."
  )
  package var resume = false

  package init() {}
}

/// Leaving alone what is whole, in tools that keep nothing of what a kill ends.
package struct KeepingOptions: ParsableArguments, OptionsWithoutEffect {
  package static let withoutEffect: [String] = ["resume"]

  @Flag(
    help:
      "Leave an output as it is that is whole and of the same work; any other is made again, and a message says why."
  )
  package var resume = false

  package init() {}
}

/// Some of the input's records: a part of several, or the first ones.
package struct ShardOptions: ParsableArguments, OptionsWithoutEffect {
  package static let withoutEffect: [String] = ["shard"]

  @Option(
    help: ArgumentHelp(
      "Work on part I of N of the records, from 1; I may be auto under Slurm, PBS, SGE or LSF.",
      valueName: "i/n"))
  package var shard: String?

  @Option(
    help: ArgumentHelp(
      "Read the first N records and no more; shards are parts of those. (default: all)",
      valueName: "n"))
  package var limit: Int?

  package init() {}
}

/// What `--limit` says: the first records of an input alone.
package enum RecordLimit {
  /// Refuses a limit that leaves nothing.
  ///
  /// - Throws: 64.
  package static func check(_ limit: Int?) throws(Failure) {
    if let limit, limit < 1 { throw .usage("--limit: expected at least 1, found \(limit)") }
  }

  /// The ordinals that count of an input.
  package static func range(_ limit: Int?) -> Range<Int> { 0..<(limit ?? .max) }
}

/// Options that choose a model: its folder or its name, configuration, query model and adapter.
package struct ModelOptions: ParsableArguments, OptionsWithoutEffect {
  package static let withoutEffect: [String] = ["model", "model-config", "query-model", "adapter"]

  @Option(
    help: ArgumentHelp(
      "Model folder, or a name such as webis/splade of one that fetch-model has fetched to $LIR_MODELS.",
      valueName: "dir"))
  package var model: String?

  @Option(
    help: ArgumentHelp(
      "JSON object, or a file that holds one, that adds to or overrides the folder's config.json.",
      valueName: "json|file"))
  package var modelConfig: String?

  @Option(
    help: ArgumentHelp(
      "Model folder (or name) for queries, where they have a model of their own.",
      valueName: "dir"))
  package var queryModel: String?

  @Option(
    help: ArgumentHelp(
      "PEFT folder whose low-rank updates are added to the weights of --model.", valueName: "dir"))
  package var adapter: String?

  @OptionGroup package var instructions: InstructionOptions

  package init() {}
}

/// Option of the instruction set that a model runs on.
package struct InstructionOptions: ParsableArguments, OptionsWithoutEffect {
  package static let withoutEffect: [String] = ["isa"]

  @Option(
    help: "Instruction set: auto, avx512, avx2 or portable. f32 results do not depend on it.")
  package var isa: InstructionSetName = .auto

  package init() {}
}

/// Options of a model's precision, its calibration and its cache.
package struct PrecisionOptions: ParsableArguments, OptionsWithoutEffect {
  package static let withoutEffect: [String] = ["calibrate", "cache"]

  @Option(
    help:
      "Precision of the model's linear layers: f32, bf16 or int8. With the latter two attention multiplies in bf16; all else is in f32."
  )
  package var precision: ComputePrecision = .f32

  @Option(
    help: ArgumentHelp(
      "Texts (for lir-rerank: pairs) to compare int8 with f32 on: prints a line of JSON for each layer, and stops. With --precision int8: keeps layers in bf16 that int8 does not suit.",
      valueName: "file"))
  package var calibrate: String?

  @Option(
    help: ArgumentHelp(
      "Folder that keeps the model's weights as they are computed with, made where it is not there: the next start maps them. The output does not depend on it.",
      valueName: "dir"))
  package var cache: String?

  package init() {}
}

/// `--precision`.
package enum ComputePrecision: String, ExpressibleByArgument, CaseIterable, Sendable {
  case f32, bf16, int8
}

/// `--isa`.
package enum InstructionSetName: String, ExpressibleByArgument, CaseIterable, Sendable {
  case auto, avx512, avx2, portable
}
