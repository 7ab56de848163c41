import Streams

/// The text of a Makefile that makes a file again, and compares.
struct RemakeFile {
  /// The file's name among the targets.
  let name: String
  /// The file that is made, and what make is asked for: of an index, its manifest.
  let target: String
  let goal: String
  let file: MadeFile
  /// Digest that the file has.
  let digest: String
  let versions: [String]
  let variables: Variables
  let rules: [String]

  var text: String {
    (head + ["functions = " + functions.joined(separator: " "), ""] + goals).joined(separator: "\n")
      + "\n\n" + rules.joined(separator: "\n")
  }

  private var head: [String] {
    [
      "# Makes \(name) again, and compares. make -f THIS OUT=again NAME=PATH...",
      "# Files, indexes and models have the first digits of their digests in their names; those without",
      "# a value are yours to say. The tools come from $PATH.",
      "hash := \\#", "nothing :=",
    ] + variables.lines + [
      "# Compression of \(name) with another level than the usual one, such as zstd:9",
      "COMPRESS ?=", "OUT ?= again", "",
      "SHELL := bash", ".SHELLFLAGS := -euo pipefail -c", ".DELETE_ON_ERROR:", ".SECONDARY:",
      ".PHONY: all inputs", "",
      "$(if $(word 2,$(OUT)),$(error OUT=$(OUT): a folder without spaces, please))",
    ] + variables.demands + [""]
  }

  /// Functions of the shell that recipes call.
  private var functions: [String] {
    [
      "stop() { printf '%s: error: %s\\n' \(Quoting.word(name)) \"$$*\" >&2; exit 1; };",
      "digest() { lir-eval provenance --digest -- \"$$1\"; };",
      "expect() { local has; [ -f \"$${!1}\" ] || [ -d \"$${!1}\" ]"
        + " || stop \"$$1: $$3: no such file or folder: $${!1}\"; has=$$(digest \"$${!1}\");"
        + " [ \"$$has\" = \"$$2\" ]"
        + " || stop \"$$1: $$3: expected the digest $$2, found $$has: $${!1}\"; };",
      "standing() { local has; has=$$(digest \"$$1\"); [ \"$$has\" = \"$$2\" ]"
        + " || stop \"cannot be made again: in front of $$3 the index was changed by what its record\""
        + " \"does not hold (digest $$2, found $$has)\"; };",
    ]
  }

  private var goals: [String] {
    let wanted = file.parts.map { Quoting.word($0.by) }.joined(separator: " ")
    let version = versions.joined(separator: ", ")
    return [
      "all: \(goal)",
      "\t@lir-eval provenance -- \"\(target)\" >$(OUT)/provenance.json",
      "\t@$(functions) printf '%s\\n' \(wanted) | cmp -s - $(OUT)/provenance.json || "
        + "stop 'made of other inputs, or by another version: see $(OUT)/provenance.json'",
      "\t@$(functions) has=$$(digest \"\(target)\"); [ \"$$has\" = \(digest) ] || "
        + "stop \"made in the same way, with other bytes (digest \(digest), found $$has):\""
        + " \"another level of compression (COMPRESS), a part of it, or options that no record has (FLAGS_1, ...)\"",
      "",
      "inputs:",
      "\t@[ \"$$(lir-eval --version)\" = 'lir-eval \(version)' ] || "
        + "echo '\(name): warning: it was made by version \(version)' >&2",
    ] + variables.comparisons
  }
}
