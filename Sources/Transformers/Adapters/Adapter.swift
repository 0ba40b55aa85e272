import Kernels

/// A LoRA adapter in memory, made for one loaded model: what it adds to which products.
///
/// Immutable; safe from any thread. Its memory lives as long as it does.
package final class Adapter: Sendable {
    /// Bytes of its factors.
    package let byteCount: Int
    let factors: StepAdapter

    init(_ factors: StepAdapter, byteCount: Int) {
        self.factors = factors
        self.byteCount = byteCount
    }
}
