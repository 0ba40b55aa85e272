import APIKeys
import ModelService
import OpenAIAPI
import Platform
import Telemetry
import WorkerProtocol

extension GatewayMetrics {
    /// Counts a request that has ended.
    ///
    /// - Parameters:
    ///   - record: What is known about it.
    ///   - status: The status it was answered with, or 499.
    ///   - arrival: When it came.
    ///   - now: When it ended.
    func count(
        _ record: RequestRecord,
        status: Int,
        arrival: MonotonicInstant,
        now: MonotonicInstant
    ) {
        let progress = record.monitor?.progress
        let model = progress?.model ?? record.modelID ?? ""
        let key = record.key ?? (model.isEmpty ? "" : APIKey.anonymousName)
        requests.add(labels: [record.routePath, model, key, String(status)])
        if let error = record.errorCode, record.cancellation == nil {
            errors.add(labels: [model, error])
        }
        if let rejection = record.rejection {
            rejected.add(labels: [model, key, rejection.rawValue])
        }
        guard let monitor = record.monitor, let progress else { return }
        if let cancellation = record.cancellation {
            let phase = progress.state.phase
            cancelled.add(labels: [model, key, phase, cancellation.rawValue])
        }
        // The others have only asked for a model that there is not.
        guard !model.isEmpty else { return }
        begin(model: model, key: key)
        count(monitor.takeTimings(), model: model, key: key, arrival: arrival)
        if let load = record.load { loadTimes.record(load, labels: [model]) }
        count(record.consumption, labels: [model, key])
        if let embedding = record.embedding {
            let count = record.finished.isEmpty ? 0 : embedding.textCount
            embeddedTexts.add(count, labels: [model, key, embedding.task.name])
        } else {
            for (reason, usage) in record.finished {
                generations.add(labels: [model, key, "\(reason)"])
                count(usage, model: model)
            }
        }
        if record.errorCode == nil, record.cancellation == nil {
            totalTimes.record(now.duration(since: arrival), labels: [model, key])
        }
    }

    /// Begins the series of what is rare.
    private func begin(model: String, key: String) {
        for reason in RequestRecord.Rejection.allCases {
            rejected.begin([model, key, reason.rawValue])
        }
        for phase in GenerationProgress.State.phases {
            for reason in RequestRecord.Cancellation.allCases {
                cancelled.begin([model, key, phase, reason.rawValue])
            }
        }
    }

    /// Counts what a request has measured since the last look at it.
    func count(
        _ news: GenerationTimings.News,
        model: String,
        key: String,
        arrival: MonotonicInstant
    ) {
        if let queue = news.queueDuration { queueTimes.record(queue, labels: [model, key]) }
        if let first = news.firstOutput {
            firstTokenTimes.record(first.duration(since: arrival), labels: [model, key])
        }
        interTokenTimes.merge(news.intervals, labels: [model])
    }

    private func count(_ used: UsageBook.Counts, labels: [String]) {
        promptTokens.add(used.promptTokens, labels: labels)
        cachedTokens.add(used.cachedTokens, labels: labels)
        outputTokens.add(used.outputTokens, labels: labels)
    }

    private func count(_ usage: GenerationUsage, model: String) {
        prefillTimes.record(usage.prefillDuration, labels: [model])
        guard usage.outputTokenCount > 1 else { return }
        decodeTimes.record(usage.decodeDuration, labels: [model])
        let share = usage.decodeDuration / (usage.outputTokenCount - 1)
        tokenTimes.record(share, labels: [model])
    }
}

extension GenerationProgress.State {
    /// All values of `phase`.
    static let phases = ["loading", "queued", "prefill", "decoding"]

    /// The word for it in metrics and in the list of requests.
    var phase: String {
        switch self {
        case .loading: "loading"
        case .queued: "queued"
        case .prefill: "prefill"
        case .decoding: "decoding"
        }
    }
}
