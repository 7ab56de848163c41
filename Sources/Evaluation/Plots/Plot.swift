/// A picture of values, of a size of its own, to be put on a sheet or a page.
package struct Plot: Sendable {
  let width: Double
  let height: Double
  let content: String
  /// What it shows, in words.
  let title: String

  /// The picture as an element of a page.
  var element: String { Self.element(width, height, content, title: title, style: "") }

  /// Pictures as one file: two beside each other where they are narrow.
  package static func file(_ plots: [Plot]) -> String {
    let margin = 16.0
    var drawing = SVGDrawing()
    var (x, y, rowHeight, right) = (margin, margin, 0.0, 0.0)
    let width = 2 * Self.narrow + 3 * margin
    for plot in plots {
      if x > margin, x + plot.width + margin > width {
        (x, y, rowHeight) = (margin, y + rowHeight + margin, 0)
      }
      drawing.add(plot.content, x: x, y: y)
      x += plot.width + margin
      rowHeight = max(rowHeight, plot.height)
      right = max(right, x)
    }
    let height = y + rowHeight + margin
    var ground = SVGDrawing()
    ground.path(
      "M0 0H\(SVGDrawing.number(right))V\(SVGDrawing.number(height))H0Z", color: "paper")
    return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      + element(
        right, height, ground.content + drawing.content,
        title: plots.map(\.title).joined(separator: "; "),
        style: "<style>@media (prefers-color-scheme:dark){\(SVGDrawing.darkStyle)}</style>\n")
      + "\n"
  }

  /// The width of a picture of which two fit beside each other.
  package static let narrow = 488.0
  /// The width of one that is alone.
  package static let wide = 2 * narrow + 16

  private static func element(
    _ width: Double, _ height: Double, _ content: String, title: String, style: String
  ) -> String {
    let (w, h) = (SVGDrawing.number(width), SVGDrawing.number(height))
    return "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(w)\" height=\"\(h)\" "
      + "viewBox=\"0 0 \(w) \(h)\" role=\"img\" "
      + "font-family=\"system-ui,'Segoe UI','Helvetica Neue',Arial,sans-serif\">\n"
      + "<title>\(SVGDrawing.escape(title))</title>\n\(style)\(content)</svg>"
  }
}

/// The part of a picture that values are drawn in: axes, ticks, names.
struct PlotFrame {
  let left: Double
  let top: Double
  let right: Double
  let bottom: Double

  /// A frame in a picture.
  ///
  /// - Parameters:
  ///   - width: The picture's.
  ///   - height: The picture's.
  ///   - legend: Height of what stands between heading and values.
  ///   - values: The scale whose ticks' texts stand at the left; nil where they are short.
  init(width: Double, height: Double, legend: Double = 0, values: PlotScale? = nil) {
    let longest = (values?.ticks ?? []).map { PlotScale.text($0).count }.max() ?? 0
    // The axis's name, the texts at about 6.4 a character, and a little between these and the lines.
    left = max(58, 24 + 6.4 * Double(longest) + 8)
    top = 58 + legend
    right = width - 12
    bottom = height - 44
  }

  func x(_ share: Double) -> Double { left + share * (right - left) }
  func y(_ share: Double) -> Double { bottom - share * (bottom - top) }

  func heading(_ drawing: inout SVGDrawing, _ title: String, _ subtitle: String) {
    // About as many characters as fit.
    let room = Int(right / 7.6)
    drawing.text(SVGDrawing.shortened(title, room), 4, 20, size: 15, isBold: true)
    drawing.text(SVGDrawing.shortened(subtitle, room + room / 5), 4, 40, color: "soft")
  }

  /// Horizontal lines with their values, and the names of the axes.
  func axes(_ drawing: inout SVGDrawing, _ scale: PlotScale, x: String, y: String) {
    for tick in scale.ticks {
      let place = self.y(scale.place(tick))
      let isZero = abs(tick) < 1e-12
      drawing.line(left, place, right, place, color: isZero ? "axis" : "grid")
      drawing.text(
        PlotScale.text(tick), left - 8, place + 4, size: 11, color: "soft", anchor: .end)
    }
    drawing.text(x, (left + right) / 2, bottom + 36, color: "soft", anchor: .middle)
    drawing.text(y, 12, (top + bottom) / 2, color: "soft", anchor: .middle, rotation: -90)
  }
}
