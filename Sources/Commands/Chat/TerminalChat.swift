import Glibc
import HTTP
import JSON
import Platform

/// A conversation between a person at a terminal and a model of the daemon.
struct TerminalChat {
    let client: DaemonClient
    let terminal: Terminal
    var conversation: Conversation
    let isVerbose: Bool

    private static let prompt = ">>> "

    init(client: DaemonClient, terminal: Terminal, conversation: Conversation, isVerbose: Bool) {
        self.client = client
        self.terminal = terminal
        self.conversation = conversation
        self.isVerbose = isVerbose
    }

    /// Prints one answer; Ctrl-C ends the process as usual.
    mutating func answerOnce(_ question: String) throws {
        conversation.ask(question)
        let answer = try receive()
        if answer.text.last?.isNewline != true { terminal.writeLine() }
        report(answer)
    }

    /// Asks and answers until `/bye` or the end of the input.
    mutating func converse() throws {
        // Fails early, and tells the name of the model that an alias means.
        let facts = try client.get("/v1/models/\(URLPath.escape(conversation.model))")
        let terminal = self.terminal
        let interrupts = try InterruptWatch {
            terminal.write("\nUse /bye or Ctrl-D to leave.\n\(Self.prompt)")
        }
        terminal.writeLine("\(facts["id"]?.stringValue ?? conversation.model): /help for help")
        var lines = InputLines()
        while let text = readInput(&lines) {
            switch ChatInput(text) {
            case .leave: return
            case .message(let message): answer(message, interrupts)
            case let input: handle(input)
            }
        }
        terminal.writeLine()
    }

    /// One line, or several between `"""`.
    private func readInput(_ lines: inout InputLines) -> String? {
        let quotes = "\"\"\""
        terminal.write(Self.prompt)
        guard let first = lines.next() else { return nil }
        guard first.hasPrefix(quotes) else { return first }
        var text = String(first.dropFirst(quotes.count))
        while !text.hasSuffix(quotes) {
            terminal.write("... ")
            guard let line = lines.next() else { return text }
            text += "\n" + line
        }
        return String(text.dropLast(quotes.count))
    }

    private mutating func handle(_ input: ChatInput) {
        switch input {
        case .clear:
            conversation.clear()
            terminal.writeLine("The conversation is forgotten.")
        case .help: terminal.write(ChatInput.helpText)
        case .show(let what): show(what)
        case .setSystem(let text): conversation.system = text
        case .setParameter(let name, let value):
            if let problem = conversation.parameters.set(name, to: value) {
                terminal.writeErrorLine(problem)
            }
        case .mistake(let problem): terminal.writeErrorLine(problem)
        case .nothing, .leave, .message: break
        }
    }

    private func show(_ what: String) {
        switch what {
        case "system":
            terminal.writeLine(
                conversation.system.isEmpty ? "(no instructions)" : conversation.system
            )
        case "parameters":
            let members = conversation.parameters.members.members
            for (name, value) in members { terminal.writeLine("\(name) \(value.serialized())") }
            if members.isEmpty { terminal.writeLine("(no parameters set)") }
        case "", "info":
            do {
                let path = "/admin/v1/models/\(URLPath.escape(conversation.model))"
                terminal.write(ShowCommand.text(ModelObject(json: try client.get(path))))
            } catch {
                terminal.writeErrorLine("\(error)")
            }
        default: terminal.writeErrorLine("/show, /show system or /show parameters")
        }
    }

    private mutating func answer(_ message: String, _ interrupts: InterruptWatch) {
        conversation.ask(message)
        let cancellation = HTTPClientCancellation()
        do {
            let answer = try interrupts.answering(stop: { cancellation.cancel() }) {
                try receive(cancellation)
            }
            terminal.writeLine()
            if !answer.isComplete { terminal.writeErrorLine("(stopped)") }
            if answer.finishReason == "length" {
                terminal.writeErrorLine("(the answer reached its length limit)")
            }
            conversation.answer(answer.text)
            report(answer)
        } catch {
            conversation.answer("")
            terminal.clearProgress()
            terminal.writeErrorLine("\(error)")
        }
    }

    /// Streams one answer to the terminal, up to its end or to the cancellation.
    private func receive(_ cancellation: HTTPClientCancellation? = nil) throws -> TimedAnswer {
        var timed = TimedAnswer(start: .now())
        terminal.showProgress("waiting for \(conversation.model) …")
        defer { terminal.clearProgress() }
        do {
            try client.streamEvents(
                "/v1/chat/completions",
                body: conversation.requestBody,
                cancellation: cancellation
            ) { data in
                let added = try timed.answer.receive(data)
                if !added.isEmpty {
                    if timed.firstText == nil {
                        terminal.clearProgress()
                        timed.firstText = .now()
                    }
                    terminal.write(added)
                }
                return true
            }
        } catch HTTPClientError.cancelled {
            return timed
        }
        guard timed.isComplete else {
            throw CommandFailure("the daemon ended the answer too early; see its log")
        }
        timed.end = .now()
        return timed
    }

    private func report(_ timed: TimedAnswer) {
        guard isVerbose else { return }
        terminal.writeErrorLine(timed.summary)
    }
}

/// An answer and when its parts came.
private struct TimedAnswer {
    var answer = ChatAnswer()
    let start: MonotonicInstant
    var firstText: MonotonicInstant?
    var end: MonotonicInstant?

    init(start: MonotonicInstant) {
        self.start = start
    }

    var text: String { answer.text }
    var finishReason: String? { answer.finishReason }
    /// Whether the daemon said that this was all.
    var isComplete: Bool { answer.isDone }

    /// `12 prompt tokens, 34 output tokens; first text after 0.12 s, then 56.7 tokens/s`.
    var summary: String {
        var parts: [String] = []
        if let count = answer.promptTokenCount { parts.append("\(count) prompt tokens") }
        if let count = answer.outputTokenCount { parts.append("\(count) output tokens") }
        guard let firstText, let end else { return parts.joined(separator: ", ") }
        let wait = Self.seconds(firstText.duration(since: start))
        var speed = "first text after \(Quantity.decimal(wait, 2)) s"
        let rest = Self.seconds(end.duration(since: firstText))
        if let count = answer.outputTokenCount, count > 1, rest > 0 {
            speed += ", then \(Quantity.decimal(Double(count - 1) / rest, 1)) tokens/s"
        }
        return parts.joined(separator: ", ") + "; " + speed
    }

    private static func seconds(_ duration: Duration) -> Double {
        Double(duration.wholeNanoseconds) / 1e9
    }
}
