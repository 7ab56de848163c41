import Failures
import Kernels
import Vectors

/// How the postings of a query's terms in one window become sums of integers, and how far a score
/// can be from what a sum stands for.
///
/// A unit is what 1 of a sum is worth. The score of a document of the window that has a term of the
/// query is within `error` of `unit` times its sum: the codes' errors times the query's weights; what
/// rounding the parts of a sum to integers costs; and what adding up in single precision costs, at most
/// γ = n u / (1 - n u) of the sum of all sizes, and a denormal number each (Higham, Accuracy and
/// Stability of Numerical Algorithms, 3.1).
struct ImpactPlan {
  var runs: [ImpactRun] = []
  var scales: [ImpactScale] = []
  /// Whether sums are numbers with a sign; else one is above zero where a term is there.
  var isSigned = false
  var unit = 0.0
  var error = 0.0
  /// No product of the window is above this.
  var most = 0.0

  /// Weights of the query by run.
  private var weights: [Double] = []

  /// Plans a window.
  ///
  /// - Parameters:
  ///   - query: Terms ascending, within the vocabulary.
  ///   - window: Number of the window.
  ///   - postings: Where the runs are.
  /// - Returns: Whether there is a plan: not where scores may overflow, nothing is known of a code,
  ///   or too many terms would make too coarse a unit.
  /// - Throws: 65 for damaged postings.
  mutating func make(
    _ query: SparseVector, _ window: Int, _ postings: ImpactPostings
  ) throws(Failure) -> Bool {
    runs.removeAll(keepingCapacity: true)
    scales.removeAll(keepingCapacity: true)
    weights.removeAll(keepingCapacity: true)
    (isSigned, error, most) = (false, 0, 0)
    var (size, largestStep) = (0.0, 0.0)
    for (term, value) in zip(query.indices, query.values) {
      guard let run = try postings.run(window, Int(term)) else { continue }
      let weight = Double(value)
      let (low, high) = (weight * Double(run.least), weight * run.most)
      runs.append(run)
      weights.append(weight)
      error += weight.magnitude * Double(run.error)
      size += max(low.magnitude, high.magnitude)
      most += max(low, high, 0)
      largestStep = max(largestStep, weight.magnitude * Double(run.step))
      if low < 0 || high < 0 { isSigned = true }
    }
    // The sizes of weights: codes may be off by their errors.
    let sizes = size + error
    let count = Double(runs.count)
    guard sizes < Double(Float.greatestFiniteMagnitude) / 2 else { return false }
    let room = (isSigned ? 0x7fff : 0xffff) - 3 * count
    guard room > 0x1000 else { return false }
    unit = max(size / room, largestStep * 512 / 0x7fff, 1e-300)
    var rounding = 0.0
    for (run, weight) in zip(runs, weights) { rounding += append(run, weight) }
    let roundoff = count * 0x1p-24
    error += unit * rounding + roundoff / (1 - roundoff) * sizes + count * 0x1p-149
    // What was computed here was rounded, too.
    error *= 1 + 0x1p-30
    most = most * (1 + 0x1p-30) + error
    return true
  }

  /// Chooses the scale of a run's codes.
  ///
  /// - Returns: How far what a code adds can be from what it stands for, in units.
  private mutating func append(_ run: ImpactRun, _ weight: Double) -> Double {
    let wanted = weight * Double(run.step) * 512 / unit
    let factor = max(-0x7fff, min(0x7fff, wanted.rounded()))
    let low = weight * Double(run.least) / unit
    // Products are rounded down, by less than 1: half of that is put in front.
    var base = (low + (factor == 0 ? 0 : 0.5)).rounded()
    if !isSigned { base = max(1, base) }
    scales.append(
      ImpactScale(base: Int16(truncatingIfNeeded: Int(base)), factor: Int16(factor)))
    let start = low - base
    let drift = 254 * (wanted - factor) / 512
    let least = start + min(0, drift)
    let greatest = start + max(0, drift) + (factor == 0 ? 0 : 1)
    return max(least.magnitude, greatest.magnitude) * (1 + 0x1p-30)
  }

  /// The least sum of a document whose product may reach a number.
  ///
  /// - Returns: Nil where no document's can.
  func threshold(_ product: Double) -> Int16? {
    let (least, greatest) = isSigned ? (-0x8000, 0x7fff) : (1, 0xffff)
    let sum = ((product - error) / unit).rounded(.down) - 1
    // Also where it is no number.
    guard sum > Double(least) else { return Int16(truncatingIfNeeded: least) }
    return sum > Double(greatest) ? nil : Int16(truncatingIfNeeded: Int(sum))
  }

  /// What a sum stands for.
  func product(_ sum: Int16) -> Double {
    unit * Double(isSigned ? Int(sum) : Int(UInt16(bitPattern: sum)))
  }
}
