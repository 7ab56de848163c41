internal import CKernels

/// What the codes of some postings add to a sum: `base + (code - 1) * factor / 512`, rounded down.
package struct ImpactScale: Sendable, Equatable {
  package var base: Int16
  package var factor: Int16

  package init(base: Int16, factor: Int16) {
    self.base = base
    self.factor = factor
  }
}

/// Sums of coded impacts for a window of documents, and what was found among them; memory that is
/// used again and again.
///
/// Not `Sendable`: a worker has its own.
package final class ImpactSums {
  /// Documents of the largest window: places have sixteen bits.
  package static let capacity = 1 << 16
  fileprivate let sums: UnsafeMutablePointer<Int16>
  fileprivate let places: UnsafeMutablePointer<Int32>
  fileprivate let values: UnsafeMutablePointer<Int16>
  /// How many were found at last.
  package fileprivate(set) var count = 0

  package init() {
    sums = .allocate(capacity: Self.capacity)
    sums.initialize(repeating: 0, count: Self.capacity)
    places = .allocate(capacity: Self.capacity)
    values = .allocate(capacity: Self.capacity)
  }

  deinit {
    sums.deallocate()
    places.deallocate()
    values.deallocate()
  }

  /// What was found at last: places ascend.
  package subscript(index: Int) -> (place: Int, sum: Int16) {
    precondition(index >= 0 && index < count, "result \(index) of \(count)")
    return (Int(places[index]), values[index])
  }
}

extension Kernels {
  /// Adds postings to the sums of their documents; sums wrap around.
  ///
  /// - Parameters:
  ///   - codes: A byte from 1 to 255 each.
  ///   - places: Two bytes each, the lower one first: which sum.
  ///   - scale: What a code is worth.
  ///   - sums: What they are added to.
  package func add(
    codes: UnsafeRawBufferPointer, at places: UnsafeRawBufferPointer, _ scale: ImpactScale,
    to sums: ImpactSums
  ) {
    precondition(places.count == 2 * codes.count, "a place for every code")
    guard let first = codes.baseAddress, let place = places.baseAddress else { return }
    table.pointee.add_impacts_at(
      codes.count, place.assumingMemoryBound(to: UInt8.self),
      first.assumingMemoryBound(to: UInt8.self), scale.base, scale.factor, sums.sums)
  }

  /// Adds postings to the sums of the first documents: a code for each of them, or 0 for none.
  ///
  /// - Parameters:
  ///   - codes: A byte each.
  ///   - scale: What a code is worth.
  ///   - sums: What they are added to.
  package func add(
    codes: UnsafeRawBufferPointer, _ scale: ImpactScale, to sums: ImpactSums
  ) {
    precondition(codes.count <= ImpactSums.capacity, "codes of a window")
    guard let first = codes.baseAddress else { return }
    table.pointee.add_impacts(
      codes.count, first.assumingMemoryBound(to: UInt8.self), scale.base, scale.factor, sums.sums)
  }

  /// Finds sums that are not below a threshold, and sets the sums of all places looked at to zero.
  ///
  /// - Parameters:
  ///   - range: The places.
  ///   - threshold: Compared with the sums.
  ///   - unsigned: Whether sums and threshold are bits of numbers without a sign.
  ///   - sums: What is looked at, and holds what is found.
  package func take(
    _ range: Range<Int>, from threshold: Int16, unsigned: Bool, _ sums: ImpactSums
  ) {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= ImpactSums.capacity, "places \(range)")
    let flip: Int16 = unsigned ? .min : 0
    sums.count = table.pointee.take_impacts(
      range.count, sums.sums + range.lowerBound, threshold ^ flip, flip, sums.places, sums.values)
    if range.lowerBound > 0 {
      for index in 0..<sums.count { sums.places[index] += Int32(range.lowerBound) }
    }
  }
}
