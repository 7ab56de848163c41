import Failures

extension MeasureRegistry {
  /// All measures, a line each.
  package static var listing: String {
    let names = all.map { ([$0.description.name] + $0.description.aliases).joined(separator: ", ") }
    let width = names.map(\.count).max() ?? 0
    return zip(names, all).map { name, type in
      name + String(repeating: " ", count: width - name.count + 2) + type.description.summary
    }.joined(separator: "\n")
  }

  /// What a measure means; parameters in its name do not matter.
  ///
  /// - Throws: 64 where there is none of the name.
  package static func explanation(_ text: String) throws(Failure) -> String {
    if let name = try TrecNames.measures(text)?.first {
      return try type(of: written(out: name)).description.help
    }
    return try type(of: written(out: MeasureName(parsing: text))).description.help
  }
}
