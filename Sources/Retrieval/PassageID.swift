import IndexFormat

/// The id of a passage, `id#i`: the document that it is cut from, and its place there.
///
/// An id without `#` and digits behind is a document that is its own first passage.
package struct PassageID: Sendable, Equatable {
  /// Id of the document.
  package let document: [UInt8]
  /// Place of the passage in its document, from 0; nil of what is no passage.
  package let place: Int?

  package init(_ id: some Collection<UInt8>) {
    let bytes = Array(id)
    guard let mark = bytes.lastIndex(of: UInt8(ascii: "#")), mark > 0,
      let place = Self.number(bytes[(mark + 1)...])
    else {
      document = bytes
      place = nil
      return
    }
    document = Array(bytes[..<mark])
    self.place = place
  }

  /// Whether a document begins with the passage.
  package var isFirst: Bool { place == nil || place == 0 }

  private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
    guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return Int(String(decoding: digits, as: UTF8.self))
  }
}

extension DocumentIDs {
  /// The documents of an index that an id stands for: the one with that id, and where passages are
  /// folded, all passages of the document with that id; ascending.
  package func ordinals(of id: [UInt8], foldingPassages folds: Bool) -> [Int] {
    let whole = ordinal(id).map { [$0] } ?? []
    guard folds else { return whole }
    let passages = ordinals(startingWith: id + [UInt8(ascii: "#")]).filter { ordinal in
      PassageID(self.id(ordinal)).document == id
    }
    return (whole + passages).sorted()
  }
}
