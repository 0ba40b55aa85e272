import Glibc

// Safety: all stored properties are immutable; the bytes behind the address are the callers'.
/// Anonymous zeroed memory, page aligned, committed by the kernel page by page at first touch.
///
/// The memory lives as long as the object. Whoever shares the buffer between threads orders the
/// accesses.
@safe
package final class AlignedBuffer: @unchecked Sendable {
    /// The first byte; a multiple of the page size.
    package let baseAddress: UnsafeMutableRawPointer
    /// The usable length in bytes, as asked for.
    package let byteCount: Int

    private let mappedByteCount: Int

    /// Maps `byteCount` bytes (0 included).
    ///
    /// - Parameters:
    ///   - byteCount: The length in bytes.
    ///   - hugePages: Asks for transparent huge pages, which pay off for buffers of megabytes.
    /// - Throws: ENOMEM when the address space or the overcommit limit is used up.
    package init(byteCount: Int, hugePages: Bool = true) throws(SystemError) {
        precondition(byteCount >= 0, "a buffer's length is not negative")
        let pageByteCount = 4096
        let rounded = max(byteCount, 1).addingReportingOverflow(pageByteCount - 1)
        guard !rounded.overflow else { throw SystemError(call: "mmap", code: ENOMEM) }
        let mapped = rounded.partialValue & ~(pageByteCount - 1)
        // Safety: a new anonymous mapping touches no existing memory.
        let address = unsafe mmap(
            nil,
            mapped,
            PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
            -1,
            0
        )
        guard let address = unsafe address, unsafe address != MAP_FAILED else {
            throw .last("mmap")
        }
        if hugePages, mapped >= 2 << 20 {
            // Safety: the range is the mapping made above. A refused hint changes nothing.
            _ = unsafe madvise(address, mapped, MADV_HUGEPAGE)
        }
        unsafe baseAddress = unsafe address
        self.byteCount = byteCount
        mappedByteCount = mapped
    }

    /// The whole buffer as raw bytes; valid while the object lives.
    package var bytes: UnsafeMutableRawBufferPointer {
        // Safety: the mapping has at least `byteCount` bytes.
        unsafe UnsafeMutableRawBufferPointer(start: baseAddress, count: byteCount)
    }

    deinit {
        // Safety: the range is the whole mapping made by `init`, and nothing refers to it any more.
        _ = unsafe munmap(baseAddress, mappedByteCount)
    }
}
