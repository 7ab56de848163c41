import Foundation
import Synchronization

/// A folder that goes away with the object.
package final class TemporaryFolder {
  package let path: String

  package init() throws {
    let url = FileManager.default.temporaryDirectory
      .appendingPathComponent("lir-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The path of `name` in the folder.
  package func callAsFunction(_ name: String) -> String { path + "/" + name }

  /// Writes a file; its folder is made where there is none.
  @discardableResult
  package func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    let url = URL(fileURLWithPath: self(name))
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
    return url.path
  }

  @discardableResult
  package func write(_ name: String, _ text: String) throws -> String {
    try write(name, Array(text.utf8))
  }

  package func read(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: self(name))))
  }

  /// Copies a file or a folder into this one.
  @discardableResult
  package func copy(_ source: String, to name: String) throws -> String {
    try FileManager.default.copyItem(atPath: source, toPath: self(name))
    return self(name)
  }

  package func remove(_ name: String) throws {
    try FileManager.default.removeItem(atPath: self(name))
  }

  /// Names of everything in the folder, hidden files too.
  package var names: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
  }
}

// MARK: Files without a folder of their own

extension TemporaryFolder {
  /// The folder of such files, which goes away when the process ends.
  private static let shared = Mutex<TemporaryFolder?>(nil)

  /// Path of a new file with these bytes.
  package static func file(_ bytes: [UInt8]) throws -> String {
    let folder = try shared.withLock { shared in
      if let shared { return shared }
      let folder = try TemporaryFolder()
      shared = folder
      atexit { TemporaryFolder.shared.withLock { $0 = nil } }
      return folder
    }
    return try folder.write(UUID().uuidString, bytes)
  }

  package static func file(_ text: String) throws -> String { try file(Array(text.utf8)) }
}
