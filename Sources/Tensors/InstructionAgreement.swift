import Failures

/// Watches that the shards of one work were computed by one instruction set, where that can matter.
///
/// Else they would come to what no one machine writes. In `f32` all give the same bytes, and nothing is
/// recorded. What was encoded whole by different ones goes together (`StreamDescription.difference`).
package struct InstructionAgreement: Sendable {
  /// The first shard that names an instruction set.
  private var first: (description: StreamDescription, place: String)?

  package init() {}

  /// Takes note of a part.
  ///
  /// - Parameters:
  ///   - description: What the part says of itself.
  ///   - place: The part's name, for messages.
  /// - Throws: 78 where it is a shard, and another instruction set computed an earlier one.
  package mutating func follow(
    _ description: StreamDescription, _ place: String
  ) throws(Failure) {
    guard let isa = description.isa, description.shard != nil else { return }
    guard let first else {
      self.first = (description, place)
      return
    }
    if isa == first.description.isa { return }
    throw .config(
      place,
      "\(Self.text(description)), after \(Self.text(first.description)) in \(first.place): expected "
        + "one instruction set",
      hint: "encode one of them again with the --isa of the other, or all with --precision f32, "
        + "whose bytes are the same on every machine")
  }

  private static func text(_ description: StreamDescription) -> String {
    "shard \(description.shard ?? "none"), computed in \(description.precision ?? "f32") by "
      + "\(description.isa ?? "none")"
  }
}
