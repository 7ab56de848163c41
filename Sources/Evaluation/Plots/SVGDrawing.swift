/// Elements of SVG, one after the other.
///
/// Colours are attributes, so that every program that reads SVG shows them, and classes, by which
/// `darkStyle` changes them where the reader prefers dark.
struct SVGDrawing {
  private(set) var content = ""

  /// Where a text is held.
  enum Anchor: String { case start, middle, end }

  /// Colours by class, on light and on dark ground.
  static let colors: [(name: String, property: String, light: String, dark: String)] = {
    let series = [
      ("#1f6fd6", "#6aa9ff"), ("#d2500a", "#ff9a5c"), ("#12835a", "#4fce9b"),
      ("#9a3fb5", "#d38cf0"), ("#a87708", "#e8bf4a"), ("#c2255c", "#ff7fb0"),
      ("#0d7f93", "#4fc6da"), ("#656d7a", "#a8b0bd"),
    ]
    let plain = [
      ("paper", "fill", "#ffffff", "#14171c"), ("ink", "fill", "#1b1f24", "#e8eaed"),
      ("soft", "fill", "#5b6470", "#a2abb8"), ("gain", "fill", "#1f6fd6", "#6aa9ff"),
      ("loss", "fill", "#d2500a", "#ff9a5c"), ("grid", "stroke", "#e3e6ea", "#2b3038"),
      ("axis", "stroke", "#8b94a0", "#6b7480"),
    ]
    return plain
      + series.enumerated().flatMap { i, color in
        [
          ("line\(i)", "stroke", color.0, color.1), ("dot\(i)", "fill", color.0, color.1),
        ]
      }
  }()

  /// Number of colours for runs.
  static let seriesCount = 8

  /// The rules that change colours for dark ground.
  static var darkStyle: String {
    colors.map { ".p-\($0.name){\($0.property):\($0.dark)}" }.joined()
  }

  /// The attributes that give an element a colour.
  private static func color(_ name: String) -> String {
    guard let color = colors.first(where: { $0.name == name }) else { return "" }
    return " class=\"p-\(name)\" \(color.property)=\"\(color.light)\""
  }

  /// A number as short as two decimals have it.
  static func number(_ value: Double) -> String {
    var text = DecimalText.fixed(value, 2)
    while text.last == "0" { text.removeLast() }
    if text.last == "." { text.removeLast() }
    return text == "-0" ? "0" : text
  }

