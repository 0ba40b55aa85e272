import Glibc

// Safety: both stored properties are immutable, and nobody writes to the bytes.
/// A file of our own, mapped into memory for reading.
///
/// Its bytes are the system's cache of the file: no copy is made, they come from the disk when they are
/// first read, and the system may drop them and read them again. Whoever cuts the file short while it is
/// mapped ends the process (SIGBUS), so only files are mapped that nobody writes to once they have their
/// name. Safe from any thread.
@safe
package final class MappedFile: @unchecked Sendable {
    /// The file's length.
    package let byteCount: Int
    private let address: UnsafeMutableRawPointer

    /// Maps the whole of a file, which must not be empty and may be closed afterwards.
    ///
    /// - Throws: What mmap(2) reports.
    package init(_ file: borrowing ReadOnlyFile) throws(SystemError) {
        byteCount = file.byteCount
        try FaultPlan.pass("mmap", path: file.path)
        // Safety: a new mapping touches no existing memory.
        let address = unsafe mmap(nil, byteCount, PROT_READ, MAP_SHARED, file.rawValue, 0)
        guard let address = unsafe address, unsafe address != MAP_FAILED else {
            throw .last("mmap", path: file.path)
        }
        unsafe self.address = unsafe address
    }

    /// Bytes of the file within a range; they are valid while the object lives.
    package func bytes(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= byteCount,
            "the range is inside the file"
        )
        // Safety: the range lies in the mapping.
        return unsafe UnsafeRawBufferPointer(
            start: address + range.lowerBound,
            count: range.count
        )
    }

    /// Brings bytes of the file into memory: a page that cannot be read is an error here, where touching it
    /// would end the process.
    ///
    /// - Throws: EFAULT if there is such a page. Kernels before 5.14 do not look.
    package func bringIn(_ range: Range<Int>) throws(SystemError) {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= byteCount,
            "the range is inside the file"
        )
        let page = Int(getpagesize())
        let first = range.lowerBound / page * page
        // Safety: the pages that the range lies in are mapped, and only read.
        let result = unsafe madvise(
            address + first,
            range.upperBound - first,
            MADV_POPULATE_READ
        )
        guard result == 0 || errno == EINVAL else { throw .last("madvise") }
    }

    deinit {
        // Safety: the range is the whole mapping made by `init`, and nothing refers to it any more.
        _ = unsafe munmap(address, byteCount)
    }
}
