import Foundation
import JSON

/// The files that tests read.
package enum Fixtures {
  /// `Tests/Fixtures` of this checkout.
  package static let folder: String = {
    let file = URL(fileURLWithPath: #filePath)
    return file.deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Fixtures").path
  }()

  /// Path of the fixture `name`, relative to `Tests/Fixtures`: `tokenizers/bert_cased`.
  package static func path(_ name: String) -> String { folder + "/" + name }

  package static func exists(_ name: String) -> Bool {
    FileManager.default.fileExists(atPath: path(name))
  }

  /// The bytes of a fixture.
  package static func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path(name))))
  }

  /// A fixture parsed as JSON.
  package static func json(_ name: String) throws -> JSON {
    try JSONParser.parse(try bytes(name))
  }

  /// A fixture of named tensors.
  package static func tensors(_ name: String) throws -> SafeTensorsFile {
    try SafeTensorsFile.load(path(name))
  }
}

/// Path of a fixture: `TestSupport.fixture("tokenizers/bert_cased")`.
package func fixture(_ name: String) -> String { Fixtures.path(name) }
