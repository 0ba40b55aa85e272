import CLinux

/// The memory that `malloc` hands out.
package enum Heap {
    /// Gives pages that are free back to the system, so that what the process has is what it uses.
    ///
    /// Takes milliseconds. Safe from any thread.
    package static func returnFreePages() { torii_return_free_heap() }
}
