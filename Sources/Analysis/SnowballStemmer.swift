import Failures
import Streams

/// The stemmers of Snowball, from the library of the system, which is loaded when it is needed.
///
/// Source: https://snowballstem.org; libstemmer.h.
///
/// Unchecked: functions of C that share nothing.
struct SnowballLibrary: @unchecked Sendable {
  private typealias New =
    @convention(c) (UnsafePointer<CChar>?, UnsafePointer<CChar>?) -> OpaquePointer?
  fileprivate typealias Stem =
    @convention(c) (OpaquePointer?, UnsafePointer<UInt8>?, Int32) -> UnsafePointer<UInt8>?
  fileprivate typealias Length = @convention(c) (OpaquePointer?) -> Int32
  fileprivate typealias Delete = @convention(c) (OpaquePointer?) -> Void

  /// Name of the stemmer.
  let language: String
  private let new: New
  fileprivate let stem: Stem
  fileprivate let length: Length
  fileprivate let delete: Delete

  /// - Parameter language: Its English name.
  /// - Throws: 78 where the library is not there, or knows no such language.
  init(_ language: String) throws(Failure) {
    let library = try SharedLibrary(["libstemmer.so.0d", "libstemmer.so.0", "libstemmer.so"]) {
      .config(
        nil, "stems of \(language) need \($0), which is not installed",
        hint: "the package is libstemmer0d of Debian; --stemmer none needs none")
    }
    self.language = language
    new = library.function("sb_stemmer_new", as: New.self)
    stem = library.function("sb_stemmer_stem", as: Stem.self)
    length = library.function("sb_stemmer_length", as: Length.self)
    delete = library.function("sb_stemmer_delete", as: Delete.self)
    guard let one = new(language, "UTF_8") else {
      throw .config(nil, "libstemmer has no stemmer for \(language)")
    }
    delete(one)
  }

  /// A stemmer for one thread.
  fileprivate func stemmer() -> OpaquePointer {
    guard let stemmer = new(language, "UTF_8") else { preconditionFailure("out of memory") }
    return stemmer
  }
}

/// A stemmer of one thread.
final class SnowballStemmer {
  let library: SnowballLibrary
  private let stemmer: OpaquePointer

  init(_ library: SnowballLibrary) {
    self.library = library
    stemmer = library.stemmer()
  }

  deinit { library.delete(stemmer) }

  /// Puts the stem of a word in its place.
  ///
  /// - Parameter word: UTF-8, in lower case.
  func stem(_ word: inout [UInt8]) {
    guard let found = library.stem(stemmer, word, Int32(word.count)) else {
      preconditionFailure("out of memory")
    }
    word = Array(UnsafeBufferPointer(start: found, count: Int(library.length(stemmer))))
  }
}
