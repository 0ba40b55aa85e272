import CLinux
import Glibc

/// Whole small files, such as configuration and the kernel's text files.
package enum Files {
    /// Reads the file until its end; works for /proc and /sys, whose files say they are empty.
    ///
    /// Throws EFBIG when there are more than `maximumByteCount` bytes.
    package static func contents(
        of path: String,
        maximumByteCount: Int = 1 << 20
    ) throws(SystemError) -> [UInt8] {
        try FaultPlan.pass("open", path: path)
        // Safety: the string outlives the call as a NUL-terminated copy.
        let descriptor = try FileDescriptor(
            returnedBy: "open",
            unsafe torii_open_read_only(path),
            path: path
        )
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            try FaultPlan.pass("read", path: path)
            // Safety: `chunk` owns `chunk.count` writable bytes.
            let count = unsafe chunk.withUnsafeMutableBytes { buffer in
                unsafe Glibc.read(descriptor.rawValue, buffer.baseAddress, buffer.count)
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw .last("read", path: path)
            }
            if count == 0 { return bytes }
            bytes.append(contentsOf: chunk[..<count])
            guard bytes.count <= maximumByteCount else {
                throw SystemError(call: "read", code: EFBIG, path: path)
            }
        }
    }

    /// Writes `text` in one write(2) to a file that exists, as the kernel's files want it.
    package static func write(_ text: String, to path: String) throws(SystemError) {
        // Safety: the string outlives the call as a NUL-terminated copy.
        let descriptor = try FileDescriptor(
            returnedBy: "open",
            unsafe torii_open_write_only(path),
            path: path
        )
        let bytes = Array(text.utf8)
        // Safety: the array outlives the call, which only reads it.
        let count = unsafe Glibc.write(descriptor.rawValue, bytes, bytes.count)
        guard count == bytes.count else { throw .last("write", path: path) }
    }

    /// `contents` as text; bytes that are not UTF-8 become U+FFFD.
    package static func text(
        of path: String,
        maximumByteCount: Int = 1 << 20
    ) throws(SystemError) -> String {
        String(decoding: try contents(of: path, maximumByteCount: maximumByteCount), as: UTF8.self)
    }
}
