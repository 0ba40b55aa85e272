import CLinux
import Glibc

/// A system call that failed.
package struct SystemError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The call, as in the manual ("open").
    package let call: String
    /// The errno value.
    package let code: Int32
    /// The file the call was about, if any.
    package let path: String?

    /// Describes a failure whose errno value is already at hand.
    package init(call: String, code: Int32, path: String? = nil) {
        self.call = call
        self.code = code
        self.path = path
    }

    /// The failure of the call made just before on this thread: reads errno, so make no other call
    /// in between.
    package static func last(_ call: String, path: String? = nil) -> SystemError {
        SystemError(call: call, code: errno, path: path)
    }

    /// Whether there is no such file or directory.
    package var isMissingFile: Bool { code == ENOENT }

    /// EBADMSG: what a file holds is not what it should.
    package static let badMessageCode = EBADMSG

    /// The errno value's own words, without the call ("No such file or directory").
    package var reason: String {
        // Safety: the C function returns a static NUL-terminated string for every value.
        unsafe String(cString: torii_error_description(code))
    }

    /// For example `open /etc/x: No such file or directory (ENOENT)`.
    package var description: String {
        // Safety: as in `reason`.
        let name = unsafe String(cString: torii_error_name(code))
        let subject = path.map { "\(call) \($0)" } ?? call
        return "\(subject): \(reason) (\(name))"
    }
}
