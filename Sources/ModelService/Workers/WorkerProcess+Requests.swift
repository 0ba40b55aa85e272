import Platform
import Synchronization
import WorkerProtocol

/// Where the events of one generation go.
struct GenerationRecipient: Sendable {
    let exchange: GenerationExchange
    let choice: Int
    let priority: PriorityClass
}

/// An answer to a question about text and tokens.
enum WorkerAnswer: Sendable {
    case tokens([Int32])
    case pieces([[UInt8]])
    case text(String)
    case count(Int)
    case adapter(AdapterFacts)
}

/// Somebody who waits for an answer.
typealias WorkerQuestion = CheckedContinuation<Result<WorkerAnswer, GenerationFailure>, Never>

extension WorkerProcess {
    /// Submits one generation or embedding, whose events go to `recipient`; returns its id.
    ///
    /// When the worker is gone or cannot take more, the recipient gets a `failed` event before
    /// this returns.
    func submit(
        _ submission: WorkerSubmission,
        queueTimeout: Duration,
        to recipient: GenerationRecipient
    ) -> UInt64 {
        let id = state.withLock { state in
            state.lastID += 1
            if state.isOpen { state.generations[state.lastID] = recipient }
            return state.lastID
        }
        if let failure = send(submission.message(id: id, queueTimeout: queueTimeout)) {
            deliver(.failed(failure), id: id, to: recipient)
        }
        return id
    }

    /// Ends a generation; nobody hears of it any more.
    func cancel(id: UInt64) {
        let isRunning = state.withLock { $0.generations.removeValue(forKey: id) != nil }
        if isRunning { _ = send(.cancel(id: id)) }
    }

    /// The youngest of the running generations of the lowest class, if there is one.
    var lowestGeneration: (id: UInt64, priority: PriorityClass)? {
        state.withLock { state in
            let lowest = state.generations.max {
                ($0.value.priority, $0.key) < ($1.value.priority, $1.key)
            }
            return lowest.map { ($0.key, $0.value.priority) }
        }
    }

    /// Ends a generation because the machine runs out of memory, and tells who waits for it.
    func sacrifice(id: UInt64) {
        let recipient = state.withLock { $0.generations.removeValue(forKey: id) }
        guard let recipient else { return }
        _ = send(.cancel(id: id))
        let failure = GenerationFailure(
            kind: .overloaded(.unmeasured),
            message: "The machine ran out of memory, and requests of this class are ended first; "
                + "send it again later."
        )
        pass(.failed(failure), to: recipient, id: id)
    }

    /// Asks a question; `message` gets the question's id, `files` go with it.
    func ask(
        passing files: [OpenedFile] = [],
        _ message: (UInt64) -> GatewayMessage
    ) async throws(GenerationFailure) -> WorkerAnswer {
        let result = await withCheckedContinuation { (question: WorkerQuestion) in
            let id = state.withLock { state in
                state.lastID += 1
                if state.isOpen { state.questions[state.lastID] = question }
                return state.isOpen ? state.lastID : nil
            }
            guard let id else { return question.resume(returning: .failure(.workerDied)) }
            if let failure = send(message(id), passing: files) { answer(id: id, .failure(failure)) }
        }
        return try result.get()
    }

    /// Sends a message, with open files if it names some, now or as soon as the socket takes it; returns
    /// why it cannot be sent.
    func send(
        _ message: GatewayMessage,
        passing files: [OpenedFile] = []
    ) -> GenerationFailure? {
        var writer = FrameWriter()
        do throws(WorkerProtocolError) {
            try writer.append(message)
        } catch {
            return GenerationFailure(
                kind: .invalidRequest(parameter: nil),
                message: "The request is too large: \(error)."
            )
        }
        let frame = writer.take()
        let failure: GenerationFailure? = state.withLock { state in
            guard state.isOpen else { return .workerDied }
            guard state.outbound.append(frame, passing: files) else {
                return GenerationFailure(
                    kind: .overloaded(.unmeasured),
                    message: "Too many requests wait for this model; send it again later."
                )
            }
            return nil
        }
        if failure == nil { flush() }
        return failure
    }

    /// Sends what waits, as far as the socket takes it, and has the thread send the rest.
    func flush() {
        let isBlocked = state.withLock { state in
            while !state.outbound.isEmpty {
                let (bytes, files) = state.outbound.next
                let descriptors = files.map { $0.file.rawValue }
                guard let count = socket.send(bytes, passing: descriptors) else {
                    // The reader finds the end of the connection and acts on it.
                    return false
                }
                if count == 0 { return true }
                state.outbound.sent(count, passed: files.count)
            }
            return false
        }
        if isBlocked { socket.wake() }
    }

    /// Hands an event to whoever waits for it.
    func deliver(_ event: GenerationEvent, id: UInt64) {
        let recipient = state.withLock { state in
            event.isLast ? state.generations.removeValue(forKey: id) : state.generations[id]
        }
        if let recipient { pass(event, to: recipient, id: id) }
    }

    private func deliver(_ event: GenerationEvent, id: UInt64, to recipient: GenerationRecipient) {
        _ = state.withLock { $0.generations.removeValue(forKey: id) }
        pass(event, to: recipient, id: id)
    }

    /// A recipient that cannot keep more ends its generation.
    private func pass(_ event: GenerationEvent, to recipient: GenerationRecipient, id: UInt64) {
        if !recipient.exchange.deliver(event, choice: recipient.choice, now: .now()) {
            cancel(id: id)
        }
    }

    /// Answers a question.
    func answer(id: UInt64, _ result: Result<WorkerAnswer, GenerationFailure>) {
        let question = state.withLock { $0.questions.removeValue(forKey: id) }
        question?.resume(returning: result)
    }

    /// The worker is gone, or is about to be: everything that waits for it fails now.
    ///
    /// - Parameter reason: What has become of the process, as "hung up".
    func failEverything(reason: String) {
        let failure = GenerationFailure.workerDied("it \(reason)")
        let (generations, questions) = state.withLock { state in
            defer {
                state.isOpen = false
                state.closeReason = reason
                state.generations = [:]
                state.questions = [:]
            }
            return (state.generations, state.questions)
        }
        for recipient in generations.values {
            _ = recipient.exchange.deliver(
                .failed(failure),
                choice: recipient.choice,
                now: .now()
            )
        }
        for question in questions.values { question.resume(returning: .failure(failure)) }
    }
}

extension GenerationFailure {
    /// What requests are told that come when the worker is gone.
    static let workerDied = workerDied("it has ended")

    /// What the requests of a worker that died are told.
    ///
    /// - Parameter reason: What has become of the process, as "hung up".
    /// - Returns: The failure.
    static func workerDied(_ reason: String) -> GenerationFailure {
        GenerationFailure(
            kind: .workerDied,
            message: "The process that ran this model ended unexpectedly: \(reason). Send the "
                + "request again: a new one is started for it."
        )
    }
}
