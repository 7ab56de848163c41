import Failures

/// Counts what rendering a chat template does.
///
/// A few lines of loops, or of lists that hold one another twice, would go on for ever and take all memory, and
/// folders of models are downloads. A template that writes some messages does a few thousand steps.
final class TemplateWork {
  /// Characters and elements that a value has at most, those of its elements among them.
  static let mostInValue = 1 << 18
  /// Steps, and characters and elements of all that is made.
  static let mostInAll = 1 << 22

  private let place: String
  private var done = 0

  init(_ place: String) { self.place = place }

  /// Counts some steps.
  ///
  /// - Throws: 65 where they are too many.
  func add(_ steps: Int) throws(Failure) {
    done += steps
    guard done <= Self.mostInAll else {
      throw .data(place, "chat template: expected at most \(Self.mostInAll) steps, found more")
    }
  }

  /// Counts a value.
  ///
  /// - Returns: The value.
  /// - Throws: 65 where it is too large, or the steps are too many.
  func counted(_ value: TemplateValue) throws(Failure) -> TemplateValue {
    let weight = value.weight(atMost: Self.mostInValue)
    guard weight <= Self.mostInValue else { throw tooLarge() }
    try add(weight)
    return value
  }

  /// Sees that texts can be joined.
  ///
  /// - Parameters:
  ///   - parts: The texts.
  ///   - separator: What comes between two of them.
  /// - Returns: One text.
  /// - Throws: 65 where it is too large.
  func joined(_ parts: [String], separator: String) throws(Failure) -> String {
    var size = 0
    for part in parts {
      size += part.utf8.count + separator.utf8.count
      guard size <= 2 * Self.mostInValue else { throw tooLarge() }
    }
    return parts.joined(separator: separator)
  }

  private func tooLarge() -> Failure {
    .data(
      place,
      "chat template: expected values of at most \(Self.mostInValue) characters and elements, "
        + "found a larger one")
  }
}

extension TemplateValue {
  /// Characters and elements, one at least; more than `most` are not counted to their end.
  fileprivate func weight(atMost most: Int) -> Int {
    var weight = 1
    switch self {
    case .undefined, .none, .bool, .integer: break
    case .string(let text): weight += text.utf8.count
    case .list(let values):
      for value in values {
        weight += value.weight(atMost: most - weight)
        if weight > most { break }
      }
    case .object(let members):
      for (key, value) in members {
        weight += key.utf8.count + value.weight(atMost: most - weight)
        if weight > most { break }
      }
    }
    return weight
  }
}
