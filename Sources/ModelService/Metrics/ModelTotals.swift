package import Telemetry
package import WorkerProtocol

/// What has happened to one model since the service was made, over all its workers.
package struct ModelTotals: Sendable, Hashable {
    /// Seconds from a worker's start until its model was resident.
    package private(set) var loadDurations = HistogramTally(bounds: Self.loadBounds)
    /// How loads that have ended ended.
    package private(set) var loads: [WorkerEnding.Load: Int] = [:]
    /// How often the resident model was unloaded, by the reason.
    package private(set) var unloads: [UnloadReason: Int] = [:]
    /// Workers that ended by themselves, without a word.
    package private(set) var crashCount = 0
    /// Those of them that the kernel killed because their memory had ended.
    package private(set) var outOfMemoryCount = 0
    /// Totals of workers that have ended, as of their last heartbeats.
    private var past = WorkerStatus()
    /// Counters of the workers that live, by the worker's number.
    private var present: [Int: WorkerStatus] = [:]

    /// The ranges of `loadDurations`, in seconds.
    package static let loadBounds: [Double] = [
        0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600,
    ]

    /// How often the model went for the sake of others.
    package var evictionCount: Int { (unloads[.evicted] ?? 0) + (unloads[.pressure] ?? 0) }

    /// Of a model that was never loaded.
    package init() {}

    /// The totals of all its workers; figures of the moment are 0 in it.
    package var work: WorkerStatus {
        present.values.reduce(into: past) { sum, status in sum.addTotals(of: status) }
    }

    /// The model became resident.
    package mutating func noteLoad(_ duration: Duration) {
        loads[.ok, default: 0] += 1
        loadDurations.record(duration)
    }

    /// A worker's counters are these now.
    package mutating func noteStatus(_ status: WorkerStatus, ofWorker number: Int) {
        present[number] = status
    }

    /// A worker has ended.
    package mutating func noteEnd(_ ending: WorkerEnding, ofWorker number: Int) {
        if let last = present.removeValue(forKey: number) { past.addTotals(of: last) }
        if ending.load != .ok { loads[ending.load, default: 0] += 1 }
        if ending.load == .ok, let reason = ending.unloadReason {
            unloads[reason, default: 0] += 1
        }
        if ending.isCrash { crashCount += 1 }
        if ending.hasRunOutOfMemory { outOfMemoryCount += 1 }
    }
}

extension WorkerStatus {
    /// Adds another worker's totals; what is a figure of the moment stays.
    fileprivate mutating func addTotals(of other: WorkerStatus) {
        promptTokenTotal.add(other.promptTokenTotal)
        outputTokenTotal.add(other.outputTokenTotal)
        stepTotal.add(other.stepTotal)
        preemptionTotal.add(other.preemptionTotal)
        cachedTokenTotal.add(other.cachedTokenTotal)
        lookedUpTokenTotal.add(other.lookedUpTokenTotal)
        draftTokenTotal.add(other.draftTokenTotal)
        acceptedDraftTokenTotal.add(other.acceptedDraftTokenTotal)
        busyNanosecondTotal.add(other.busyNanosecondTotal)
    }
}

extension Int {
    /// A worker's figures are not trusted to be sane.
    fileprivate mutating func add(_ other: Int) {
        let (sum, overflows) = addingReportingOverflow(other)
        self = overflows ? .max : sum
    }
}
