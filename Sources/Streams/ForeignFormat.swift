/// Forms of files that no tool here reads, known by their first bytes: so that a message can name them.
package enum ForeignFormat {
  private static let numpy = "a NumPy file"
  private static let zip = "a zip archive"

  /// Forms that hold arrays of numbers: NumPy's, and PyTorch's archives.
  static let arrays = [numpy, zip]

  private static let all: [(name: String, start: [UInt8])] = [
    (zip, [0x50, 0x4B, 0x03, 0x04]), ("a 7z archive", [0x37, 0x7A, 0xBC, 0xAF]),
    ("data of compress(1)", [0x1F, 0x9D]), ("data of lzip", Array("LZIP\u{1}".utf8)),
    ("data of lzop", [0x89, 0x4C, 0x5A, 0x4F]), ("data of lzma(1)", [0x5D, 0x00, 0x00]),
    ("a Parquet file", Array("PAR1\u{15}".utf8)), ("an Arrow file", Array("ARROW1\0".utf8)),
    ("a SQLite database", Array("SQLite format 3\0".utf8)),
    ("an HDF5 file", [0x89, 0x48, 0x44, 0x46]),
    (numpy, [0x93] + Array("NUMPY".utf8)), ("a PDF file", Array("%PDF-".utf8)),
    (
      "a pointer of Git LFS, whose file was not fetched (git lfs pull)",
      Array("version https://git-lfs".utf8)
    ),
    ("a web page", Array("<!DOCTYPE html".utf8)), ("a web page", Array("<!doctype html".utf8)),
    ("UTF-16 text", [0xFF, 0xFE]), ("UTF-16 text", [0xFE, 0xFF]),
  ]

  /// The name of the form that begins so; nil where it is none of these.
  package static func name(_ head: UnsafeRawBufferPointer) -> String? {
    all.first { head.starts(with: $0.start) }?.name
  }
}
