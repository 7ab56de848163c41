import Records

/// A bar a query, the greatest first: the values of a run, or its differences from another.
struct QueryBars {
  /// What a bar stands for, as the name of its axis.
  let quantity: String
  let title: String
  let subtitle: String
  /// Queries and their values.
  let values: [(query: RecordID, value: Double)]
  /// The mean, drawn as a line where it is not told by the bars' signs.
  let mean: Double?

  /// Bars that can be pointed at, one by one; of more the outline is drawn.
  private static let mostBars = 400

  /// The least and the greatest value, and 0.
  var extent: (low: Double, high: Double) {
    values.reduce((0, 0)) { (min($0.low, $1.value), max($0.high, $1.value)) }
  }

  func plot(_ scale: PlotScale, width: Double, height: Double = 280) -> Plot {
    // By query where values are equal, so that the picture is one of the values alone.
    let sorted = values.sorted { $0.value != $1.value ? $0.value > $1.value : $0.query < $1.query }
    let frame = PlotFrame(width: width, height: height)
    var drawing = SVGDrawing()
    frame.heading(&drawing, title, subtitle)
    frame.axes(
      &drawing, scale, x: "\(sorted.count) queries, from greatest to least", y: quantity)
    if sorted.count <= Self.mostBars {
      bars(&drawing, frame, scale, sorted)
    } else {
      outline(&drawing, frame, scale, sorted.map(\.value))
    }
    frame.zero(&drawing, scale)
    if let mean {
      let y = frame.y(scale.place(mean))
      drawing.line(frame.left, y, frame.right, y, color: "line1", dashes: "5 4", width: 1.5)
    }
    return Plot(width: width, height: height, content: drawing.content, title: title)
  }

  private func bars(
    _ drawing: inout SVGDrawing, _ frame: PlotFrame, _ scale: PlotScale,
    _ sorted: [(query: RecordID, value: Double)]
  ) {
    let step = (frame.right - frame.left) / Double(max(1, sorted.count))
    let gap = min(3, step * 0.2)
    for (i, bar) in sorted.enumerated() {
      let x = frame.left + step * Double(i) + gap / 2
      let (from, to) = (frame.y(scale.place(0)), frame.y(scale.place(bar.value)))
      // What is 0 is there, too.
      let height = abs(to - from) < 1 ? 1 : to - from
      drawing.path(
        "M\(SVGDrawing.number(x)) \(SVGDrawing.number(from))"
          + "h\(SVGDrawing.number(min(step - gap, 40)))v\(SVGDrawing.number(height))"
          + "h-\(SVGDrawing.number(min(step - gap, 40)))z",
        color: bar.value == 0 ? "soft" : bar.value > 0 ? "gain" : "loss",
        title: "\(bar.query): \(signed(bar.value))")
    }
  }

  private func signed(_ value: Double) -> String {
    let text = DecimalText.rounded(value, 4)
    return mean == nil && value > 0 ? "+" + text : text
  }

  /// One point a pixel: the values are sorted, so nothing is lost that could be seen.
  private func outline(
    _ drawing: inout SVGDrawing, _ frame: PlotFrame, _ scale: PlotScale, _ sorted: [Double]
  ) {
    let count = Int(frame.right - frame.left)
    for (color, clamp) in [("gain", { max(0, $0) }), ("loss", { min(0, $0) })]
      as [(String, (Double) -> Double)]
    {
      let zero = SVGDrawing.number(frame.y(scale.place(0)))
      var data = "M\(SVGDrawing.number(frame.left)) \(zero)"
      for i in 0...count {
        let value = sorted[min(sorted.count - 1, i * sorted.count / count)]
        data += "L\(SVGDrawing.number(frame.left + Double(i))) "
        data += SVGDrawing.number(frame.y(scale.place(clamp(value))))
      }
      drawing.path(data + "V\(zero)Z", color: color)
    }
  }
}

extension PlotFrame {
  /// The line of 0, over what was drawn.
  func zero(_ drawing: inout SVGDrawing, _ scale: PlotScale) {
    let y = self.y(scale.place(0))
    drawing.line(left, y, right, y, color: "axis")
  }
}

extension QueryBars {
  /// The differences of a comparison.
  init(_ comparison: RunComparison) {
    func count(_ name: String) -> String { "\(Int(comparison.value(name) ?? 0))" }
    func signed(_ name: String) -> String {
      let value = comparison.value(name) ?? 0
      return (value > 0 ? "+" : "") + DecimalText.rounded(value, 3).replacing("-", with: "−")
    }
    self.init(
      quantity: "difference in \(comparison.measure)",
      title: "\(comparison.run) against \(comparison.baseline)",
      subtitle: "\(comparison.measure) \(signed("difference")) "
        + "[\(signed("ci_low")), \(signed("ci_high"))] · \(count("wins")) wins, "
        + "\(count("ties")) ties, \(count("losses")) losses",
      values: Array(zip(comparison.queries, comparison.differences)).map { ($0, $1) }, mean: nil)
  }

  /// The values of a run by one of its measures.
  init(_ evaluation: Evaluation, measure: Int) {
    let name = evaluation.measures[measure].name
    let values = zip(evaluation.queries, evaluation.values[measure]).filter { !$0.1.isNaN }
    let mean = evaluation.aggregate(measure)
    let isMean = evaluation.measures[measure].description.aggregation != .sum && !mean.isNaN
    self.init(
      quantity: name, title: evaluation.run,
      subtitle: "\(name) of every query" + (isMean ? ", mean \(DecimalText.fixed(mean, 3))" : ""),
      values: values.map { ($0, $1) }, mean: isMean ? mean : nil)
  }
}
