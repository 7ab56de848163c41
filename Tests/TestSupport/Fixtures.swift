import Foundation
import JSON

/// The files that tests read.
package enum Fixtures {
  /// `Tests/Fixtures` of this checkout with its archives unpacked, as `scripts/fixtures` lays it out.
  package static let folder: String = {
    let file = URL(fileURLWithPath: #filePath)
    let root = file.deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let script = Process()
    let output = Pipe()
    script.executableURL = root.appendingPathComponent("scripts/fixtures")
    script.standardOutput = output
    do { try script.run() } catch { fatalError("scripts/fixtures: \(error)") }
    let text = output.fileHandleForReading.readDataToEndOfFile()
    script.waitUntilExit()
    guard script.terminationStatus == 0 else {
      fatalError("scripts/fixtures: status \(script.terminationStatus)")
    }
    return String(decoding: text, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
  }()

  /// Path of the fixture `name`, relative to `Tests/Fixtures`, without `.tar.zst`:
  /// `tokenizers/bert_cased`.
  package static func path(_ name: String) -> String { folder + "/" + name }

  /// The fixture `name` and the folders of that name in those that `LIR_TEST_CASES=DIR:DIR` names.
  package static func folders(_ name: String) -> [String] {
    let others = (ProcessInfo.processInfo.environment["LIR_TEST_CASES"] ?? "").split(separator: ":")
    return [path(name)]
      + others.map { "\($0)/\(name)" }.filter { FileManager.default.fileExists(atPath: $0) }
  }

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

/// Path of a real collection's file in the folder that `LIR_TEST_DATA` names; nil where it is not.
package func testData(_ name: String) -> String? {
  ProcessInfo.processInfo.environment["LIR_TEST_DATA"].map { "\($0)/\(name)" }
    .flatMap { FileManager.default.fileExists(atPath: $0) ? $0 : nil }
}
