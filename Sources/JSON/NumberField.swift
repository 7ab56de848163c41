import Failures

/// A field of a configuration that has to be a number within a range.
///
/// Every number that a file gives goes through here before anything is allocated or multiplied by it:
/// one comparison, and one form of the message that names file, field, range and what was found.
package struct NumberField {
  private let value: JSON?
  private let name: String
  private let place: String?

  /// - Parameters:
  ///   - name: The field's, as messages call it.
  ///   - value: What the file has; nil where it has nothing.
  ///   - place: The file.
  package init(_ name: String, _ value: JSON?, at place: String?) {
    self.name = name
    self.value = value
    self.place = place
  }

  /// A member of an object.
  ///
  /// - Parameters:
  ///   - name: The member's key.
  ///   - object: The object.
  ///   - place: The file.
  package init(_ name: String, of object: JSON, at place: String?) {
    self.init(name, object[name], at: place)
  }

  /// The integer, which has to be there; `3.0` and `3e0` are integers.
  ///
  /// - Throws: 78 where there is none, or one outside of the range.
  package func integer(in range: ClosedRange<Int>) throws(Failure) -> Int {
    guard let number = value?.integer, range.contains(number) else {
      throw failure(Self.text(range))
    }
    return number
  }

  /// The integer; nil where the field is absent or null.
  ///
  /// - Throws: 78 where it is anything else than an integer within the range.
  package func optionalInteger(in range: ClosedRange<Int>) throws(Failure) -> Int? {
    guard let value, !value.isNull else { return nil }
    guard let number = value.integer, range.contains(number) else {
      throw failure(Self.text(range) + " or null")
    }
    return number
  }

  /// The number, which has to be there.
  ///
  /// - Throws: 78 where there is none, or one outside of the range.
  package func double(in range: ClosedRange<Double>) throws(Failure) -> Double {
    guard let number = value?.double, range.contains(number) else {
      throw failure(Self.text(range))
    }
    return number
  }

  /// The number; nil where the field is absent or null.
  ///
  /// - Throws: 78 where it is anything else than a number within the range.
  package func optionalDouble(in range: ClosedRange<Double>) throws(Failure) -> Double? {
    guard let value, !value.isNull else { return nil }
    guard let number = value.double, range.contains(number) else {
      throw failure(Self.text(range) + " or null")
    }
    return number
  }

  private static func text(_ range: ClosedRange<Int>) -> String {
    "an integer from \(range.lowerBound) to \(range.upperBound)"
  }

  private static func text(_ range: ClosedRange<Double>) -> String {
    "a number from \(bound(range.lowerBound)) to \(bound(range.upperBound))"
  }

  /// A bound as people write it: `1`, not `1.0`.
  private static func bound(_ value: Double) -> String {
    Int(exactly: value).map { String($0) } ?? String(value)
  }

  private func failure(_ expected: String) -> Failure {
    .config(place, "\(name): expected \(expected), found \(value?.excerpt ?? "nothing")")
  }
}

extension JSON {
  /// The value as JSON text, cut where a message would be flooded by it.
  package var excerpt: String {
    let most = 80
    let text = serialized()
    return text.utf8.count <= most ? text : String(text.prefix(most - 3)) + "..."
  }
}
