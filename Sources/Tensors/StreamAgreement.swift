import Failures

/// Watches that the streams of one work belong together: one kind, one model, one width, shards in
/// order and of one instruction set.
package struct StreamAgreement: Sendable {
  private var previous: (schema: StreamSchema, description: StreamDescription)?
  private var shards: ShardSequence
  private var instructions = InstructionAgreement()

  /// - Parameter allowsLonePart: Whether one shard of any number may stand alone.
  package init(allowsLonePart: Bool = false) {
    shards = ShardSequence(allowsLonePart: allowsLonePart)
  }

  /// Takes note of the next segment of the stream `place`.
  ///
  /// - Returns: What a user is to be warned of: streams that go together, but that one run would
  ///   not have written.
  /// - Throws: 65 where the segment does not go with those before it, 78 where it is of a shard, and
  ///   another instruction set computed an earlier one.
  package mutating func follow(
    _ segment: TensorSegment, _ place: String
  ) throws(Failure) -> String? {
    defer { previous = (segment.schema, segment.description) }
    var warning: String?
    if let previous {
      if segment.schema != previous.schema {
        throw .data(place, "holds another kind or element type than the streams before it")
      }
      if segment.first == 0 {
        if let (what, old, new) = previous.description.disagreement(with: segment.description) {
          throw .data(place, "the streams disagree: \(what) \(old) is followed by \(what) \(new)")
        }
        if let (what, old, new) = previous.description.difference(from: segment.description) {
          warning = "\(place): \(what) \(old) is followed by \(what) \(new)"
        }
      }
    }
    if segment.first == 0 {
      try shards.follow(segment.description.shard, place)
      try instructions.follow(segment.description, place)
    }
    return warning
  }

  /// What is missing at the end; nil if the shards are complete or there are none.
  package var missing: String? { shards.missing }
}
