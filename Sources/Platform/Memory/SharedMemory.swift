import CLinux
import Glibc
import Synchronization

// Safety: the stored properties are immutable, and the memory behind them is touched atomically only.
/// Zeroed memory that several processes share: a memfd(2) of a fixed size.
///
/// Nobody can change the size, so no access faults. What the others write is theirs: read it as if
/// from a stranger. Safe from any thread.
@safe
package final class SharedMemory: @unchecked Sendable {
    /// The length in bytes.
    package let byteCount: Int
    private let file: FileDescriptor
    private let baseAddress: UnsafeMutableRawPointer

    /// Makes new memory.
    package convenience init(byteCount: Int) throws(SystemError) {
        let file = try FileDescriptor(returnedBy: "memfd_create", torii_memfd(byteCount))
        try self.init(owning: file.release(), byteCount: byteCount)
    }

    /// Maps memory that another process made; takes the descriptor over.
    ///
    /// - Throws: EINVAL if it is smaller than `byteCount` or could still shrink.
    package init(owning descriptor: Int32, byteCount: Int) throws(SystemError) {
        file = FileDescriptor(owning: descriptor)
        guard torii_memfd_holds(descriptor, byteCount) else {
            throw SystemError(call: "mmap", code: EINVAL)
        }
        // Safety: a new mapping touches no existing memory.
        let address = unsafe mmap(
            nil,
            byteCount,
            PROT_READ | PROT_WRITE,
            MAP_SHARED,
            descriptor,
            0
        )
        guard let address = unsafe address, unsafe address != MAP_FAILED else {
            throw .last("mmap")
        }
        unsafe baseAddress = unsafe address
        self.byteCount = byteCount
    }

    /// To be passed to another process.
    ///
    /// Borrowed.
    package var descriptor: Int32 { file.rawValue }

    /// The number at `offset`, a multiple of 8.
    package func number(at offset: Int) -> SharedNumber {
        precondition(offset % 8 == 0 && (0...byteCount - 8).contains(offset), "inside the memory")
        // Safety: aligned and inside the mapping, which is zero or was written through this type;
        // every bit pattern is a number.
        let address = unsafe baseAddress + offset
        return unsafe SharedNumber(
            memory: self,
            pointer: UnsafePointer(address.assumingMemoryBound(to: Atomic<UInt64>.self))
        )
    }

    /// The alarm at `offset`, a multiple of 8.
    package func alarm(at offset: Int) -> SharedAlarm {
        precondition(offset % 8 == 0 && (0...byteCount - 8).contains(offset), "inside the memory")
        // Safety: as in `number`.
        let address = unsafe baseAddress + offset
        return unsafe SharedAlarm(
            memory: self,
            pointer: UnsafePointer(address.assumingMemoryBound(to: Atomic<UInt32>.self))
        )
    }

    deinit {
        // Safety: the range is the mapping made by `init`; who reaches into it keeps the object.
        _ = unsafe munmap(baseAddress, byteCount)
    }
}

// Safety: the object that is kept owns the memory, which is touched atomically only.
/// A 64-bit number in shared memory; all accesses are sequentially consistent.
@safe
package struct SharedNumber: @unchecked Sendable {
    fileprivate let memory: SharedMemory
    fileprivate let pointer: UnsafePointer<Atomic<UInt64>>

    /// The present value, or a new one.
    package var value: UInt64 {
        get { unsafe pointer.pointee.load(ordering: .sequentiallyConsistent) }
        nonmutating set {
            unsafe pointer.pointee.store(newValue, ordering: .sequentiallyConsistent)
        }
    }

    /// Puts `desired` in the place of `expected`; returns whether `expected` was there.
    package func exchange(_ expected: UInt64, for desired: UInt64) -> Bool {
        unsafe pointer.pointee.compareExchange(
            expected: expected,
            desired: desired,
            ordering: .sequentiallyConsistent
        ).exchanged
    }

    /// Sets the bits of `mask`.
    package func setBits(_ mask: UInt64) {
        _ = unsafe pointer.pointee.bitwiseOr(mask, ordering: .sequentiallyConsistent)
    }

    /// Clears the bits of `mask`.
    package func clearBits(_ mask: UInt64) {
        _ = unsafe pointer.pointee.bitwiseAnd(~mask, ordering: .sequentiallyConsistent)
    }
}

// Safety: as for `SharedNumber`.
/// Something in shared memory that a thread of one process sleeps on and another one rings: a
/// futex(2).
@safe
package struct SharedAlarm: @unchecked Sendable {
    fileprivate let memory: SharedMemory
    fileprivate let pointer: UnsafePointer<Atomic<UInt32>>

    /// How often it has rung; taken before the look that decides about sleeping.
    package var ringCount: UInt32 {
        unsafe pointer.pointee.load(ordering: .sequentiallyConsistent)
    }

    /// Wakes whoever sleeps.
    package func ring() {
        _ = unsafe pointer.pointee.wrappingAdd(1, ordering: .sequentiallyConsistent)
        // Safety: an atomic number has the layout of the number.
        unsafe torii_futex_wake(UnsafeRawPointer(pointer).assumingMemoryBound(to: UInt32.self))
    }

    /// Sleeps until it has rung since `ringCount` was taken, or for `timeout`; may return early.
    package func wait(_ ringCount: UInt32, timeout: Duration) {
        // Safety: as in `ring`.
        unsafe torii_futex_wait(
            UnsafeRawPointer(pointer).assumingMemoryBound(to: UInt32.self),
            ringCount,
            max(0, timeout.wholeNanoseconds)
        )
    }
}
