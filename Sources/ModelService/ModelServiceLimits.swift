/// Every bound of the model service, with its default.
package struct ModelServiceLimits: Sendable, Hashable {
    /// Time from a worker's start to its greeting: 30 s.
    package var greetingTimeout: Duration = .seconds(30)
    /// Longest time without progress of a worker that reads or loads a model: 60 s.
    package var loadSilenceTimeout: Duration = .seconds(60)
    /// Longest silence of a resident worker, which sends a heartbeat each second: 10 s.
    package var heartbeatTimeout: Duration = .seconds(10)
    /// How late a worker that has been silent for too long may be ended before its supervisor counts
    /// as stuck: 10 s.
    package var supervisionTimeout: Duration = .seconds(10)
    /// Longest time without a step of an engine that has something to compute: 60 s.
    package var engineStallTimeout: Duration = .seconds(60)
    /// How long a model may be idle before it is unloaded, where nobody says otherwise: 5 min.
    package var keepAlive: Duration = .seconds(300)
    /// When models go for others' sake.
    package var residency = ResidencyPolicy()
    /// Pause after the first failed load; doubles with each further failure: 10 s.
    package var firstLoadPause: Duration = .seconds(10)
    /// Longest pause after failed loads: 5 min.
    package var maximumLoadPause: Duration = .seconds(300)
    /// How long a generation may wait for its first step where the model has no own value: 10 min.
    package var queueTimeout: Duration = .seconds(600)
    /// Unread output of one stream, in bytes, above which the stall clock runs: 256 KiB.
    package var streamHighWaterByteCount = 256 << 10
    /// Unread output of one stream, in bytes, at which it is cancelled at once: 8 MiB.
    package var maximumStreamByteCount = 8 << 20
    /// Time that a stream may stay above the high-water mark before it is cancelled: 30 s.
    package var streamStallTimeout: Duration = .seconds(30)
    /// Unsent requests to one worker, in bytes, above which new ones are refused: 128 MiB.
    package var maximumUnsentByteCount = 128 << 20
    /// Models that a scan lists: 4,096; further files are left out with a warning.
    package var maximumCatalogEntryCount = 4096
    /// Adapters of one model: 128.
    package var maximumAdapterCount = 128
    /// Watchers of events at the same time: 64.
    package var maximumWatcherCount = 64
    /// Shortest time between two rescans caused by unknown names: 1 s.
    package var rescanInterval: Duration = .seconds(1)
    /// Time a worker has to end by itself when it is stopped: 2 s.
    package var stopTimeout: Duration = .seconds(2)

    /// The defaults.
    package init() {}
}
