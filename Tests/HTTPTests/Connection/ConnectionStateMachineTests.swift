import Platform
import Testing

@testable import HTTP

@Suite struct ConnectionStateMachineTests {
    private let limits = HTTPLimits()

    private func at(_ seconds: Double) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: 1_000_000_000).advanced(by: .seconds(seconds))
    }

    private func machine() -> ConnectionStateMachine {
        ConnectionStateMachine(limits: limits, now: at(0))
    }

    private func feed(
        _ machine: inout ConnectionStateMachine,
        _ text: String,
        at seconds: Double = 0
    ) -> [ConnectionStateMachine.Action] {
        let bytes = Array(text.utf8)
        return machine.received(bytes.span, now: at(seconds))
    }

    private let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    private let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n"

    @Test func `asks for admission, dispatches, and goes on to the next request`() {
        var machine = machine()
        for round in 1...3 {
            let actions = feed(&machine, get)
            guard case .admit(let head)? = actions.first, actions.count == 1 else {
                Issue.record("\(actions)")
                return
            }
            #expect(head.target.path == "/")
            #expect(
                machine.admitted(maximumBodyByteCount: nil, now: at(0)) == [.dispatch(body: [])]
            )
            #expect(machine.allowsKeepAlive)
            #expect(machine.requestCount == round)
            #expect(machine.answerFinished(keepsAlive: true, isFlushed: true, now: at(0)) == [])
            #expect(machine.phase == .reading)
        }
    }

    @Test func `answers pipelined requests one after the other`() {
        var machine = machine()
        _ = feed(&machine, post + "one!" + post + "two!" + get)
        #expect(
            machine.admitted(maximumBodyByteCount: nil, now: at(0))
                == [.dispatch(body: Array("one!".utf8))]
        )
        let next = machine.answerFinished(keepsAlive: true, isFlushed: false, now: at(0))
        #expect(next == [], "an answer that is not sent yet holds the next request back")
        guard case .admit? = machine.sendingProgressed(isFlushed: true, now: at(0)).first else {
            Issue.record("the second request was not parsed")
            return
        }
        #expect(
            machine.admitted(maximumBodyByteCount: nil, now: at(0))
                == [.dispatch(body: Array("two!".utf8))]
        )
    }

    @Test func `reads ahead only so far`() {
        var machine = machine()
        _ = feed(&machine, get)
        _ = machine.admitted(maximumBodyByteCount: nil, now: at(0))
        #expect(machine.readCapacity == limits.maximumPipelinedByteCount)
        let ahead = String(repeating: "x", count: limits.maximumPipelinedByteCount)
        #expect(feed(&machine, ahead) == [])
        #expect(machine.readCapacity == 0)
    }

    @Test func `sends 100 Continue after admission, and not once the body comes`() {
        let head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
        var patient = machine()
        _ = feed(&patient, head)
        #expect(patient.admitted(maximumBodyByteCount: nil, now: at(0)) == [.sendContinue])
        #expect(feed(&patient, "ok") == [.dispatch(body: [0x6f, 0x6b])])

        var hasty = machine()
        _ = feed(&hasty, head + "ok")
        #expect(
            hasty.admitted(maximumBodyByteCount: nil, now: at(0))
                == [.dispatch(body: [0x6f, 0x6b])]
        )

        var bodiless = machine()
        _ = feed(&bodiless, "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n")
        #expect(bodiless.admitted(maximumBodyByteCount: nil, now: at(0)) == [.dispatch(body: [])])
    }

    @Test func `closes after a refusal whose body was not read, and lingers`() {
        var machine = machine()
        _ = feed(&machine, post)
        machine.answeredUnread()
        #expect(!machine.allowsKeepAlive)
        let actions = machine.answerFinished(keepsAlive: false, isFlushed: true, now: at(0))
        #expect(actions == [.shutDownSending])
        #expect(machine.phase == .lingering)
        #expect(machine.deadline == at(2))
        #expect(feed(&machine, "body") == [])
        #expect(machine.peerClosed(now: at(1)) == [.close(reset: false)])
    }

    @Test func `lingers after a last answer, for what may be on its way`() {
        var machine = machine()
        _ = feed(&machine, get)
        _ = machine.admitted(maximumBodyByteCount: nil, now: at(0))
        let actions = machine.answerFinished(keepsAlive: false, isFlushed: true, now: at(0))
        #expect(actions == [.shutDownSending])
        #expect(feed(&machine, get) == [], "what comes after the last answer is not served")
        #expect(machine.peerClosed(now: at(1)) == [.close(reset: false)])
    }

    @Test func `keeps the connection after a refusal without a body`() {
        var machine = machine()
        _ = feed(&machine, get + get)
        machine.answeredUnread()
        #expect(machine.allowsKeepAlive)
        let actions = machine.answerFinished(keepsAlive: true, isFlushed: true, now: at(0))
        #expect(actions.count == 1)
        #expect(machine.phase == .admission)
    }

    @Test func `refuses a body over the admitted limit before reading it`() {
        var machine = machine()
        _ = feed(&machine, post)
        #expect(
            machine.admitted(maximumBodyByteCount: 3, now: at(0))
                == [.reject(.bodyTooLong(maximumByteCount: 3))]
        )
    }

    @Test func `answers a broken request and takes nothing more`() {
        var machine = machine()
        #expect(feed(&machine, "GET /\n") == [.reject(.bareLineFeed)])
        #expect(!machine.allowsKeepAlive)
        #expect(feed(&machine, get) == [])
        let actions = machine.answerFinished(keepsAlive: false, isFlushed: true, now: at(0))
        #expect(actions == [.shutDownSending])
        let flood = String(repeating: get, count: 3000)
        #expect(feed(&machine, flood) == [.close(reset: false)])
        #expect(machine.phase == .closed)
    }

    @Test func `a client that hangs up cancels the answer under way, once`() {
        var machine = machine()
        _ = feed(&machine, get)
        _ = machine.admitted(maximumBodyByteCount: nil, now: at(0))
        #expect(machine.peerClosed(now: at(1)) == [.cancel])
        #expect(machine.peerClosed(now: at(1)) == [])
        #expect(machine.readCapacity == 0)
        let actions = machine.answerFinished(keepsAlive: true, isFlushed: true, now: at(1))
        #expect(actions == [.close(reset: false)])
    }

    @Test func `a broken connection cancels and closes`() {
        var machine = machine()
        _ = feed(&machine, get)
        _ = machine.admitted(maximumBodyByteCount: nil, now: at(0))
        #expect(machine.connectionLost() == [.cancel, .close(reset: true)])
        #expect(machine.connectionLost() == [])
        #expect(machine.answerFinished(keepsAlive: true, isFlushed: true, now: at(1)) == [])
    }

    @Test func `an answer given up half-way breaks the connection`() {
        var machine = machine()
        _ = feed(&machine, get)
        _ = machine.admitted(maximumBodyByteCount: nil, now: at(0))
        #expect(machine.answerAborted() == [.cancel, .close(reset: false)])

        var old = self.machine()
        _ = feed(&old, "GET / HTTP/1.0\r\n\r\n")
        _ = old.admitted(maximumBodyByteCount: nil, now: at(0))
        #expect(old.answerAborted() == [.cancel, .close(reset: true)])
    }

    @Test func `a client that hangs up before its request is complete gets nothing`() {
        for text in ["", "GET", post, post + "ab"] {
            var machine = machine()
            let actions = feed(&machine, text)
            if case .admit? = actions.first {
                _ = machine.admitted(maximumBodyByteCount: nil, now: at(0))
            }
            #expect(machine.peerClosed(now: at(1)) == [.close(reset: false)])
        }
    }

    @Test func `draining closes idle connections and lets answers finish`() {
        var idle = machine()
        _ = feed(&idle, get)
        _ = idle.admitted(maximumBodyByteCount: nil, now: at(0))
        #expect(idle.answerFinished(keepsAlive: true, isFlushed: true, now: at(0)) == [])
        #expect(idle.drain(now: at(0)) == [.close(reset: false)])

        var busy = machine()
        _ = feed(&busy, get)
        _ = busy.admitted(maximumBodyByteCount: nil, now: at(0))
        #expect(busy.drain(now: at(0)) == [])
        #expect(!busy.allowsKeepAlive)
        let actions = busy.answerFinished(keepsAlive: true, isFlushed: true, now: at(0))
        #expect(actions == [.shutDownSending])

        var reading = machine()
        _ = feed(&reading, "GET / HT")
        #expect(reading.drain(now: at(0)) == [])
    }

    @Test func `a connection made just before draining has a moment for its first request`() {
        var used = machine()
        #expect(used.drain(now: at(10)) == [])
        guard case .admit? = feed(&used, get).first else {
            Issue.record("the request is admitted")
            return
        }
        _ = used.admitted(maximumBodyByteCount: nil, now: at(10))
        #expect(!used.allowsKeepAlive)

        var unused = machine()
        #expect(unused.drain(now: at(10)) == [])
        #expect(unused.timerFired(now: at(10)) == [])
        #expect(unused.timerFired(now: at(11)) == [.close(reset: false)])
    }

    @Test func `counts what it holds, and gives up a request under way when that is too much`() {
        var machine = machine()
        #expect(machine.memoryExhausted(now: at(0)) == [])
        _ = feed(&machine, post)
        _ = machine.admitted(maximumBodyByteCount: nil, now: at(0))
        _ = feed(&machine, "one")
        #expect(machine.heldByteCount == 3)
        _ = feed(&machine, "!GET ")
        #expect(machine.heldByteCount == 8, "the body that is being answered, and four ahead")
        #expect(machine.memoryExhausted(now: at(0)) == [], "what is answered is answered")
        _ = machine.answerFinished(keepsAlive: true, isFlushed: true, now: at(0))
        #expect(machine.heldByteCount == 0)

        var other = self.machine()
        _ = feed(&other, post)
        _ = other.admitted(maximumBodyByteCount: nil, now: at(0))
        _ = feed(&other, "one")
        #expect(other.memoryExhausted(now: at(0)) == [.reject(.tooMuchHeld)])
        #expect(other.heldByteCount == 0 && !other.allowsKeepAlive)
    }

    @Test func `closes after so many requests`() {
        var limits = HTTPLimits()
        limits.maximumRequestsPerConnection = 2
        var machine = ConnectionStateMachine(limits: limits, now: at(0))
        for expected in [true, false] {
            _ = feed(&machine, get)
            _ = machine.admitted(maximumBodyByteCount: nil, now: at(0))
            #expect(machine.allowsKeepAlive == expected)
            _ = machine.answerFinished(keepsAlive: expected, isFlushed: true, now: at(0))
        }
        #expect(machine.phase == .lingering)
    }
}

