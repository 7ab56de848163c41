import Autograd
import Failures
import Glibc
import Kernels
import Models
import Training
import Workers

// Times training steps of a bi-encoder on made-up tokens; `scripts/reference/bench_training.py` runs
// it beside the reference.
//
//   bench-training MODEL STEPS THREADS DOCUMENTS [--checkpoint] [--dropout] [--bf16] [--cpu] < lengths
//
// The input has the number of tokens of each text, queries first; DOCUMENTS is their number per
// query. Output: seconds of each step (of the processors, with --cpu), then the peak of resident memory
// in bytes.

let arguments = CommandLine.arguments
guard arguments.count >= 5, let steps = Int(arguments[2]), let threads = Int(arguments[3]),
  let perQuery = Int(arguments[4])
else { exit(64) }
var lengths: [Int] = []
while let line = readLine() { lengths += line.split(separator: " ").compactMap { Int($0) } }
let queries = lengths.count / (perQuery + 1)

let clock = arguments.contains("--cpu") ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC
func now() -> Double {
  var time = timespec()
  clock_gettime(clock, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

do {
  let trained = try TrainedModel(
    ModelDescription(recognizing: ModelFolder(arguments[1])),
    precision: arguments.contains("--bf16") ? .bf16 : .f32)
  let vocabulary = trained.model.backbone.vocabularySize
  var random = CounterRandom(seed: 1)
  func texts(_ lengths: ArraySlice<Int>) -> PackedBatch {
    var batch = PackedBatch()
    for length in lengths {
      batch.append(
        ids: (0..<length).map { _ in Int32(random.index(below: vocabulary)) },
        typeIDs: repeatElement(0, count: length))
    }
    return batch
  }
  let targets = ScoreTable(
    queries: queries, documents: perQuery,
    values: (0..<queries * perQuery).map { $0 % perQuery == 0 ? 1 : 0 })
  let batch = TrainingBatch(
    .separate(queries: texts(lengths[..<queries]), documents: texts(lengths[queries...])),
    targets: targets)
  let terms = [
    LossTerm(
      "InBatchCrossEntropy",
      .inBatch(
        InBatchCrossEntropy(InBatchSampling(positives: .first, negatives: .allAndNonFirst))))
  ]
  let pool = WorkerPool(threads: threads)
  let tape = Tape(Kernels(), pool, recomputesLayers: arguments.contains("--checkpoint"))
  let update = WeightUpdate(.adamW(.init(betas: (0.9, 0.999), epsilon: 1e-8)), trained.store, pool)
  {
    _ in 0.01
  }
  for step in 0..<steps {
    let start = now()
    trained.store.clearGradients()
    _ = trained.addGradients(
      batch, terms, on: tape,
      dropout: arguments.contains("--dropout") ? .init(seed: 1, step: step) : nil, &random)
    update.step(learningRate: 1e-5, norm: update.gradientNorm(), clip: 1)
    print(now() - start)
  }
  var usage = rusage()
  getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
  print(usage.ru_maxrss * 1024)
} catch {
  print(error)
  exit(1)
}
