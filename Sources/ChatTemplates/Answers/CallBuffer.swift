/// The events of a call on their way out: held until it is whole, unless it is sure to become so.
struct CallBuffer: Sendable {
    private let streams: Bool
    /// Whether the call that is being read leaves when it is whole, whatever `streams` says.
    var holdsCall = false
    private let maximumCount: Int
    private var waiting: [ToolCallEvent] = []
    private(set) var count = 0

    init(streams: Bool, maximumCount: Int) {
        self.streams = streams
        self.maximumCount = maximumCount
    }

    var isComplete: Bool { count >= maximumCount }

    /// Takes events; returns whether the bytes that made them can no longer become content.
    mutating func take(_ events: [ToolCallEvent], _ output: inout AnswerOutput) -> Bool {
        var isCommitted = false
        for event in events where !isComplete {
            waiting.append(event)
            if event == .ended { count += 1 }
            let hasBegun = waiting.contains { if case .started = $0 { true } else { false } }
            guard event == .ended || streams && !holdsCall && (hasBegun || isOpen) else { continue }
            output.calls(waiting)
            isOpen = event != .ended
            waiting = []
            isCommitted = true
        }
        return isCommitted
    }

    /// Whether a call's beginning is out and its end is not.
    private(set) var isOpen = false

    /// The call is none after all; what of it is out stays as it is.
    mutating func abandon() {
        waiting = []
        isOpen = false
    }

    /// The answer was cut off inside a call; true if the part there is counts as one.
    mutating func cut(_ output: inout AnswerOutput) -> Bool {
        let hasBegun = waiting.contains { if case .started = $0 { true } else { false } }
        guard hasBegun || isOpen, !isComplete else { return false }
        output.calls(waiting)
        waiting = []
        count += 1
        return true
    }
}
