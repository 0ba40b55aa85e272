/// Reads answers in which markers stand around reasoning and calls.
struct MarkedAnswerParser: Sendable {
    private enum State: Sendable {
        case content
        case reasoning
        /// Between the calls of a section.
        case section
        case call(ToolCallReader)
        case callEnd
        case complete
    }

    private enum Marker: Sendable { case reasoningStart, section, call, silent }

    private let syntax: AnswerSyntax
    private let tools: [ToolFacts]
    private let contentMatcher: MarkerMatcher
    private let markers: [Marker]
    private let reasoningMatcher: MarkerMatcher

    private var state: State
    private(set) var calls: CallBuffer
    var output = AnswerOutput()
    /// Bytes taken.
    private var position = 0
    /// The last of those, without a meaning yet.
    private var held: [HeldByte] = []
    /// The last of those that are content if the call they belong to is none.
    private var raw: [HeldByte] = []
    private var isInSection = false
    /// What ends the call that is being read.
    private var callEndMarker = ""
    /// Whether white space that comes next belongs to the marker before it.
    private var dropsSpace = false
    /// Whether nothing but white space has come that could keep a bare call from beginning here.
    private var mayBeginBare: Bool

    /// So much white space is held before a marker.
    private static let maximumHeldByteCount = 1024

    init(
        _ syntax: AnswerSyntax,
        startsInReasoning: Bool,
        tools: [ToolFacts],
        calls: CallBuffer
    ) {
        self.syntax = syntax
        self.tools = tools
        self.calls = calls
        var texts: [String] = []
        var markers: [Marker] = []
        func add(_ text: String?, _ marker: Marker) {
            guard let text, !text.isEmpty else { return }
            texts.append(text)
            markers.append(marker)
        }
        add(syntax.reasoning?.start, .reasoningStart)
        add(syntax.reasoning?.end, .silent)
        add(syntax.toolCalls?.sectionStart, .section)
        add(syntax.toolCalls?.start, .call)
        for marker in syntax.silentMarkers { add(marker, .silent) }
        contentMatcher = MarkerMatcher(texts)
        self.markers = markers
        reasoningMatcher = MarkerMatcher([syntax.reasoning?.end].compactMap { $0 })
        let isReasoning = startsInReasoning && syntax.reasoning != nil
        state = isReasoning ? .reasoning : .content
        dropsSpace = isReasoning
        mayBeginBare = syntax.toolCalls?.beginsBare ?? false
    }

    var isReasoning: Bool {
        if case .reasoning = state { return true }
        return false
    }

    var decidedByteCount: Int { position - max(held.count, raw.count) }

    mutating func consume(_ byte: HeldByte) {
        position += 1
        advance(byte)
    }

    /// Gives the byte before `position` a meaning, in the state of the moment.
    private mutating func advance(_ byte: HeldByte) {
        switch state {
        case .content: content(byte)
        case .reasoning: reasoning(byte)
        case .section: section(byte)
        case .call(let reader): call(byte, reader)
        case .callEnd: callEnd(byte)
        case .complete: break
        }
    }

    mutating func finish(isCut: Bool) {
        switch state {
        case .content: release(held.count)
        case .reasoning:
            while let last = held.last, JSONScanner.isSpace(last.value) { held.removeLast() }
            releaseReasoning(held.count)
        case .section:
            if calls.count == 0 { output.content(raw, at: position - raw.count) }
        case .call:
            if !(isCut && calls.cut(&output)), !calls.isOpen {
                output.content(raw, at: position - raw.count)
            }
        case .callEnd, .complete: break
        }
        held = []
        raw = []
    }

    // MARK: Text

    private mutating func content(_ byte: HeldByte) {
        held.append(byte)
        if mayBeginBare {
            switch bareBeginning() {
            case .none: break
            case .call(let end): return begin(isBare: true, end: end, with: byte)
            case .separator:
                held = []
                return
            case .undecided: return
            }
        }
        while true {
            switch contentMatcher.match(held) {
            case .released(0):
                if held.count > Self.maximumHeldByteCount { release(held.count) }
                return
            case .released(let count): release(count)
            case .marker(let index):
                return meet(markers[index], length: contentMatcher.length(index))
            }
        }
    }

    private mutating func meet(_ marker: Marker, length: Int) {
        switch marker {
        case .silent:
            release(held.count - length)
            held = []
        case .reasoningStart:
            held = []
            state = .reasoning
            dropsSpace = true
        case .section:
            raw = held
            held = []
            state = .section
            isInSection = true
        case .call:
            begin(isBare: false, end: syntax.toolCalls?.end ?? "", with: nil)
        }
    }

    /// The first held bytes are content.
    private mutating func release(_ count: Int) {
        var start = 0
        while dropsSpace, start < count, JSONScanner.isSpace(held[start].value) { start += 1 }
        if start < count {
            dropsSpace = false
            mayBeginBare = false
            output.content(held[start..<count], at: position - held.count + start)
        }
        held.removeFirst(count)
    }

    private mutating func reasoning(_ byte: HeldByte) {
        held.append(byte)
        while true {
            switch reasoningMatcher.match(held) {
            case .released(0):
                if held.count > Self.maximumHeldByteCount { releaseReasoning(held.count) }
                return
            case .released(let count): releaseReasoning(count)
            case .marker:
                held = []
                state = .content
                dropsSpace = true
                return
            }
        }
    }