@Suite struct ConnectionDeadlineTests {
    private let limits = HTTPLimits()

    private func at(_ seconds: Double) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: 1_000_000_000).advanced(by: .seconds(seconds))
    }

    private func feed(
        _ machine: inout ConnectionStateMachine,
        _ text: String,
        at seconds: Double
    ) -> [ConnectionStateMachine.Action] {
        let bytes = Array(text.utf8)
        return machine.received(bytes.span, now: at(seconds))
    }

    @Test func `closes in silence when no byte comes, and between requests`() {
        var machine = ConnectionStateMachine(limits: limits, now: at(0))
        #expect(machine.deadline == at(30))
        #expect(machine.timerFired(now: at(29)) == [])
        #expect(machine.timerFired(now: at(30)) == [.close(reset: false)])

        var second = ConnectionStateMachine(limits: limits, now: at(0))
        _ = feed(&second, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", at: 1)
        _ = second.admitted(maximumBodyByteCount: nil, now: at(1))
        #expect(second.deadline == nil)
        _ = second.answerFinished(keepsAlive: true, isFlushed: true, now: at(50))
        #expect(second.deadline == at(125))
    }

    @Test func `gives a head ten seconds from its first byte, however it trickles`() {
        var machine = ConnectionStateMachine(limits: limits, now: at(0))
        for (index, byte) in "GET / HTTP".enumerated() {
            _ = feed(&machine, String(byte), at: 20 + Double(index))
            #expect(machine.deadline == at(30))
        }
        #expect(machine.timerFired(now: at(30)) == [.reject(.headTimedOut)])
        _ = machine.answerFinished(keepsAlive: false, isFlushed: true, now: at(30))
        #expect(machine.deadline == at(32))
        #expect(machine.timerFired(now: at(32)) == [.close(reset: false)])
    }

    @Test func `cuts a body that stops and a body that crawls`() {
        let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n"
        var stopped = ConnectionStateMachine(limits: limits, now: at(0))
        _ = feed(&stopped, head, at: 0)
        _ = stopped.admitted(maximumBodyByteCount: nil, now: at(0))
        #expect(stopped.deadline == at(10))
        _ = feed(&stopped, String(repeating: "x", count: 100 << 10), at: 1)
        #expect(stopped.deadline == at(21))
        #expect(stopped.timerFired(now: at(21)) == [.reject(.bodyTimedOut)])

        var crawling = ConnectionStateMachine(limits: limits, now: at(0))
        _ = feed(&crawling, head, at: 0)
        _ = crawling.admitted(maximumBodyByteCount: nil, now: at(0))
        _ = feed(&crawling, String(repeating: "x", count: 12 << 10), at: 9)
        #expect(crawling.deadline == at(12))
        #expect(crawling.timerFired(now: at(12)) == [.reject(.bodyTimedOut)])
    }

    @Test func `cuts off a reader that takes nothing for thirty seconds`() {
        var machine = ConnectionStateMachine(limits: limits, now: at(0))
        _ = feed(&machine, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", at: 0)
        _ = machine.admitted(maximumBodyByteCount: nil, now: at(0))
        machine.sendingStalled(now: at(5))
        #expect(machine.deadline == at(35))
        _ = machine.sendingProgressed(isFlushed: false, now: at(20))
        #expect(machine.deadline == at(50))
        _ = machine.sendingProgressed(isFlushed: true, now: at(21))
        #expect(machine.deadline == nil)
        machine.sendingStalled(now: at(22))
        #expect(machine.timerFired(now: at(52)) == [.cancel, .close(reset: true)])
    }
}
