import KVCache
package import Platform
import WorkerProtocol

extension Scheduler {
    /// Plans the next step; empty if no sequence is left, or none can go on without more blocks.
    ///
    /// Blocks are allocated and taken back here, so the plan must be computed and committed (or
    /// its sequences finished) before the next call.
    package mutating func schedule(now: MonotonicInstant) -> StepPlan {
        var draft = StepDraft()
        missingBlockCount = 0
        turns.note(waiting: Set(waiting.map(\.account.priority)), now: now)
        timeOut(&draft, now: now)
        makeWay(&draft, now: now)
        secureOldest(&draft, now: now)
        planNextTokens(&draft, now: now)
        if limits.guessesTokens { guessTokens(&draft) }
        draft.targetSeconds =
            draft.plan.isEmpty ? Self.seconds(limits.promptStepTarget) : decodingTarget(draft)
        planPrompts(&draft, now: now)
        return draft.plan
    }

    /// When ``schedule(now:)`` has something to do though nothing is computed.
    package var nextDeadline: MonotonicInstant? {
        waiting.lazy.filter { !$0.hasStarted }.compactMap(\.deadline).min()
    }

    static func seconds(_ duration: Duration) -> Double {
        Double(duration.wholeNanoseconds) / 1e9
    }

    static func blockCount(tokens: Int) -> Int {
        (tokens + KVStorage.blockTokenCount - 1) / KVStorage.blockTokenCount
    }

    /// How long a step may take in which somebody gets a next token.
    func decodingTarget(_ draft: StepDraft) -> Double {
        max(Self.seconds(limits.interTokenTarget), 1.3 * costs.seconds(draft.size))
    }

    private mutating func timeOut(_ draft: inout StepDraft, now: MonotonicInstant) {
        let late = waiting.filter { !$0.hasStarted && $0.deadline.map { $0 <= now } ?? false }
        guard !late.isEmpty else { return }
        for sequence in late { leave(sequence) }
        waiting.removeAll { sequence in late.contains { $0.id == sequence.id } }
        draft.note(timedOut: late.map(\.id))
    }

    /// Rule 1.
    private mutating func planNextTokens(_ draft: inout StepDraft, now: MonotonicInstant) {
        for id in running.sorted(by: Self.comesFirst).map(\.id) {
            // It may have been preempted for the sake of one before it.
            guard let index = running.firstIndex(where: { $0.id == id }),
                running[index].isDecoding,
                let index = extendTable(of: id, by: 1, &draft, now: now)
            else { continue }
            addEntry(at: index, tokenCount: 1, to: &draft, isPrompt: false)
        }
    }

    /// Adds guessed tokens to decoding sequences as long as each brings more output for its time
    /// than the step does without it.
    private mutating func guessTokens(_ draft: inout StepDraft) {
        let entries = draft.plan.entries
        guard !entries.isEmpty else { return }
        let secondsPerToken = costs.seconds(draft.size) / Double(entries.count)
        for (place, entry) in entries.enumerated() {
            guard let index = running.firstIndex(where: { $0.id == entry.id }) else { continue }
            let room = min(
                running[index].maximumTokenCount - running[index].tokens.count - 1,
                limits.stepTokenCount - limits.minimumPromptTokenCount - draft.size.tokenCount
            )
            let maximum = min(worthwhileGuessCount(running[index], secondsPerToken), room)
            let known = running[index].tokens
            let guess = running[index].guess(maximum: maximum)
            let end = Self.blockCount(tokens: known.count + guess.count)
            while running[index].table.blocks.count < end, let block = cache.allocate() {
                running[index].table.append(block)
            }
            guard !guess.isEmpty, running[index].table.blocks.count >= end else { continue }
            draft.addGuess(guess, at: place, blockTable: running[index].table.blocks)
        }
    }

    /// The k-th guessed token is right with probability acceptanceᵏ.
    private func worthwhileGuessCount(
        _ sequence: SequenceProgress,
        _ secondsPerToken: Double
    ) -> Int {
        var probability = sequence.acceptance
        var count = 0
        while count < limits.guessedTokenCount {
            let size = StepCostModel.Size(
                tokenCount: 1,
                firstPosition: sequence.tokens.count + count,
                logitRowCount: 1
            )
            guard probability * secondsPerToken > costs.additionalSeconds(size) else { break }
            probability *= sequence.acceptance
            count += 1
        }
        return count
    }

    mutating func addEntry(
        at index: Int,
        tokenCount: Int,
        part: StepPlan.Part? = nil,
        to draft: inout StepDraft,
        isPrompt: Bool
    ) {
        let sequence = running[index]
        let first = sequence.computedTokenCount
        draft.add(
            StepPlan.Entry(
                id: sequence.id,
                firstPosition: first,
                tokens: Array(sequence.tokens[first..<first + tokenCount]),
                blockTable: sequence.table.blocks,
                reachesEnd: part.map { $0.work.upperBound == sequence.work.count }
                    ?? (tokenCount == sequence.missingTokenCount),
                part: part
            ),
            isPrompt: isPrompt
        )
        if !sequence.hasStarted {
            running[index].hasStarted = true
            draft.note(
                start: StepPlan.Start(
                    id: sequence.id,
                    cachedTokenCount: sequence.cachedTokenCount
                )
            )
        }
    }
}
