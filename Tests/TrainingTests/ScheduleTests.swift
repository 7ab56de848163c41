import Foundation
import JSON
import TestSupport
import Testing
import Training

@Suite struct ScheduleTests {
  private static let shapes: [String: Schedule.Shape] = [
    "LinearLRSchedulerWithLinearWarmup": .linear,
    "ConstantLRSchedulerWithLinearWarmup": .constant,
    "GenericLinearSchedulerWithLinearWarmup": .linear,
    "GenericConstantSchedulerWithLinearWarmup": .constant,
    "GenericConstantSchedulerWithQuadraticWarmup": .quadratic,
    "LinearSchedulerWithLinearWarmup": .linear,
    "ConstantSchedulerWithLinearWarmup": .constant,
    "ConstantSchedulerWithQuadraticWarmup": .quadratic,
  ]

  @Test(arguments: Fixtures.folders("schedulers/all"))
  func valuesEqualTheReferences(_ folder: String) throws {
    let expected = try Data(contentsOf: URL(fileURLWithPath: folder + "/expected.json"))
    let cases = try JSONParser.parse([UInt8](expected))["cases"]?.array ?? []
    #expect(cases.count > 10)
    for item in cases {
      let name = try #require(item["scheduler"]?.string)
      let params = item["params"]
      let schedule = try Schedule(
        try #require(Self.shapes[name], "\(name)"),
        steps: params?["num_training_steps"]?.integer ?? 0,
        warmup: params?["num_warmup_steps"]?.integer ?? 0,
        delay: params?["num_delay_steps"]?.integer ?? 0,
        final: params?["final_value"]?.double ?? 0)
      let base = try #require(item["base"]?.double)
      // Where the reference divides by zero there is nothing to compare.
      guard let values = item["values"]?.array else {
        #expect(item["error"] != nil)
        continue
      }
      let isGeneric = name.hasPrefix("Generic")
      for (step, value) in values.enumerated() {
        let found = base * schedule.factor(isGeneric ? step + 1 : step)
        let wanted = try #require(value.double)
        #expect(abs(found - wanted) <= 1e-9, "\(name) \(step): \(found), \(wanted)")
      }
    }
  }

  /// Values of transformers' `get_cosine_schedule_with_warmup(warmup 4, steps 20)`, by its formula.
  @Test func cosineFallsAlongHalfAWave() throws {
    let schedule = try Schedule(.cosine, steps: 20, warmup: 4)
    #expect(schedule.factor(0) == 0)
    #expect(schedule.factor(2) == 0.5)
    #expect(schedule.factor(4) == 1)
    // progress (12 - 4) / 16 = 1/2, (8 - 4) / 16 = 1/4
    #expect(abs(schedule.factor(12) - 0.5) < 1e-12)
    #expect(abs(schedule.factor(8) - 0.5 * (1 + 0.5.squareRoot())) < 1e-12)
    #expect(schedule.factor(20) == 0)
    #expect(schedule.factor(25) == 0)
  }

  @Test func nothingToDecayOverEndsAtTheFinalValue() throws {
    let schedule = try Schedule(.linear, steps: 10, warmup: 10, final: 0.25)
    #expect(schedule.factor(9) == 0.9)
    #expect(schedule.factor(10) == 0.25)
  }
}
