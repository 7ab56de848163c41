/// Values over some number that grows, such as the steps of a training run: a curve each.
package struct Curves: Sendable {
  /// One curve.
  package struct Series: Sendable {
    package var name: String
    /// Ascending by x.
    package var points: [(x: Double, y: Double)]

    package init(_ name: String, _ points: [(x: Double, y: Double)]) {
      self.name = name
      self.points = points
    }
  }

  private let title: String
  private let subtitle: String
  private let xName: String
  private let yName: String
  private let series: [Series]

  /// Points of a curve that are drawn; of more, the means of as many neighbours.
  private static let mostPoints = 400
  /// Up to so many have a dot each.
  private static let mostDots = 40

  /// Curves; those without points are left out.
  package init(
    _ title: String, _ subtitle: String, x: String, y: String, _ series: [Series]
  ) {
    self.title = title
    self.subtitle = subtitle
    xName = x
    yName = y
    self.series = Self.joined(series.filter { !$0.points.isEmpty }).map {
      Series($0.name, Self.thinned($0.points))
    }
  }

  /// Curves of which those that are the same are one, which has all their names: one drawn over
  /// another looks as if it were not there.
  private static func joined(_ series: [Series]) -> [Series] {
    var joined: [Series] = []
    for curve in series {
      let same = joined.firstIndex { other in
        other.points.count == curve.points.count
          && zip(other.points, curve.points).allSatisfy { $0 == $1 }
      }
      if let same {
        joined[same].name += " = \(curve.name)"
      } else {
        joined.append(curve)
      }
    }
    return joined
  }

  private static func thinned(
    _ points: [(x: Double, y: Double)]
  ) -> [(x: Double, y: Double)] {
    if points.count <= mostPoints { return points }
    return (0..<mostPoints).map { bucket in
      let part = points[
        points.count * bucket / mostPoints..<points.count * (bucket + 1) / mostPoints]
      let count = Double(part.count)
      return (
        part.reduce(0) { $0 + $1.x } / count, part.reduce(0) { $0 + $1.y } / count
      )
    }
  }

  package func plot(width: Double = Plot.wide) -> Plot {
    let columns = max(1, min(3, Int(width / 240)))
    let rows = (series.count + columns - 1) / columns
    let legend = Double(rows) * 20 + 10
    let height = 300 + legend
    let points = series.flatMap(\.points)
    let x = PlotScale(points.map(\.x).min() ?? 0, points.map(\.x).max() ?? 1)
    let y = PlotScale(points.map(\.y).min() ?? 0, points.map(\.y).max() ?? 1)
    let frame = PlotFrame(width: width, height: height, legend: legend, values: y)
    var drawing = SVGDrawing()
    frame.heading(&drawing, title, subtitle)
    frame.axes(&drawing, y, x: xName, y: yName)
    for tick in x.ticks {
      let place = frame.x(x.place(tick))
      drawing.line(place, frame.top, place, frame.bottom, color: "grid")
      drawing.text(
        PlotScale.text(tick), place, frame.bottom + 18, size: 11, color: "soft", anchor: .middle)
    }
    for (i, curve) in series.enumerated() {
      draw(&drawing, frame, i, curve, x, y)
      let cell = (width - 8) / Double(columns)
      drawing.legend(
        i, curve.name, x: 4 + cell * Double(i % columns), y: 66 + 20 * Double(i / columns),
        room: Int((cell - 50) / 7))
    }
    return Plot(width: width, height: height, content: drawing.content, title: title)
  }

  private func draw(
    _ drawing: inout SVGDrawing, _ frame: PlotFrame, _ index: Int, _ curve: Series,
    _ x: PlotScale, _ y: PlotScale
  ) {
    let places = curve.points.map { (x: frame.x(x.place($0.x)), y: frame.y(y.place($0.y))) }
    let data = places.map { "\(SVGDrawing.number($0.x)) \(SVGDrawing.number($0.y))" }
    let color = index % SVGDrawing.seriesCount
    drawing.path(
      "M" + data.joined(separator: "L"), color: "line\(color)", dashes: SVGDrawing.dashes(index),
      width: 1.75)
    guard places.count <= Self.mostDots else { return }
    for (place, point) in zip(places, curve.points) {
      drawing.dot(
        place.x, place.y, radius: 3, color: "dot\(color)",
        title: "\(curve.name): \(DecimalText.general(point.y)) at \(DecimalText.general(point.x))")
    }
  }
}
