import Autograd
import Kernels

/// Sums the derivatives by all weights over processes, while the backward pass computes the rest.
///
/// Parts of about one size go one after another, from the last weight to the first, as a backward
/// pass gets to them, and each as soon as nothing recorded will add to it.
final class GradientSum {
  private let ranks: any Ranks
  private let parts: [[Piece]]
  private let memory: AlignedBuffer
  /// Parts that are done.
  private var done = 0
  private var isUnderWay = false

  /// Some of the derivatives by one weight.
  private struct Piece {
    let weight: TrainedValues
    let range: Range<Int>

    var values: UnsafeMutableBufferPointer<Float> {
      UnsafeMutableBufferPointer(
        start: weight.gradient.pointer + range.lowerBound, count: range.count)
    }
  }

  /// Prepares to sum the derivatives that there are, and those that what is recorded will add.
  ///
  /// All processes must do so at the same point.
  ///
  /// - Parameters:
  ///   - store: The weights.
  ///   - ranks: The processes.
  ///   - partSize: Numbers of a part.
  init(_ store: ParameterStore, _ ranks: any Ranks, partSize: Int) {
    self.ranks = ranks
    let weights = store.parameters.reversed().compactMap(\.training).filter { !$0.isFrozen }
    // A process without queries uses none.
    let uses = ranks.gather(weights.map { $0.hasGradient || $0.uses > 0 ? 1 : 0 })
    var parts: [[Piece]] = []
    var size = partSize
    for (i, weight) in weights.enumerated() where uses.contains(where: { $0[i] != 0 }) {
      weight.addsToGradient()
      var start = 0
      while start < weight.values.count {
        if size == partSize {
          parts.append([])
          size = 0
        }
        let end = min(weight.values.count, start + partSize - size)
        parts[parts.count - 1].append(Piece(weight: weight, range: start..<end))
        size += end - start
        start = end
      }
    }
    self.parts = parts
    let largest = parts.map { $0.reduce(0) { $0 + $1.range.count } }.max() ?? 0
    memory = AlignedBuffer(count: largest)
  }

  /// Goes on as far as derivatives are final, without waiting for other processes.
  func advance() {
    while done < parts.count {
      if !isUnderWay {
        guard parts[done].allSatisfy({ $0.weight.uses == 0 }) else { return }
        begin()
      }
      guard ranks.isSumDone(waiting: false) else { return }
      finishPart()
    }
  }

  /// Waits for the rest.
  func finish() {
    while done < parts.count {
      if !isUnderWay { begin() }
      _ = ranks.isSumDone(waiting: true)
      finishPart()
    }
  }

  private func begin() {
    var place = memory.pointer
    for piece in parts[done] {
      place.update(
        from: piece.weight.gradient.pointer + piece.range.lowerBound, count: piece.range.count)
      place += piece.range.count
    }
    isUnderWay = true
    ranks.beginSum(
      UnsafeMutableBufferPointer(start: memory.pointer, count: place - memory.pointer))
  }

  private func finishPart() {
    var place = memory.pointer
    for piece in parts[done] {
      _ = piece.values.update(
        fromContentsOf: UnsafeBufferPointer(start: place, count: piece.range.count))
      place += piece.range.count
    }
    isUnderWay = false
    done += 1
  }
}
