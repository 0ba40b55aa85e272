import CLinux
import Glibc

/// Who goes first when the machine's memory is used up (`oom_score_adj` of proc(5)).
package enum OutOfMemoryScore {
    /// Makes this process a likelier victim; one that is likelier already stays so.
    ///
    /// - Parameter score: -1000 ... 1000; a process without privileges can only raise it.
    package static func raise(to score: Int) {
        let path = "/proc/self/oom_score_adj"
        guard let text = try? Files.text(of: path),
            let present = text.split(separator: "\n").first.flatMap({ Int($0) }), present < score
        else { return }
        // A refusal leaves the score as it is.
        try? Files.write("\(score)", to: path)
    }
}
