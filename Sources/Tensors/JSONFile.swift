import Failures
import JSON
import Streams

/// Small JSON files that stand beside tensors: configurations, manifests, shard maps.
package enum JSONFile {
  /// Reads a file as one JSON value.
  ///
  /// - Throws: 66 where there is no file, 65 where it is not JSON.
  package static func read(_ path: String) throws(Failure) -> JSON {
    let bytes = try WholeFile.readText(path)
    do throws(JSONError) {
      return try JSONParser.parse(bytes)
    } catch {
      throw .data(path, error.description)
    }
  }

  /// Reads a file as a JSON object.
  package static func readObject(_ path: String) throws(Failure) -> [JSON.Member] {
    let value = try read(path)
    guard let members = value.members else {
      throw .data(path, "expected an object, found \(value.kindName)")
    }
    return members
  }
}
