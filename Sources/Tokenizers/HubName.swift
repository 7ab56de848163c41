import Glibc

/// A name on the Hugging Face hub, such as `webis/splade`, where a folder may stand, too.
package enum HubName {
  /// Whether a text is such a name, with or without an owner.
  package static func isName(_ text: String) -> Bool {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    return parts.count <= 2
      && parts.allSatisfy { part in
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
  }

  /// The folder of all models that were fetched: `$LIR_MODELS`, or `models` where that is not set.
  package static var root: String {
    guard let value = getenv("LIR_MODELS"), value[0] != 0 else { return "models" }
    var root = String(cString: value)
    while root.utf8.count > 1, root.hasSuffix("/") { root.removeLast() }
    return root
  }

  /// The command that fetches a model to where its name finds it.
  package static func command(_ name: String) -> String {
    "scripts/fetch-model \(name) \(root)/\(name)"
  }

  /// What to do about a path that leads nowhere and looks like such a name; nil of another path.
  package static func hint(_ path: String) -> String? {
    guard isName(path) else { return nil }
    return "\(command(path)) fetches the model of that name (installed: lir-fetch-model)"
  }
}
