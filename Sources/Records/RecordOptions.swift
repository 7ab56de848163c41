/// How text records are written down.
package enum RecordFormat: String, Sendable, CaseIterable {
  /// What the file's suffix says (`.tsv`, `.jsonl`, `.ndjson`, `.json`, `.trec`, `.sgml`, before
  /// that of a compression), else what its first bytes look like.
  case auto
  /// `id<TAB>text`, without quoting.
  case tsv
  /// One JSON object a line.
  case jsonl
  /// TREC SGML: `<DOC>` or `<top>` elements.
  case trec

  /// What the suffix of a file says; nil if nothing.
  init?(suffixOf path: String) {
    var name = Substring(path)
    for suffix in [".zst", ".lz4", ".gz", ".bz2", ".xz"] where name.hasSuffix(suffix) {
      name = name.dropLast(suffix.count)
    }
    let suffixes: [(String, RecordFormat)] = [
      (".tsv", .tsv), (".jsonl", .jsonl), (".ndjson", .jsonl), (".json", .jsonl),
      (".trec", .trec), (".sgml", .trec),
    ]
    guard let known = suffixes.first(where: { name.hasSuffix($0.0) }) else { return nil }
    self = known.1
  }

  /// What the first bytes of a file look like: `{` is JSON, a tag SGML, all else TSV.
  init(detecting bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.firstIndex(where: { !Bytes.isSpace($0) }) else {
      self = .tsv
      return
    }
    let head = bytes[start...].prefix(4).map { $0 | 0x20 }
    if bytes[start] == UInt8(ascii: "{") {
      self = .jsonl
    } else if head == Array("<doc".utf8) || head == Array("<top".utf8) {
      self = .trec
    } else {
      self = .tsv
    }
  }
}

/// What a text record holds.
package enum RecordContent: Sendable {
  /// An id and a text.
  case texts
  /// The ids and the texts of a query and a document.
  case pairs
}

/// What happens at a bad record.
package enum RecordErrorPolicy: String, Sendable, CaseIterable {
  /// Stop with its `Failure`.
  case fail
  /// Count it and go on.
  case skip
}

/// How text records are read.
package struct RecordOptions: Sendable {
  /// How they are written down.
  package var format: RecordFormat
  /// The fields that make up the text, in this order, joined by one space; empty: the usual ones.
  ///
  /// JSON: keys, with dots between those that lead to a nested one. TSV: numbers of columns (the id is
  /// column 1), or names from a header. SGML: tags.
  package var fields: [String]
  /// The fields that hold the id, of which the first that a record has counts; empty: the usual ones.
  package var idFields: [String]
  /// Whether they are texts or pairs.
  package var content: RecordContent
  /// What happens at a bad one.
  package var onError: RecordErrorPolicy
  /// Records that are read, from the first on; nil for all.
  package var limit: Int?

  /// Options; the defaults recognise what they can.
  package init(
    format: RecordFormat = .auto, fields: [String] = [], idFields: [String] = [],
    content: RecordContent = .texts, onError: RecordErrorPolicy = .fail, limit: Int? = nil
  ) {
    self.format = format
    self.fields = fields
    self.idFields = idFields
    self.content = content
    self.onError = onError
    self.limit = limit
  }
}
