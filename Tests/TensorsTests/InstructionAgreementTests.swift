import Failures
import Tensors
import Testing

/// Shards of one work and the instruction sets that computed them.
@Suite struct InstructionAgreementTests {
  private static func part(_ precision: String?, _ isa: String?, shard: String? = nil)
    -> StreamDescription
  {
    var description = StreamDescription(role: .doc)
    (description.precision, description.isa, description.shard) = (precision, isa, shard)
    return description
  }

  /// The failure of the part that does not go with the others, and its number.
  private static func refused(_ parts: [StreamDescription]) -> (part: Int, failure: Failure)? {
    var agreement = InstructionAgreement()
    for (number, part) in parts.enumerated() {
      do throws(Failure) {
        try agreement.follow(part, "\(number).lirt")
      } catch {
        return (number, error)
      }
    }
    return nil
  }

  @Test func onlyNamedOnesCount() {
    let f32 = Self.part("f32", nil)
    #expect(Self.refused([f32, Self.part(nil, nil), Self.part("bf16", "avx2"), f32]) == nil)
    #expect(Self.refused([Self.part("bf16", "avx2"), Self.part("int8", "avx2")]) == nil)
    let (one, other) = (Self.part("bf16", "avx2", shard: "1/2"), Self.part("bf16", "avx512"))
    #expect(Self.refused([one, other]) == nil)
    #expect(Self.refused([other, one]) == nil)
    #expect(
      one.difference(from: other).map { [$0.what, $0.1, $0.2] } == ["isa", "avx2", "avx512"])
  }

  /// It says which shard and which instruction sets, whatever lies between.
  @Test(arguments: ["bf16", "int8", "int8+bf16:encoder.layer.0"])
  func othersAreRefused(_ precision: String) throws {
    let found = try #require(
      Self.refused([
        Self.part("f32", nil), Self.part(precision, "avx512", shard: "1/3"),
        Self.part("f32", nil), Self.part(precision, "avx2", shard: "2/3"),
      ]))
    #expect(found.part == 3)
    #expect(found.failure.status == .config)
    #expect(
      found.failure.description == "3.lirt: shard 2/3, computed in \(precision) by avx2, after "
        + "shard 1/3, computed in \(precision) by avx512 in 1.lirt: expected one instruction set")
  }
}
