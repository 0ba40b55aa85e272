/// Reads answers that are a row of messages with headers.
struct ChannelAnswerParser: Sendable {
    private enum State: Sendable {
        case header
        case content
        case reasoning
        case call(ArgumentsReader)
        /// After a whole call, or between messages: nothing here is for anybody.
        case skipped
        case complete
    }

    private let dialect: ChannelSyntax
    private let bodyMatcher: MarkerMatcher
    private let headerEnd: [UInt8]
    private var state: State
    private(set) var calls: CallBuffer
    var output = AnswerOutput()
    private var position = 0
    private var held: [HeldByte] = []
    private var raw: [HeldByte] = []
    private var dropsSpace = false
    private var isCallEnded = false

    private static let maximumHeaderByteCount = 512
    private static let maximumHeldByteCount = 1024

    /// Stands where a parser was taken out.
    static let placeholder = ChannelAnswerParser(
        .functionary,
        startsInContent: false,
        calls: CallBuffer(streams: false, maximumCount: 0)
    )

    init(_ dialect: ChannelSyntax, startsInContent: Bool, calls: CallBuffer) {
        state = startsInContent ? .content : .header
        self.dialect = dialect
        self.calls = calls
        switch dialect {
        case .harmony:
            headerEnd = Array("<|message|>".utf8)
            bodyMatcher = MarkerMatcher([
                "<|start|>", "<|channel|>", "<|end|>", "<|call|>", "<|return|>",
            ])
        case .functionary:
            headerEnd = Array("\n".utf8)
            bodyMatcher = MarkerMatcher([">>>"])
        }
    }

    var isReasoning: Bool {
        if case .reasoning = state { return true }
        return false
    }

    var decidedByteCount: Int { position - max(held.count, raw.count) }

    mutating func consume(_ byte: HeldByte) {
        position += 1
        switch state {
        case .complete: break
        case .header: header(byte)
        case .content, .reasoning, .call, .skipped: body(byte)
        }
    }

    mutating func finish(isCut: Bool) {
        switch state {
        case .header, .content: release(held.count)
        case .reasoning:
            while let last = held.last, JSONScanner.isSpace(last.value) { held.removeLast() }
            release(held.count)
        case .call: endCall(isCut: isCut)
        case .skipped, .complete: break
        }
        held = []
        raw = []
    }

    // MARK: Headers

    private mutating func header(_ byte: HeldByte) {
        held.append(byte)
        let bytes = held.map(\.value)
        if bytes.suffix(headerEnd.count).elementsEqual(headerEnd) {
            let text = String(decoding: bytes.dropLast(headerEnd.count), as: UTF8.self)
            held = []
            enter(text)
        } else if held.count > Self.maximumHeaderByteCount {
            state = .content
            release(held.count)
        }
    }

    private mutating func enter(_ header: String) {
        dropsSpace = false
        isCallEnded = false
        if let name = recipient(header) {
            state = .call(ArgumentsReader())
            if calls.take([.started(name: name)], &output) { raw = [] }
        } else {
            state = header.contains("analysis") ? .reasoning : .content
            dropsSpace = isReasoning
        }
        if dialect == .functionary { dropsSpace = false }
    }

    /// Whom the message is for, if it is a function.
    private func recipient(_ header: String) -> String? {
        switch dialect {
        case .functionary:
            let name = Substring(header).trimmed
            return name == "all" || name.isEmpty ? nil : String(name)
        case .harmony:
            guard let mark = header.firstRange(of: "to=") else { return nil }
            let name = header[mark.upperBound...].prefix { !$0.isWhitespace && $0 != "<" }
            return NamedCallReader.bareName(String(name))
        }
    }

    // MARK: Bodies

    private mutating func body(_ byte: HeldByte) {
        held.append(byte)
        while true {
            switch bodyMatcher.match(held) {
            case .released(0):
                if held.count > Self.maximumHeldByteCount { release(held.count) }
                return
            case .released(let count): release(count)
            case .marker(let index): return end(marker: index)
            }
        }
    }

    /// A message ends, or the next one's header begins.
    private mutating func end(marker: Int) {
        if case .call = state { endCall(isCut: false) }
        held = []
        raw = []
        if calls.isComplete {
            state = .complete
        } else {
            // The first two markers of harmony, and functionary's only one, begin a header.
            state = marker < 2 ? .header : .skipped
        }
    }

    private mutating func release(_ count: Int) {
        let bytes = Array(held[..<count])
        let start = position - held.count
        held.removeFirst(count)
        switch state {
        case .header, .content: output.content(bytes, at: start)
        case .reasoning:
            let shown = dropsSpace ? bytes.drop { JSONScanner.isSpace($0.value) } : bytes[...]
            if !shown.isEmpty { dropsSpace = false }
            output.reasoning(shown)
        case .call(let reader): arguments(bytes, reader)
        case .skipped, .complete: break
        }
    }

    private mutating func arguments(_ bytes: [HeldByte], _ current: ArgumentsReader) {
        var reader = current
        for (index, byte) in bytes.enumerated() {
            raw.append(byte)
            if isCallEnded { continue }
            var events: [ToolCallEvent] = []
            switch reader.consume(byte.value, into: &events) {
            case .more: break
            case .ended:
                isCallEnded = true
                events.append(.ended)
            case .endedBefore, .invalid:
                calls.abandon()
                state = .content
                let rest = bytes[(index + 1)...]
                raw += rest
                output.content(raw, at: position - held.count - raw.count)
                raw = []
                return
            }
            if calls.take(events, &output) { raw = [] }
        }
        state = calls.isComplete ? .complete : .call(reader)
    }

    private mutating func endCall(isCut: Bool) {
        if isCallEnded { return }
        if raw.allSatisfy({ JSONScanner.isSpace($0.value) }), !isCut, !calls.isOpen {
            _ = calls.take([.arguments(Array("{}".utf8)), .ended], &output)
        } else if !(isCut && calls.cut(&output)), !calls.isOpen {
            output.content(raw, at: position - held.count - raw.count)
            calls.abandon()
        }
    }
}
