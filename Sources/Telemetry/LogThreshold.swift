import Synchronization

/// The lowest level that a log writes, shared by all its copies so that it may change meanwhile.
///
/// Safe from any thread.
final class LogThreshold: Sendable {
    private let rawLevel: Atomic<Int>

    init(_ level: LogLevel) {
        rawLevel = Atomic(level.rawValue)
    }

    var level: LogLevel {
        get { LogLevel(rawValue: rawLevel.load(ordering: .relaxed)) ?? .info }
        set { rawLevel.store(newValue.rawValue, ordering: .relaxed) }
    }
}
