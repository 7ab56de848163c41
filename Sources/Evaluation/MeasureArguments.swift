import Failures

/// The parameters of one measure, with the defaults where the name says nothing.
package struct MeasureArguments: Sendable {
  /// The measure's name as it was taken apart.
  package let name: MeasureName

  /// The parameters in a name.
  ///
  /// - Throws: 64 where the measure does not have one of them, or its cutoff.
  init(_ name: MeasureName, _ description: MeasureDescription) throws(Failure) {
    self.name = name
    let known = description.parameters.map(\.name)
    if let unknown = name.parameters.first(where: { !known.contains($0.key) }) {
      throw .usage(
        "measure '\(name)': \(description.name) has no parameter '\(unknown.key)'",
        hint: known.isEmpty
          ? "\(description.name) has no parameters" : "it has \(known.joined(separator: ", "))")
    }
    switch (description.cutoff, name.cutoff) {
    case (.none, .some):
      throw .usage("measure '\(name)': \(description.name) has no cutoff")
    case (.required, nil), (.recall, nil), (.multiple, nil):
      throw .usage(
        "measure '\(name)': \(description.name) needs a cutoff",
        hint: "for example \(description.name)@\(description.cutoff == .required ? "10" : "0.5")")
    default: break
    }
  }

  private func value(_ key: String) -> MeasureName.Value? {
    name.parameters.first { $0.key == key }?.value
  }

  /// Whether a parameter is there.
  package func has(_ key: String) -> Bool { value(key) != nil }

  private func failure(_ key: String, _ expected: String, _ found: MeasureName.Value) -> Failure {
    .usage("measure '\(name)': expected \(expected) as '\(key)', found \(found)")
  }

  /// An integer parameter.
  package func integer(_ key: String, default initial: Int) throws(Failure) -> Int {
    guard let value = value(key) else { return initial }
    guard case .integer(let integer) = value else { throw failure(key, "an integer", value) }
    return integer
  }

  /// An integer parameter without a default.
  package func requiredInteger(_ key: String) throws(Failure) -> Int {
    guard value(key) != nil else {
      throw .usage(
        "measure '\(name)': expected the parameter '\(key)'",
        hint: "for example \(name.name)(\(key)=\(key == "rel" ? 1 : 3))")
    }
    return try integer(key, default: 0)
  }

  /// A parameter that is a number of at least 0.
  package func number(_ key: String, default initial: Double) throws(Failure) -> Double {
    switch value(key) {
    case nil: return initial
    case .integer(let integer) where integer >= 0: return Double(integer)
    case .number(let number) where number >= 0: return number
    case .some(let value): throw failure(key, "a number from 0 on", value)
    }
  }

  /// A parameter that is any number.
  package func signedNumber(_ key: String, default initial: Double) throws(Failure) -> Double {
    switch value(key) {
    case nil: return initial
    case .integer(let integer): return Double(integer)
    case .number(let number): return number
    case .some(let value): throw failure(key, "a number", value)
    }
  }

  /// A parameter that is numbers with commas between, or one number; nil if it is not there.
  package func numbers(_ key: String) throws(Failure) -> [Double]? {
    guard let value = value(key) else { return nil }
    guard case .string(let text) = value else { return [try signedNumber(key, default: 0)] }
    var numbers: [Double] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      guard let number = Double(part), number.isFinite else {
        throw failure(key, "numbers with commas between", value)
      }
      numbers.append(number)
    }
    return numbers
  }

  /// A parameter that is on or off.
  package func boolean(_ key: String, default initial: Bool) throws(Failure) -> Bool {
    guard let value = value(key) else { return initial }
    guard case .boolean(let boolean) = value else { throw failure(key, "True or False", value) }
    return boolean
  }

  /// A parameter that is one of some words.
  package func word(_ key: String, of words: [String]) throws(Failure) -> String {
    guard let value = value(key) else { return words[0] }
    guard case .string(let word) = value, words.contains(word) else {
      throw failure(key, words.map { "'\($0)'" }.joined(separator: " or "), value)
    }
    return word
  }

  /// A parameter that maps grades to gains; nil if it is not there.
  package func table(_ key: String) throws(Failure) -> [Int: Double]? {
    guard let value = value(key) else { return nil }
    guard case .table(let table) = value else { throw failure(key, "a table {1:1,2:3}", value) }
    // Sums of larger ones would be no numbers.
    guard table.values.allSatisfy({ abs($0) <= 1e300 }) else {
      throw failure(key, "values of at most 1e300", value)
    }
    return table
  }

  /// The lowest grade that counts as relevant.
  package func relevanceLevel() throws(Failure) -> Int {
    let level = try integer("rel", default: 1)
    // Below 0 documents without a judgement would be relevant.
    guard level >= 0 else {
      throw .usage("measure '\(name)': expected a grade of at least 0 as 'rel', found \(level)")
    }
    return level
  }

  /// The number of documents that are looked at: all without a cutoff.
  package func cutoff() throws(Failure) -> Int {
    guard let text = name.cutoff else { return .max }
    guard let cutoff = Int(text), cutoff >= 1 else {
      throw .usage("measure '\(name)': expected a cutoff of at least 1, found '\(text)'")
    }
    return cutoff
  }

  /// The factor behind the `@`.
  package func multiple() throws(Failure) -> Double {
    guard let text = name.cutoff, let factor = Double(text), factor >= 0 else {
      throw .usage("measure '\(name)': expected a number behind the @")
    }
    return factor
  }

  /// The recall behind the `@`.
  package func recall() throws(Failure) -> Double {
    guard let text = name.cutoff, let recall = Double(text), (0...1).contains(recall) else {
      throw .usage("measure '\(name)': expected a recall between 0 and 1 behind the @")
    }
    return recall
  }
}
