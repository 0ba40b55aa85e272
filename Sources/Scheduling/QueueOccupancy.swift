package import WorkerProtocol

/// What is under way, for each key and in all: requests from submission to their end.
struct QueueOccupancy: Sendable {
    private struct Count: Sendable {
        var requests = 0
        var tokens = 0
    }

    private var total = Count()
    private var counts: [String: Count] = [:]

    mutating func enter(_ key: String, tokenCount: Int) {
        total.requests += 1
        total.tokens += tokenCount
        counts[key, default: Count()].requests += 1
        counts[key, default: Count()].tokens += tokenCount
    }

    mutating func leave(_ key: String, tokenCount: Int) {
        total.requests -= 1
        total.tokens -= tokenCount
        counts[key]?.requests -= 1
        counts[key]?.tokens -= tokenCount
        if counts[key]?.requests == 0 { counts[key] = nil }
    }

    /// Whether a request may come in.
    ///
    /// The bounds on tokens are for many: a single request never meets them.
    func hasRoom(for key: String, tokenCount: Int, limits: QueueLimits) -> Bool {
        let count = counts[key] ?? Count()
        return total.requests < limits.requestCount && count.requests < limits.requestCountPerKey
            && (total.requests == 0 || total.tokens + tokenCount <= limits.tokenCount)
            && (count.requests == 0 || count.tokens + tokenCount <= limits.tokenCountPerKey)
    }

    /// How full it is for a key.
    func state(of key: String, limits: QueueLimits, drainDuration: Duration) -> AdmissionState {
        let count = counts[key] ?? Count()
        return AdmissionState(
            requestLimit: min(limits.requestCountPerKey, limits.requestCount),
            remainingRequestCount: max(
                0,
                min(
                    limits.requestCountPerKey - count.requests,
                    limits.requestCount - total.requests
                )
            ),
            tokenLimit: min(limits.tokenCountPerKey, limits.tokenCount),
            remainingTokenCount: max(
                0,
                min(limits.tokenCountPerKey - count.tokens, limits.tokenCount - total.tokens)
            ),
            drainDuration: drainDuration
        )
    }
}

extension Scheduler {
    /// Takes a request of several texts into the queue, which counts as one.
    ///
    /// Its texts are submitted later as members, a few at a time, so that a long request is no burden
    /// to the planning of each step.
    ///
    /// - Parameters:
    ///   - account: On whose behalf.
    ///   - tokenCount: Tokens of all its texts.
    /// - Returns: How full the queue is now for the account's key.
    /// - Throws: `Rejection.overloaded`; the request is then unknown.
    package mutating func admit(
        _ account: GenerationAccount,
        tokenCount: Int
    ) throws(Rejection) -> AdmissionState {
        guard occupancy.hasRoom(for: account.key, tokenCount: tokenCount, limits: limits.queue)
        else { throw .overloaded(admissionState(of: account.key)) }
        occupancy.enter(account.key, tokenCount: tokenCount)
        shares.enter(account)
        unsubmittedTokenCount += tokenCount
        return admissionState(of: account.key)
    }

    /// Forgets an admitted request; its submitted texts are finished by themselves.
    ///
    /// - Parameters:
    ///   - account: As it was admitted with.
    ///   - tokenCount: As it was admitted with.
    ///   - unsubmittedTokenCount: Tokens of the texts that were never submitted.
    package mutating func dismiss(
        _ account: GenerationAccount,
        tokenCount: Int,
        unsubmittedTokenCount: Int
    ) {
        occupancy.leave(account.key, tokenCount: tokenCount)
        shares.leave(account)
        self.unsubmittedTokenCount -= unsubmittedTokenCount
    }

    /// How full the queue is for a key.
    package func admissionState(of key: String) -> AdmissionState {
        occupancy.state(
            of: key,
            limits: limits.queue,
            drainDuration: .nanoseconds(Int64(min(outstandingSeconds * 1e9, 1e15)))
        )
    }

    /// How long everything that is under way will take.
    private var outstandingSeconds: Double {
        let unsubmitted = StepCostModel.Size(tokenCount: unsubmittedTokenCount)
        let start = costs.additionalSeconds(unsubmitted)
        return [running, waiting].joined().reduce(start) { sum, sequence in
            let output = Double(sequence.tokens.count - sequence.promptTokenCount)
            let maximum = Double(sequence.maximumTokenCount - sequence.tokens.count)
            let expected = max(1, throughput.typicalOutputTokenCount - output)
            return sum + costs.additionalSeconds(sequence.missingSize)
                + min(maximum, expected) * throughput.secondsPerOutputToken
        }
    }
}
