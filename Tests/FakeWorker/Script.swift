import JSON
import Sampling
import WorkerProtocol

/// What a fake generation does, by the prompt's first word.
///
/// Any text: its words, one delta each. `!request`: the request itself as text. `!die N`: N words,
/// then the process dies. `!hang N`: N words, then nothing. `!silent`: the process stops answering. `!flood`: text
/// for ever. `!queue N`: accepted, then N places that come nearer, then the other words.
/// `!wait`: accepted and the third in the queue, for ever. `!timeout`: accepted, then timed out.
/// `!memory N`: asks for N bytes and says how many were granted. `!return N`: gives N bytes back.
/// `!parts`: reasoning, text, and two calls, of which the first is `f` with the argument `a`.
/// `!overflow`, `!template`, `!overloaded`, `!full`, `!nan`, `!parameter`: that failure.
struct Script {
    enum Step {
        case nothing
        case event(GenerationEvent)
        case die
        case fallSilent
    }

    private enum Kind { case words, die, hang, wait, silent, flood, parts }

    private let request: GenerationRequest
    private var kind = Kind.words
    private var words: [String]
    private var failure: GenerationFailure.Kind?
    private var position = 0
    private var hasStarted = false
    /// Bytes to ask the gateway for before anything else.
    private(set) var wantedByteCount: Int?
    /// Bytes to give back to the gateway.
    private(set) var returnedByteCount: Int?
    /// Events before the first step.
    private var waiting: ArraySlice<GenerationEvent> = []

    var isActive: Bool {
        switch kind {
        case .hang: !hasStarted || position < words.count
        case .wait: !waiting.isEmpty
        case .words, .die, .silent, .flood, .parts: true
        }
    }

    init(_ request: GenerationRequest) {
        self.request = request
        let text = Self.text(request.prompt)
        words = Self.words(text)
        switch words.first?.trimmed {
        case "!request": words = Self.words(Self.description(of: request))
        case "!die", "!hang":
            kind = words[0].trimmed == "!die" ? .die : .hang
            let count = words.count > 1 ? Int(words[1].trimmed) ?? 0 : 0
            words = (0..<count).map { "word\($0) " }
        case "!queue":
            let count = words.count > 1 ? Int(words[1].trimmed) ?? 0 : 0
            waiting = [.accepted(Self.admission)]
            waiting += (0..<count).reversed().map { .queued(position: $0 + 1) }
            words = Array(words.dropFirst(2))
        case "!memory": wantedByteCount = words.count > 1 ? Int(words[1].trimmed) : nil
        case "!return": returnedByteCount = words.count > 1 ? Int(words[1].trimmed) : nil
        case "!wait":
            kind = .wait
            waiting = [.accepted(Self.admission), .queued(position: 3)]
        case "!timeout":
            waiting = [.accepted(Self.admission), .queued(position: 3)]
            failure = .queueTimeout(Self.admission)
        case "!parts": kind = .parts
        case "!silent": kind = .silent
        case "!flood": kind = .flood
        case "!overflow":
            failure = .contextLengthExceeded(promptTokenCount: 6031, contextLength: 4096)
        case "!template": failure = .templateFailed
        case "!overloaded": failure = .overloaded(.unmeasured)
        case "!full": failure = .overloaded(Self.admission)
        case "!nan": failure = .nonFiniteLogits
        case "!parameter": failure = .invalidRequest(parameter: "logit_bias")
        default: break
        }
        if request.echo, case .words = kind { words = Self.words(text) + words }
    }

    mutating func next() -> Step {
        if let event = waiting.popFirst() { return .event(event) }
        if kind == .wait { return .nothing }
        if let failure {
            return .event(.failed(GenerationFailure(kind: failure, message: "as the script says")))
        }
        if !hasStarted {
            hasStarted = true
            return .event(.started(promptTokenCount: 7, cachedTokenCount: 3))
        }
        switch kind {
        case .hang where position == words.count: return .nothing
        case .silent: return .fallSilent
        case .flood: return delta(String(repeating: "flood ", count: 200))
        case .die where position == words.count: return .die
        case .parts:
            defer { position += 1 }
            return .event(Self.parts[position])
        case .words, .die, .hang, .wait: break
        }
        let limit = request.maximumOutputTokens ?? .max
        if position == min(words.count, limit) {
            let reason: FinishReason = position == words.count ? .stop : .length
            return .event(.finished(reason, Self.usage(outputTokenCount: position)))
        }
        return delta(words[position])
    }

