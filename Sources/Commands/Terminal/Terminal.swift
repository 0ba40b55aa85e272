import Glibc
import Platform
import Synchronization

/// The standard streams of a command.
///
/// Output is written whole; nothing is buffered. Safe from any thread, though
/// lines from several may interleave.
struct Terminal: Sendable {
    /// Takes bytes for standard output.
    let writeOutput: @Sendable ([UInt8]) -> Void
    /// Takes bytes for standard error.
    let writeError: @Sendable ([UInt8]) -> Void
    /// Whether a person sits at standard input and standard output: prompts and colours make sense.
    let isInteractive: Bool
    /// Whether standard input is a terminal; false means a pipe or a file holds the input.
    let hasInputTerminal: Bool
    /// Whether standard error is a terminal: progress makes sense.
    let showsProgress: Bool
    private let progress = ProgressLine()

    /// Streams made by hand, for tests.
    init(
        writeOutput: @escaping @Sendable ([UInt8]) -> Void,
        writeError: @escaping @Sendable ([UInt8]) -> Void,
        isInteractive: Bool,
        hasInputTerminal: Bool,
        showsProgress: Bool
    ) {
        self.writeOutput = writeOutput
        self.writeError = writeError
        self.isInteractive = isInteractive
        self.hasInputTerminal = hasInputTerminal
        self.showsProgress = showsProgress
    }

    /// The streams of this process.
    static let standard = Terminal(
        writeOutput: { StandardStream.output.write($0) },
        writeError: { StandardStream.error.write($0) },
        isInteractive: isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1,
        hasInputTerminal: isatty(STDIN_FILENO) == 1,
        showsProgress: isatty(STDERR_FILENO) == 1
    )

    /// Writes text to standard output as it is.
    func write(_ text: String) { writeOutput(Array(text.utf8)) }

    /// Writes a line to standard output.
    func writeLine(_ text: String = "") { writeOutput(Array((text + "\n").utf8)) }

    /// Writes a line to standard error.
    func writeErrorLine(_ text: String) { writeError(Array((text + "\n").utf8)) }

    /// Replaces the progress line on standard error; nothing when it is not a terminal.
    func showProgress(_ text: String) {
        guard showsProgress else { return }
        progress.isShown.store(true, ordering: .relaxed)
        writeError(Array("\r\u{1B}[K\(text)".utf8))
    }

    /// Removes the progress line, if there is one.
    func clearProgress() {
        guard progress.isShown.exchange(false, ordering: .relaxed) else { return }
        writeError(Array("\r\u{1B}[K".utf8))
    }

    /// Whether the cursor stands behind a progress line, and not behind output.
    private final class ProgressLine: Sendable {
        let isShown = Atomic(false)
    }
}
