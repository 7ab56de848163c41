import ArgumentParser
import Records

/// Options of what makes the ids and texts of records.
package struct FieldOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Fields that make the text, separated by commas; a.b is field b inside a. (default: as the form has it)",
      valueName: "names"))
  package var fields: String?

  @OptionGroup package var queries: QueryFieldOptions

  @Option(
    help: ArgumentHelp(
      "Field that holds the id; of several, separated by commas, the first that a record has. (default: as the form has it)",
      valueName: "names"))
  package var idField: String?

  package init() {}

  /// These options as the readers of documents take them.
  package func records() -> RecordOptions {
    RecordOptions(
      fields: RecordOptionsGroup.list(fields), idFields: RecordOptionsGroup.list(idField))
  }

  /// These options as the readers of queries take them.
  package func queryRecords() -> RecordOptions { queries.records(records()) }
}

/// Option of the fields of queries, where documents are read by other options.
package struct QueryFieldOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Fields that make the text of queries, where they have others than documents. (default: as --fields says)",
      valueName: "names"))
  package var queryFields: String?

  package init() {}

  /// The options of documents, with the fields of queries.
  package func records(_ options: RecordOptions) -> RecordOptions {
    var options = options
    if queryFields != nil { options.fields = RecordOptionsGroup.list(queryFields) }
    return options
  }
}

/// Options of reading text records.
package struct RecordOptionsGroup: ParsableArguments {
  /// Their long flags, which have no effect where no text is read.
  package static let flags: Set = ["record-format", "fields", "id-field", "on-error"]

  @Option(help: "Form of text records: auto, tsv, jsonl or trec.")
  package var recordFormat: RecordFormat = .auto

  @Option(
    help: ArgumentHelp(
      "Fields that make the text, separated by commas; a.b is field b inside a. (default: as the form has it)",
      valueName: "names"))
  package var fields: String?

  @Option(
    help: ArgumentHelp(
      "Field that holds the id; of several, separated by commas, the first that a record has. (default: as the form has it)",
      valueName: "names"))
  package var idField: String?

  @Option(help: "What to do with malformed records: fail, or skip and count.")
  package var onError: RecordErrorPolicy = .fail

  package init() {}

  /// Whether one of them is not at its default.
  package var isSaid: Bool {
    recordFormat != .auto || fields != nil || idField != nil || onError != .fail
  }

  /// These options as the record readers take them.
  ///
  /// - Parameters:
  ///   - content: What a record holds.
  ///   - limit: What `--limit` says, of an input that it is for.
  /// - Returns: The options.
  package func records(
    _ content: RecordContent = .texts, limit: Int? = nil
  ) -> RecordOptions {
    RecordOptions(
      format: recordFormat, fields: Self.list(fields), idFields: Self.list(idField),
      content: content, onError: onError, limit: limit)
  }
}

extension RecordOptionsGroup {
  static func list(_ names: String?) -> [String] {
    names.map { $0.split(separator: ",").map(String.init) } ?? []
  }
}

extension RecordFormat: ExpressibleByArgument {}
extension RecordErrorPolicy: ExpressibleByArgument {}
