/// A byte of the answer that has not been given a meaning yet.
struct HeldByte: Sendable, Hashable {
    let value: UInt8
    /// Whether it is of the name of a control token: it may be part of a marker, but is never text.
    let isControl: Bool
}

/// Collects pieces, joining neighbours of one kind.
struct AnswerOutput: Sendable {
    private(set) var pieces: [AnswerPiece] = []

    mutating func take() -> [AnswerPiece] {
        defer { pieces = [] }
        return pieces
    }

    /// Adds text; the bytes are the answer's from `position` on.
    mutating func content(_ bytes: some Collection<HeldByte>, at position: Int) {
        for (offset, byte) in bytes.enumerated() where !byte.isControl {
            if case .content(var last, let start) = pieces.last,
                start + last.count == position + offset
            {
                pieces.removeLast()
                last.append(byte.value)
                pieces.append(.content(last, position: start))
            } else {
                pieces.append(.content([byte.value], position: position + offset))
            }
        }
    }

    mutating func reasoning(_ bytes: some Sequence<HeldByte>) {
        let text = bytes.filter { !$0.isControl }.map(\.value)
        guard !text.isEmpty else { return }
        if case .reasoning(var last) = pieces.last {
            pieces.removeLast()
            last += text
            pieces.append(.reasoning(last))
        } else {
            pieces.append(.reasoning(text))
        }
    }

    mutating func calls(_ events: [ToolCallEvent]) {
        for event in events {
            switch event {
            case .started(let name): pieces.append(.callStarted(name: name))
            case .ended: pieces.append(.callEnded)
            case .arguments(let bytes):
                if case .callArguments(var last) = pieces.last {
                    pieces.removeLast()
                    last += bytes
                    pieces.append(.callArguments(last))
                } else {
                    pieces.append(.callArguments(bytes))
                }
            }
        }
    }
}
