import ArgumentParser

/// A number of bytes as users write it: `512M`, `4G`.
package struct MemorySize: ExpressibleByArgument, CustomStringConvertible, Sendable {
  package var bytes: Int

  package init(bytes: Int) { self.bytes = bytes }

  package init?(argument: String) {
    let units: [Character: Int] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40]
    var digits = Substring(argument.uppercased())
    if digits.hasSuffix("B") { digits.removeLast() }
    var unit = 1
    if let last = digits.last, let known = units[last] {
      unit = known
      digits.removeLast()
    }
    guard let number = Int(digits), number > 0 else { return nil }
    let (bytes, overflow) = number.multipliedReportingOverflow(by: unit)
    if overflow { return nil }
    self.bytes = bytes
  }

  package var description: String {
    for (name, unit) in [("T", 1 << 40), ("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10)]
    where bytes % unit == 0 {
      return "\(bytes / unit)\(name)"
    }
    return String(bytes)
  }

  package var defaultValueDescription: String { description }
}