  /// Text as XML and HTML take it, in elements and in quoted attributes.
  static func escape(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      case "'": escaped += "&#39;"
      case "\t", "\n": escaped.unicodeScalars.append(scalar)
      default:
        // XML has no way to write these.
        let isLegal = scalar.value >= 0x20 && scalar.value & 0xFFFE != 0xFFFE
        escaped.unicodeScalars.append(isLegal ? scalar : "\u{FFFD}")
      }
    }
    return escaped
  }

  /// Text cut in the middle to so many characters.
  static func shortened(_ text: String, _ limit: Int) -> String {
    if text.count <= limit { return text }
    let head = (limit - 1) / 2
    return text.prefix(head) + "…" + text.suffix(limit - 1 - head)
  }

  mutating func text(
    _ text: String, _ x: Double, _ y: Double, size: Double = 12, color: String = "ink",
    anchor: Anchor = .start, isBold: Bool = false, rotation: Double = 0
  ) {
    content += "<text x=\"\(Self.number(x))\" y=\"\(Self.number(y))\""
    content += " font-size=\"\(Self.number(size))\"\(Self.color(color))"
    if anchor != .start { content += " text-anchor=\"\(anchor.rawValue)\"" }
    if isBold { content += " font-weight=\"600\"" }
    if rotation != 0 {
      content +=
        " transform=\"rotate(\(Self.number(rotation)) \(Self.number(x)) \(Self.number(y)))\""
    }
    content += ">\(Self.escape(text))</text>\n"
  }

  mutating func line(
    _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, color: String, dashes: String = "",
    width: Double = 1
  ) {
    path(
      "M\(Self.number(x1)) \(Self.number(y1))L\(Self.number(x2)) \(Self.number(y2))",
      color: color, dashes: dashes, width: width)
  }

  /// A path that is stroked, where the colour is one of lines, or filled; with a text that pointing
  /// at it shows.
  mutating func path(
    _ data: String, color: String, dashes: String = "", width: Double = 1, title: String? = nil
  ) {
    content += "<path d=\"\(data)\"\(Self.color(color))"
    let isStroke = Self.colors.contains { $0.name == color && $0.property == "stroke" }
    if isStroke {
      content += " fill=\"none\" stroke-width=\"\(Self.number(width))\""
      content += " stroke-linejoin=\"round\""
    }
    if !dashes.isEmpty { content += " stroke-dasharray=\"\(dashes)\"" }
    content += title.map { "><title>\(Self.escape($0))</title></path>\n" } ?? "/>\n"
  }

  mutating func dot(_ x: Double, _ y: Double, radius: Double, color: String, title: String) {
    content += "<circle cx=\"\(Self.number(x))\" cy=\"\(Self.number(y))\""
    content += " r=\"\(Self.number(radius))\"\(Self.color(color))>"
    content += "<title>\(Self.escape(title))</title></circle>\n"
  }

  /// Lines beyond the colours differ by dashes.
  static func dashes(_ index: Int) -> String { ["", "7 4", "2 3"][index / seriesCount % 3] }

  /// The name of a line beside a piece of it; `room`: characters that fit.
  mutating func legend(_ index: Int, _ name: String, x: Double, y: Double, room: Int) {
    let color = index % Self.seriesCount
    line(x, y - 4, x + 26, y - 4, color: "line\(color)", dashes: Self.dashes(index), width: 2.25)
    dot(x + 13, y - 4, radius: 3.25, color: "dot\(color)", title: name)
    text(Self.shortened(name, room), x + 34, y)
  }

  /// Puts a drawing at a place.
  mutating func add(_ drawing: String, x: Double, y: Double) {
    content +=
      "<g transform=\"translate(\(Self.number(x)) \(Self.number(y)))\">\n\(drawing)</g>\n"
  }
}

/// A scale of an axis with round ticks.
struct PlotScale {
  let low: Double
  let high: Double
  let ticks: [Double]

  /// A scale that holds `low` and `high`, finite and at most 1e300 in size, with four to eight steps.
  init(_ low: Double, _ high: Double) {
    // What is nearer together than the ticks' texts tell is drawn in the middle.
    let size = max(abs(low), abs(high))
    let least = size < 1e-300 ? 1 : size * 1e-4
    let isFlat = high - low < least
    let middle = low / 2 + high / 2
    let (low, high) = isFlat ? (middle - least / 2, middle + least / 2) : (low, high)
    let span = high - low
    var step = 1.0
    while step > span / 4 { step /= 10 }
    while step * 10 <= span / 4 { step *= 10 }
    if step * 5 <= span / 4 { step *= 5 } else if step * 2 <= span / 4 { step *= 2 }
    let first = (low / step + 1e-9).rounded(.down)
    let last = (high / step - 1e-9).rounded(.up)
    self.low = first * step
    self.high = last * step
    var ticks: [Double] = []
    var i = first
    while i <= last {
      ticks.append(i * step)
      i += 1
    }
    self.ticks = ticks
  }

  /// A scale that ends a little beyond the values, with the ticks that lie between.
  init(fitting low: Double, _ high: Double) {
    let round = PlotScale(low, high)
    let margin = (high - low) * 0.03
    let (first, last) = (low < 0 ? low - margin : low, high > 0 ? high + margin : high)
    guard margin > 0, round.high - round.low > last - first else {
      self = round
      return
    }
    (self.low, self.high) = (max(first, round.low), min(last, round.high))
    let ends = self.low - margin * 1e-6...self.high + margin * 1e-6
    ticks = round.ticks.filter { ends.contains($0) }
  }

  /// Where a value lies, from 0 to 1.
  func place(_ value: Double) -> Double { (value - low) / (high - low) }

  /// A tick's text.
  static func text(_ value: Double) -> String {
    abs(value) < 1e-12 ? "0" : DecimalText.general(value).replacing("-", with: "−")
  }
}
