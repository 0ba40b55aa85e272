/// Why a worker could not load its model, or died by itself.
struct WorkerFailure: Sendable, Hashable {
    /// In the worker's own words, or how its process ended.
    var reason = ""
    /// The last lines that it logged.
    var log: [String] = []
}