    private static let parts: [GenerationEvent] = [
        .reasoning(text: "Let me "), .reasoning(text: "think."), .delta(text: "Well.", tokens: []),
        .toolCall(index: 0, name: "f"), .toolArguments(index: 0, text: "{\"a\":"),
        .toolArguments(index: 0, text: "1}"), .toolCall(index: 1, name: "g"),
        .toolArguments(index: 1, text: "{}"),
        .finished(
            .toolCalls,
            GenerationUsage(promptTokenCount: 7, outputTokenCount: 9, reasoningTokenCount: 4)
        ),
    ]

    /// What every accepted or refused script is told.
    static let admission = AdmissionState(
        requestLimit: 8,
        remainingRequestCount: 6,
        tokenLimit: 4000,
        remainingTokenCount: 3900,
        drainDuration: .milliseconds(72_500)
    )

    static func usage(outputTokenCount: Int) -> GenerationUsage {
        GenerationUsage(
            promptTokenCount: 7,
            cachedTokenCount: 3,
            outputTokenCount: outputTokenCount,
            queueDuration: .milliseconds(1),
            prefillDuration: .milliseconds(2),
            decodeDuration: .milliseconds(3)
        )
    }

    private mutating func delta(_ text: String) -> Step {
        defer { position += 1 }
        var tokens: [TokenLogprob] = []
        if let count = request.topLogprobCount {
            let top = (0..<count).map { rank in
                TokenAlternative(
                    token: Int32(rank),
                    bytes: rank == 0 ? Array(text.utf8) : Array("alternative\(rank)".utf8),
                    logprob: -0.5 - Float(rank)
                )
            }
            let isFirstOfEcho = request.echo && position == 0
            tokens = [
                TokenLogprob(
                    token: Int32(position),
                    bytes: Array(text.utf8),
                    logprob: isFirstOfEcho ? nil : -0.5,
                    top: isFirstOfEcho ? [] : top
                )
            ]
        }
        return .event(.delta(text: text, tokens: tokens))
    }

    static func text(_ prompt: Prompt) -> String {
        switch prompt {
        case .text(let text): text
        case .tokens(let tokens): tokens.map { "t\($0)" }.joined(separator: " ")
        case .gap(let before, let after): "\(before) … \(after)"
        case .chat(let chat):
            chat.messages.arrayValue?.last?["content"]?.stringValue ?? ""
        }
    }

    /// The words with the spaces that follow them.
    private static func words(_ text: String) -> [String] {
        var words: [String] = []
        var word = ""
        for character in text {
            if character != " ", word.last == " " {
                words.append(word)
                word = ""
            }
            word.append(character)
        }
        return word.isEmpty ? words : words + [word]
    }

    private static func description(of request: GenerationRequest) -> String {
        let sampling = request.sampling
        var object: JSONObject = [
            "temperature": .double(Double(sampling.temperature)),
            "top_p": .double(Double(sampling.topP)),
            "top_k": .integer(sampling.topK),
            "min_p": .double(Double(sampling.minP)),
            "seed": sampling.seed.map { .integer(Int(truncatingIfNeeded: $0)) } ?? nil,
            "max": request.maximumOutputTokens.map { .integer($0) } ?? nil,
            "stop": .array(request.stopStrings.map { .string($0) }),
            "ignore_eos": .bool(request.ignoresEndOfGeneration),
            "key": .string(request.account.key),
            "user": .string(request.account.user),
            "weight": .double(Double(request.account.weight)),
            "class": .string("\(request.account.priority)"),
            "namespace": .string(request.account.cacheNamespace),
            "queue_timeout": request.queueTimeout.map { .double($0 / .seconds(1)) } ?? nil,
        ]
        if case .chat(let chat) = request.prompt {
            object["messages"] = chat.messages
            object["tools"] = chat.tools ?? nil
            object["arguments"] = .object(chat.templateArguments)
            object["tool_choice"] = .string("\(chat.toolChoice)")
            object["parallel"] = .bool(chat.allowsParallelToolCalls)
            object["budget"] = chat.reasoningBudget.map { .integer($0) } ?? nil
        }
        return JSONValue.object(object).serialized()
    }
}

extension String {
    fileprivate var trimmed: String { String(prefix { $0 != " " }) }
}
