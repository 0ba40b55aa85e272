import Platform
import Synchronization
import Telemetry
import WorkerProtocol

// Adapters beside the model: their files, and their memory.
extension WorkerProcess {
    /// Tells the worker to load the model with those of its adapters that can be opened; of the others
    /// the first request finds out why not.
    func sendLoad() {
        var options = launch.options
        let weights: WeightCacheFiles?
        (options.turnSeat, weights) = state.withLock { ($0.turnSeat, $0.weights) }
        options.cachedWeights = weights?.stored.map { _ in cachedWeightsNumber }
        options.cacheOutput = weights?.outputDescriptor.map { _ in cachedWeightsNumber + 1 }
        var files: [OpenedFile] = []
        for adapter in launch.adapters {
            do throws(SystemError) {
                files += try adapter.paths.map { path throws(SystemError) in
                    try OpenedFile(path: path)
                }
                options.adapters.append(adapter.source)
            } catch {
                log.warning(
                    "an adapter cannot be read",
                    ("adapter", adapter.setting.name),
                    ("error", error)
                )
            }
        }
        _ = send(.load(options), passing: files)
    }

    /// Grants all that an adapter takes, or nothing.
    func reserveAdapter(id: UInt64, byteCount: Int) {
        let limit = launch.ledger.available(launch.gauge)
        let isGranted = launch.ledger.withLock { ledger in
            let granted = ledger.ask(byteCount: byteCount, for: launch.holder, limit: limit)
            if granted == byteCount { return true }
            ledger.giveBack(byteCount: granted, by: launch.holder)
            return false
        }
        if isGranted {
            let (footprint, overhead) = state.withLock { state in
                // Never lowered: the limit is for defects.
                state.footprint.adapterByteCount += byteCount
                return (state.footprint, state.overheadByteCount)
            }
            limitMemory(footprint, overheadByteCount: overhead)
        }
        _ = send(.adapterReserved(id: id, isGranted: isGranted))
    }
}
