/// How packed matrices lie in memory.
package enum PackedLayout {
  /// Counts the layouts.
  ///
  /// To be raised with every change of what `PackedMatrix` or `NarrowMatrix` keep in their `storage`,
  /// since files outlive the program that packed them. A test knows the bytes of this one.
  package static let version = 1
}