    private mutating func releaseReasoning(_ count: Int) {
        var start = 0
        while dropsSpace, start < count, JSONScanner.isSpace(held[start].value) { start += 1 }
        if start < count { dropsSpace = false }
        output.reasoning(held[start..<count])
        held.removeFirst(count)
    }

    // MARK: Calls

    private enum BareBeginning {
        case none, undecided, separator
        case call(end: String)
    }

    /// What the held bytes are, where a call without a marker may begin.
    private func bareBeginning() -> BareBeginning {
        guard let toolCalls = syntax.toolCalls, let last = held.last?.value else { return .none }
        let text = held.map(\.value).drop(while: JSONScanner.isSpace)
        if text.count == 1 {
            switch last {
            case UInt8(ascii: "{"): return .call(end: "")
            case UInt8(ascii: "[") where toolCalls.mayBeBare: return .call(end: "")
            case UInt8(ascii: ";") where calls.count > 0: return .separator
            default: break
            }
        }
        guard toolCalls.readsUnmarked else { return .none }
        let fence = Array("```json".utf8)
        if fence.starts(with: text) { return text.isEmpty ? .none : .undecided }
        for opening in [fence[...], fence[..<3]] where text.starts(with: opening) {
            let rest = text.dropFirst(opening.count)
            if rest.allSatisfy(JSONScanner.isSpace) { return .undecided }
            let isObject =
                last == UInt8(ascii: "{") && rest.dropLast().allSatisfy(JSONScanner.isSpace)
            if isObject { return .call(end: "```") }
        }
        return .none
    }

    /// A call begins after what is held, or with its last byte.
    private mutating func begin(isBare: Bool, end: String, with byte: HeldByte?) {
        guard let toolCalls = syntax.toolCalls else { return }
        callEndMarker = end
        calls.holdsCall = isBare && toolCalls.readsUnmarked
        var before = held
        held = []
        // In a section the byte is not held.
        if byte != nil { _ = before.popLast() }
        raw += before
        state = .call(ToolCallReader(toolCalls, tools: tools, isBare: isBare))
        if let byte { advance(byte) }
    }

    private mutating func section(_ byte: HeldByte) {
        guard let toolCalls = syntax.toolCalls else { return }
        raw.append(byte)
        if held.isEmpty, JSONScanner.isSpace(byte.value) { return }
        if held.isEmpty, "{[".utf8.contains(byte.value), toolCalls.start.first != "[" {
            raw.removeLast()
            return begin(isBare: false, end: "", with: byte)
        }
        held.append(byte)
        let bytes = held.map(\.value)
        if !toolCalls.start.isEmpty, bytes.elementsEqual(toolCalls.start.utf8) {
            held = []
            return begin(isBare: false, end: toolCalls.end, with: nil)
        }
        if bytes.elementsEqual(toolCalls.sectionEnd.utf8) { return endSection() }
        let isOpen =
            toolCalls.start.utf8.starts(with: bytes)
            || toolCalls.sectionEnd.utf8.starts(with: bytes)
        if !isOpen { abandonCall() }
    }

    private mutating func call(_ byte: HeldByte, _ current: ToolCallReader) {
        var reader = current
        raw.append(byte)
        var events: [ToolCallEvent] = []
        let step = reader.consume(byte.value, into: &events)
        state = .call(reader)
        if step == .invalid {
            calls.abandon()
            return abandonCall()
        }
        if calls.take(events, &output) { raw = [] }
        if calls.isComplete {
            raw = []
            state = .complete
        } else if step == .ended {
            held = []
            raw = []
            state = .callEnd
            if callEndMarker.isEmpty { leaveCall() }
        }
    }

    private mutating func callEnd(_ byte: HeldByte) {
        let end = callEndMarker.utf8
        held.append(byte)
        let bytes = held.map(\.value).drop(while: JSONScanner.isSpace)
        if bytes.elementsEqual(end) { return leaveCall() }
        if end.starts(with: bytes) { return }
        // Models leave the end out; what came instead is read as what follows.
        replay(held)
    }

    private mutating func replay(_ bytes: [HeldByte]) {
        leaveCall()
        let end = position
        for (offset, byte) in bytes.enumerated() {
            position = end - bytes.count + offset + 1
            advance(byte)
        }
    }

    private mutating func leaveCall() {
        held = []
        raw = []
        if isInSection {
            state = .section
        } else {
            endSection()
        }
    }

    private mutating func endSection() {
        held = []
        raw = []
        isInSection = false
        state = .content
        dropsSpace = true
        mayBeginBare = syntax.toolCalls?.beginsBare ?? false
    }

    /// What began like a call is content; the last byte may begin something else.
    private mutating func abandonCall() {
        guard let last = raw.popLast() else { return }
        if !raw.isEmpty { dropsSpace = false }
        output.content(raw, at: position - 1 - raw.count)
        raw = []
        held = []
        isInSection = false
        state = .content
        // A bare call that is none must not begin again with the same byte.
        mayBeginBare = false
        advance(last)
    }
}
