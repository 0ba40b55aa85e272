// Safety: the storage is filled by `init` and never written again.

/// A fixed array of floats at a fixed address, for the kernels: norm weights and biases.
///
/// Written once by its maker, then only read, from any thread.
@safe
package final class FloatVector: @unchecked Sendable {
    /// The number of floats.
    package let count: Int

    let storage: UnsafeMutablePointer<Float>

    /// Copies `values`, at least one.
    package init(_ values: [Float]) {
        precondition(!values.isEmpty, "a vector is not empty")
        count = values.count
        unsafe storage = .allocate(capacity: values.count)
        for (index, value) in values.enumerated() {
            // Safety: `index` is below the capacity.
            unsafe (storage + index).initialize(to: value)
        }
    }

    deinit {
        // Safety: allocated by `init`; floats need no deinitialisation.
        unsafe storage.deallocate()
    }

    /// The values, copied.
    package var values: [Float] {
        // Safety: `count` floats were initialised.
        unsafe Array(UnsafeBufferPointer(start: storage, count: count))
    }
}
