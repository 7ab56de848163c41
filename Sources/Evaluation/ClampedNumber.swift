extension Int {
  /// A number without its fraction, or the nearest whole number that there is; 0 for what is none.
  ///
  /// Factors and recalls come from the command line, and may be as large as anybody likes.
  init(clamping value: Double) {
    self =
      Int(exactly: value.rounded(.towardZero))
      ?? (value.isNaN ? 0 : value < 0 ? .min : .max)
  }
}
