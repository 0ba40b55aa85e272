import Glibc
import Platform

/// What an operator can do about a failed start.
enum StartAdvice {
    /// The way out of `error`.
    static func text(for error: SystemError) -> String {
        switch error.code {
        case EADDRINUSE: "another daemon listens there; stop it or choose another --listen address"
        case EACCES, EPERM: "choose a port above 1023, or a place this user may write to"
        case EADDRNOTAVAIL: "no network interface has this address; see `ip address`"
        case EAFNOSUPPORT:
            "this service may use only the sockets that systemd opens for it: leave `listen` out of the "
                + "configuration and say it with `systemctl edit torii.socket`"
        case ENOENT: "make the directory first"
        case EMFILE, ENFILE: "raise the limit of open files"
        default: "see the system's message"
        }
    }
}
