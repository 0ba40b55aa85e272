/// The version of the product, as `torii version` and `GET /version` print it.
package enum ProductVersion {
    /// Semantic version, <https://semver.org>.
    package static let current = "0.1.0"
}
