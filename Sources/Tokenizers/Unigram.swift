import Failures

/// The Unigram model: a word is cut into the pieces whose scores have the largest sum.
///
/// Source: `models/unigram/model.rs` of Hugging Face `tokenizers` 0.22.2 (`encode_optimized` and
/// `tokenize`). Sums are in double precision, from the left; of equal ones the first found stays.
struct Unigram: Sendable {
  let vocabulary: Vocabulary
  /// Finds strings of pieces, not their ids: a string that is listed twice has one id, its last.
  private let trie: ByteTrie
  private let scores: [Double]
  /// The score of a scalar that is no piece.
  private let unknownScore: Double
  /// Nil: a text with a scalar that is no piece is an error.
  let unknownID: Int32?
  /// The ids of `<0x00>`…`<0xFF>`, -1 for those that are no pieces; empty without byte fallback.
  private let bytePieces: [Int32]
  /// Tells the words of this model in a cache from those of others.
  private let stamp: UInt64

  /// How much worse than the worst piece an unknown scalar is.
  private static let unknownPenalty = 10.0

  /// - Parameters:
  ///   - vocabulary: ids from 0, without holes but for strings that are listed again later.
  ///   - scores: by id.
  ///   - unknownID: nil for none.
  ///   - byteFallback: whether unknown strings become the pieces of their bytes.
  ///   - place: the file, for messages.
  /// - Throws: 65 where `unknownID` is not in the vocabulary.
  init(
    vocabulary: Vocabulary, scores: [Double], unknownID: Int?, byteFallback: Bool, place: String
  ) throws(Failure) {
    if let unknownID, !scores.indices.contains(unknownID) {
      throw .data(
        place, "expected model.unk_id to be one of \(scores.count) pieces, found \(unknownID)")
    }
    self.vocabulary = vocabulary
    self.scores = scores
    self.unknownID = unknownID.map { Int32($0) }
    unknownScore = scores.reduce(.infinity) { $1 < $0 ? $1 : $0 } - Self.unknownPenalty
    trie = ByteTrie(vocabulary)
    bytePieces =
      byteFallback
      ? (0..<256).map { vocabulary.id(of: BytePiece.name(UInt8($0))) ?? -1 } : []
    stamp = WordCache.nextStamp()
  }

  /// Opens the tables for one text.
  @inline(__always)
  func withReader<R>(_ cache: WordCache, _ body: (Reader) -> R) -> R {
    cache.use(stamp)
    return trie.withReader { trie in
      scores.withUnsafeBufferPointer { scores in
        bytePieces.withUnsafeBufferPointer { bytePieces in
          body(
            Reader(
              trie: trie, scores: scores.baseAddress.unsafelyUnwrapped,
              unknownScore: unknownScore, unknownID: unknownID ?? -1, bytePieces: bytePieces,
              cache: cache))
        }
      }
    }
  }
}

/// The pieces that stand for single bytes.
enum BytePiece {
  private static let digits = Array("0123456789ABCDEF".utf8)

  /// `<0x0A>` for 10.
  static func name(_ byte: UInt8) -> String {
    let digits = [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    return "<0x" + String(decoding: digits, as: UTF8.self) + ">"
  }
}

extension Unigram {
  /// The best way to a place in a word.
  struct Step: BitwiseCopyable {
    var score: Double
    /// The last piece, and where it starts; -1 where no way has been found.
    var id: Int32
    var start: Int32

    static let none = Step(score: 0, id: 0, start: -1)
  }

  /// The model with its tables opened.
  struct Reader {
    let trie: ByteTrie.Reader
    let scores: UnsafePointer<Double>
    let unknownScore: Double
    let unknownID: Int32
    let bytePieces: UnsafeBufferPointer<Int32>
    let cache: WordCache

    /// Appends the pieces of a word; `ids` has room for one a byte, and eight bytes after the word
    /// can be read.
    ///
    /// `cache.hasFailed` is set where the word has a scalar that is no piece, and there is no
    /// unknown one.
    @inline(__always)
    func append(_ word: UnsafePointer<UInt8>, _ count: Int, to ids: GrowableBuffer<Int32>) {
      if count <= WordCache.longestWord {
        let slot = cache.slot(word, count)
        if cache.copy(slot, word, count, to: ids) { return }
        let mark = ids.count
        if appendBest(word, count, to: ids) {
          return cache.store(slot, word, count, ids, from: mark)
        }
      } else if appendBest(word, count, to: ids) {
        return
      }
      cache.hasFailed = true
    }

    @inline(never)
    private func appendBest(
      _ word: UnsafePointer<UInt8>, _ count: Int, to ids: GrowableBuffer<Int32>
    ) -> Bool {
      if count == 0 { return true }
      let steps = cache.steps
      steps.count = 0
      steps.reserve(count + 1)
      let best = steps.pointer
      best.update(repeating: .none, count: count + 1)
      var start = 0
      while start < count {
        let soFar = best[start].score
        let length = scalarLength(word[start])
        var hasScalar = false
        trie.prefixes(word + start, count &- start) { id, pieceLength in
          let step = best + (start &+ pieceLength)
          let score = scores[Int(id)] + soFar
          if step.pointee.start < 0 || score > step.pointee.score {
            step.pointee = Step(score: score, id: id, start: Int32(truncatingIfNeeded: start))
          }
          if pieceLength == length { hasScalar = true }
        }
        if !hasScalar {
          let step = best + (start &+ length)
          let score = unknownScore + soFar
          if step.pointee.start < 0 || score > step.pointee.score {
            if unknownID < 0 { return false }
            step.pointee = Step(
              score: score, id: unknownID, start: Int32(truncatingIfNeeded: start))
          }
        }
        start &+= length
      }
      return collect(word, count, best, to: ids)
    }

    /// Appends the pieces of the best way, which is followed from the end.
    private func collect(
      _ word: UnsafePointer<UInt8>, _ count: Int, _ best: UnsafePointer<Step>,
      to ids: GrowableBuffer<Int32>
    ) -> Bool {
      let mark = ids.count
      var end = count
      while end > 0 {
        let step = best[end]
        var start = Int(step.start)
        if step.id != unknownID {
          ids.push(step.id)
        } else {
          // Unknown pieces that follow each other are one.
          while start > 0, best[start].id == unknownID { start = Int(best[start].start) }
          if !appendUnknown(word + start, end - start, to: ids) { return false }
        }
        end = start
      }
      var low = mark
      var high = ids.count &- 1
      while low < high {
        swap(&ids.pointer[low], &ids.pointer[high])
        low &+= 1
        high &-= 1
      }
      return true
    }

    /// Appends what an unknown string becomes, its last id first.
    private func appendUnknown(
      _ bytes: UnsafePointer<UInt8>, _ count: Int, to ids: GrowableBuffer<Int32>
    ) -> Bool {
      let known = trie.find(bytes, count)
      if known >= 0 {
        ids.push(known)
        return true
      }
      if !bytePieces.isEmpty, (0..<count).allSatisfy({ bytePieces[Int(bytes[$0])] >= 0 }) {
        for i in (0..<count).reversed() { ids.push(bytePieces[Int(bytes[i])]) }
        return true
      }
      ids.push(unknownID)
      return unknownID >= 0
    }

    @inline(__always)
    private func scalarLength(_ lead: UInt8) -> Int {
      lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
    }
  }
}
