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

    private static let pageByteCount = 4096
    private static let hugePageByteCount = 2 << 20
    private let mappedByteCount: Int

    /// Maps `byteCount` bytes (0 included).
    ///
    /// - Parameters:
    ///   - byteCount: The length in bytes.
    ///   - hugePages: Asks for transparent huge pages, which pay off for buffers of megabytes.
    /// - Throws: ENOMEM when the address space or the overcommit limit is used up.
    package init(byteCount: Int, hugePages: Bool = true) throws(SystemError) {
        precondition(byteCount >= 0, "a buffer's length is not negative")
        let rounded = max(byteCount, 1).addingReportingOverflow(Self.pageByteCount - 1)
        guard !rounded.overflow else { throw SystemError(call: "mmap", code: ENOMEM) }
        let mapped = rounded.partialValue & ~(Self.pageByteCount - 1)
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
        if hugePages, mapped >= Self.hugePageByteCount {
            // Safety: the range is the mapping made above. A refused hint changes nothing.
            _ = unsafe madvise(address, mapped, MADV_HUGEPAGE)
        }
        unsafe baseAddress = unsafe address
        self.byteCount = byteCount
        mappedByteCount = mapped
    }

    /// The bytes that are committed when the first `count` of a buffer's bytes have been touched: those
    /// of whole huge pages, where the buffer is large enough for some.
    package static func committedByteCount(first count: Int, of byteCount: Int) -> Int {
        let page = byteCount >= hugePageByteCount ? hugePageByteCount : pageByteCount
        return min((count + page - 1) / page * page, max(count, byteCount))
    }

    /// The whole buffer as raw bytes; valid while the object lives.
    package var bytes: UnsafeMutableRawBufferPointer {
        // Safety: the mapping has at least `byteCount` bytes.
        unsafe UnsafeMutableRawBufferPointer(start: baseAddress, count: byteCount)
    }

    /// Commits the pages of a range of bytes now, where the kernel can (Linux 5.14); otherwise they are
    /// at first touch.
    package func commit(_ range: Range<Int>) {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= byteCount,
            "the range is inside the buffer"
        )
        guard !range.isEmpty else { return }
        let first = range.lowerBound & ~(Self.pageByteCount - 1)
        let end = (range.upperBound + Self.pageByteCount - 1) & ~(Self.pageByteCount - 1)
        // Safety: whole pages of the mapping, whose content stays. A refusal changes nothing.
        _ = unsafe madvise(baseAddress + first, end - first, MADV_POPULATE_WRITE)
    }

    /// Gives the pages that lie wholly inside a range of bytes back to the system.
    ///
    /// They read as zeros afterwards and are committed again at the next touch. The rest of the
    /// buffer's last page belongs to its last byte.
    package func releasePages(in range: Range<Int>) {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= byteCount,
            "the range is inside the buffer"
        )
        let mask = ~(Self.pageByteCount - 1)
        let first = (range.lowerBound + Self.pageByteCount - 1) & mask
        let end = range.upperBound == byteCount ? mappedByteCount : range.upperBound & mask
        guard first < end else { return }
        // Safety: whole pages of the mapping. A refusal only leaves the memory committed.
        _ = unsafe madvise(baseAddress + first, end - first, MADV_DONTNEED)
    }

    deinit {
        // Safety: the range is the whole mapping made by `init`, and nothing refers to it any more.
        _ = unsafe munmap(baseAddress, mappedByteCount)
    }
}
