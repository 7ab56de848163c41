/// A name on the Hugging Face hub where a folder belongs: the commonest slip.
package enum HubName {
  /// What to do about a path that leads nowhere and looks like such a name; nil of another path.
  package static func hint(_ path: String) -> String? {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    let isName = parts.allSatisfy { part in
      guard let first = part.utf8.first, first != UInt8(ascii: "."), first != UInt8(ascii: "~")
      else {
        return false
      }
      return part.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: [UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ".")].contains(byte)
        }
      }
    }
    guard isName, parts.count <= 2 else { return nil }
    return "models are folders here: scripts/fetch-model \(path) models/\(parts.last ?? "") "
      + "downloads one (installed: lir-fetch-model)"
  }
}
