import Failures
import Streams
import Tokenizers

/// XXH3-128 over the sorted list of (name, XXH3-128 of content) of a tokenizer's files.
package enum TokenizerDigest {
  /// The digest of a tokenizer.
  ///
  /// - Throws: 66 or 74 where one of its files cannot be read again.
  package static func of(_ tokenizer: Tokenizer) throws(Failure) -> String {
    var lines: [String] = []
    for file in tokenizer.files {
      lines.append("\(PathName.split(file).name)\t\(try FileDigest.of(file))\n")
    }
    return Checksum.xxh3Long(Array(lines.sorted().joined().utf8))
  }
}
