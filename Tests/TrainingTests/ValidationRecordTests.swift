import Testing
import Training

@Suite struct ValidationRecordTests {
  /// The first validation, of which less is better, chooses the model; the second one does not.
  @Test func theFirstValidationChooses() {
    var state = TrainingState()
    state.match(["loss", "measure"], before: [])
    func note(_ step: Int, _ loss: Double, _ measure: Double) -> Bool {
      state.step = step
      let isBest = state.note(loss, of: 0, isBetter: <)
      let isBestBySecond = state.note(measure, of: 1, isBetter: >)
      #expect(!isBestBySecond)
      return isBest
    }
    #expect(note(10, 0.5, 0.5))
    #expect(state.best == .init(value: 0.5, step: 10))
    #expect(!note(20, 0.5, 0.75))
    #expect(state.best == .init(value: 0.5, step: 10))
    #expect(state.waits == [1, 0])
    #expect(note(30, 0.25, 0.5))
    #expect(state.best == .init(value: 0.25, step: 30))
    #expect(!note(40, 0.75, 0.5))
    #expect(state.bests == [0.25, 0.75])
    #expect(state.waits == [1, 2])
  }

  @Test func patienceEndsTraining() {
    var state = TrainingState()
    state.waits = [1, 3]
    #expect(!state.isStopped(by: [nil, nil]))
    #expect(!state.isStopped(by: [2, 4]))
    #expect(state.isStopped(by: [2, 3]))
    #expect(state.isStopped(by: [1, nil]))
    #expect(!TrainingState().isStopped(by: []))
  }
}
