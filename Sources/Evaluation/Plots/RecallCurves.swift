import Failures

/// Interpolated precision at eleven recalls, a curve a run.
package struct RecallCurves: Sendable {
  /// The measures that the curves are drawn from.
  package static func measures() throws(Failure) -> [NamedMeasure] {
    var measures: [NamedMeasure] = []
    for step in 0...10 {
      measures.append(try MeasureRegistry.measure("IPrec@\(Double(step) / 10)"))
    }
    return measures
  }

  private let curves: [(run: String, precision: [Double])]

  /// Curves of evaluations by `measures()`.
  package init(_ evaluations: [Evaluation]) {
    curves = evaluations.map { evaluation in
      (evaluation.run, evaluation.measures.indices.map { evaluation.aggregate($0) })
    }
  }

  package func plot(width: Double = Plot.wide) -> Plot {
    let columns = max(1, min(3, Int(width / 300)))
    let rows = (curves.count + columns - 1) / columns
    let height = 400 + Double(rows) * 20 + 10
    let frame = PlotFrame(width: width, height: height, legend: Double(rows) * 20 + 10)
    let scale = PlotScale(0, 1)
    var drawing = SVGDrawing()
    let title = "Precision and recall"
    frame.heading(
      &drawing, title, "interpolated precision at eleven recalls, mean over the queries")
    frame.axes(&drawing, scale, x: "recall", y: "interpolated precision")
    for step in stride(from: 0.0, through: 1, by: 0.2) {
      let x = frame.x(step)
      drawing.line(x, frame.top, x, frame.bottom, color: step == 0 ? "axis" : "grid")
      drawing.text(
        PlotScale.text(step), x, frame.bottom + 18, size: 11, color: "soft", anchor: .middle)
    }
    for (i, curve) in curves.enumerated() {
      draw(&drawing, frame, scale, i, curve)
      let cell = (width - 8) / Double(columns)
      drawing.legend(
        i, curve.run, x: 4 + cell * Double(i % columns), y: 66 + 20 * Double(i / columns),
        room: Int((cell - 50) / 7))
    }
    return Plot(width: width, height: height, content: drawing.content, title: title)
  }

  private func draw(
    _ drawing: inout SVGDrawing, _ frame: PlotFrame, _ scale: PlotScale, _ index: Int,
    _ curve: (run: String, precision: [Double])
  ) {
    let color = index % SVGDrawing.seriesCount
    let points = curve.precision.enumerated().map { i, precision in
      (x: frame.x(Double(i) / 10), y: frame.y(scale.place(precision)))
    }
    let data = points.map { "\(SVGDrawing.number($0.x)) \(SVGDrawing.number($0.y))" }
    drawing.path(
      "M" + data.joined(separator: "L"), color: "line\(color)", dashes: SVGDrawing.dashes(index),
      width: 2.25)
    for (i, point) in points.enumerated() {
      drawing.dot(
        point.x, point.y, radius: 3.25, color: "dot\(color)",
        title: "\(curve.run): \(DecimalText.fixed(curve.precision[i], 4)) at recall "
          + DecimalText.fixed(Double(i) / 10, 1))
    }
  }
}

/// The pictures of an evaluation.
package struct EvaluationPlots: Sendable {
  private let evaluations: [Evaluation]
  private let comparisons: [RunComparison]

  /// Plots of evaluations and of comparisons with a baseline, of which there are none for one run.
  package init(_ evaluations: [Evaluation], _ comparisons: [RunComparison]) {
    self.evaluations = evaluations
    self.comparisons = comparisons
  }

  /// Bars of the queries by a measure: differences where runs are compared, else values.
  package func bars(measure: Int) -> [Plot] {
    let name = evaluations.first?.measures[measure].name
    let bars =
      evaluations.count > 1
      ? comparisons.filter { $0.measure == name }.map { QueryBars($0) }
      : evaluations.map { QueryBars($0, measure: measure) }
    // One scale, so that the pictures compare.
    let extents = bars.map(\.extent)
    let scale = PlotScale(
      fitting: extents.map(\.low).min() ?? 0, extents.map(\.high).max() ?? 0)
    return bars.map { $0.plot(scale, width: bars.count == 1 ? Plot.wide : Plot.narrow) }
  }
}
