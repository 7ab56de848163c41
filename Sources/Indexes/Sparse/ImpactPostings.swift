import Failures
import IndexFormat

/// The postings of a segment in the layout of windows: for every window of documents a run for every
/// term that occurs there.
struct ImpactPostings: Sendable {
  /// Size of the vocabulary.
  let terms: Int
  /// Documents of a window; the last one may have fewer.
  let window: Int
  private let starts: MappedColumn<Int64>
  private let bytes: MappedColumn<UInt8>
  private let segment: IndexSegment

  /// - Throws: 65 where the files do not fit the manifest or each other.
  init(_ segment: IndexSegment, window: Int) throws(Failure) {
    self.segment = segment
    self.window = window
    guard let terms = segment.manifest.source.dimension else {
      throw .data(segment.folder, "damaged: a sparse index without a vocabulary")
    }
    self.terms = terms
    starts = try segment.column(Sparse.starts, as: Int64.self)
    bytes = try segment.column(Sparse.postings, as: UInt8.self)
    let windows = Self.windows(segment.documents, window)
    guard starts.count == windows * terms + 1, starts[0] == 0,
      starts[starts.count - 1] == bytes.count
    else { throw damaged("postings of \(starts.count - 1) terms in \(windows) windows") }
  }

  /// Number of windows.
  static func windows(_ documents: Int, _ window: Int) -> Int {
    (documents + window - 1) / window
  }

  var windows: Int { Self.windows(segment.documents, window) }

  /// The documents of a window.
  func documents(_ window: Int) -> Range<Int> {
    window * self.window..<min((window + 1) * self.window, segment.documents)
  }

  /// The bytes of a term's run in a window; none where it does not occur there.
  ///
  /// - Throws: 65 where they are not in the file.
  func bytes(_ window: Int, _ term: Int) throws(Failure) -> UnsafeRawBufferPointer {
    let place = window * terms + term
    let (start, end) = (Int(starts[place]), Int(starts[place + 1]))
    guard start >= 0, start <= end, end <= bytes.count else {
      throw damaged("the postings of term \(term) lie outside of the file")
    }
    return bytes.bytes(start..<end)
  }

  /// A term's run in a window; nil where it does not occur there.
  ///
  /// - Throws: 65 for bytes that are no run.
  func run(_ window: Int, _ term: Int) throws(Failure) -> ImpactRun? {
    let bytes = try bytes(window, term)
    if bytes.isEmpty { return nil }
    guard let run = ImpactRun(bytes, documents: documents(window).count) else {
      throw damaged("the postings of term \(term)")
    }
    return run
  }

  /// Compares all runs with those of the vectors, and bounds with both.
  ///
  /// - Throws: 65 for the first that is another.
  func check(_ turn: WindowTurn, _ bounds: WindowBounds) throws(Failure) {
    for window in 0..<windows {
      var term = 0
      try turn.runs(window) { run throws(Failure) in
        let stored = try bytes(window, term)
        guard run.elementsEqual(stored) else {
          throw damaged("the postings of term \(term) are not those of the vectors")
        }
        guard
          bounds.covers(
            window, term, WindowBoundWriter.bound(run, documents: documents(window).count))
        else { throw damaged("the bound of term \(term) in window \(window) is too small") }
        term += 1
      }
    }
  }

  func damaged(_ what: String) -> Failure { .data(segment.folder, "damaged: \(what)") }
}
