/// What must be known of a model to read an adapter made for it: a folder of an adapter says neither.
package struct AdapterBase: Sendable, Hashable {
    /// `general.architecture` of the model.
    package let architecture: String
    /// D: dimensions of its heads.
    package let headDimension: Int

    /// A model's facts.
    package init(architecture: String, headDimension: Int) {
        self.architecture = architecture
        self.headDimension = headDimension
    }
}
