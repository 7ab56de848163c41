import Evaluation
import Failures
import JSON
import Streams

/// Metrics that a training run has logged, read from its `metrics.jsonl`.
package struct MetricsFile: Sendable {
  /// Put in front of the names of curves.
  let name: String
  /// One JSON object a step.
  package private(set) var steps: [JSON] = []
  /// One JSON object a validation.
  package private(set) var validations: [JSON] = []
  /// Largest number that the scale of a plot holds.
  private static let largest = 1e300

  /// Reads a log.
  ///
  /// - Parameters:
  ///   - path: The file, or the folder of its training run.
  ///   - name: Put in front of the names of curves.
  /// - Throws: 65 for a line that is no JSON object with a step, or a file without lines.
  package init(_ path: String, name: String = "") throws(Failure) {
    self.name = name
    let file = WholeFile.isDirectory(path) ? "\(path)/metrics.jsonl" : path
    let lines = LineReader(try ByteReader(file))
    while let block = try lines.next() {
      try block.forEachLine { line, start, number throws(Failure) in
        let json: JSON
        do throws(JSONError) { json = try JSONParser.parse(line) } catch {
          // A line that a run is just writing; what is before it is drawn.
          if start + line.count == block.bytes.count { return }
          throw .line(file, number, expected: error.expected, found: error.found)
        }
        guard json["step"]?.integer != nil else {
          throw .line(
            file, number, expected: "an object with a step",
            found: json.members == nil ? json.kindName : "one without")
        }
        if let value = (json.members ?? []).compactMap(\.value.double).first(where: {
          abs($0) > Self.largest
        }) {
          throw .line(file, number, expected: "numbers up to \(Self.largest)", found: "\(value)")
        }
        if json["validation"]?.string == nil {
          steps.append(json)
        } else {
          validations.append(json)
        }
      }
    }
    if steps.isEmpty { throw .data(file, "expected metrics of a training run, found none") }
  }

  /// A curve of the values under a key, by step.
  func series(_ key: String, in lines: [JSON], as label: String? = nil) -> Curves.Series {
    Curves.Series(
      name + (label ?? key),
      lines.compactMap { line in
        guard let x = line["step"]?.integer, let y = line[key]?.double else { return nil }
        return (Double(x), y)
      })
  }
}
