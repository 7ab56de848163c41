import CLz4
import CXXHash
import CZlib
import CZstd

/// Versions of the libraries behind the streams.
package enum StreamLibraries {
  package static var versions: [String] {
    let xxhash = XXH_versionNumber()
    return [
      "zstd \(String(cString: ZSTD_versionString()))",
      "lz4 frame API \(LZ4F_getVersion())",
      "zlib \(String(cString: zlibVersion()))",
      "xxHash \(xxhash / 10000).\(xxhash / 100 % 100).\(xxhash % 100)",
    ]
  }
}
