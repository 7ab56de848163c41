/// The release that this is.
///
/// `scripts/release.env` says the same to scripts and pages.
package enum Release {
  package static let version = "0.1.0"
}
