import HTTP
import Platform
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(15))) struct StreamingTests {
    private static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test func `streams events in chunks and keeps the connection`() async throws {
        let server = try TestServer { request, responder in
            let writer = responder.stream(
                status: 200,
                headers: ["Content-Type": "text/event-stream", "Cache-Control": "no-cache"]
            )
            for number in 1...3 {
                try? await writer.write(ServerSentEvent.serialize(data: "\(number)"))
            }
            writer.finish()
        }
        let (head, body, again) = try await blocking {
            let client = try server.connect()
            try client.send(Self.get)
            let head = try client.receive(through: "\r\n\r\n")
            let body = try client.receive(through: "0\r\n\r\n")
            try client.send(Self.get)
            return (head, body, try client.receive(through: "0\r\n\r\n"))
        }
        #expect(head.contains("\r\nTransfer-Encoding: chunked\r\n"))
        #expect(head.contains("\r\nCache-Control: no-cache\r\n"))
        #expect(!head.contains("no-store"))
        let chunks = (1...3).map { "9\r\ndata: \($0)\n\n\r\n" }.joined()
        #expect(body == chunks + "0\r\n\r\n")
        #expect(again.hasSuffix(body))
    }

    @Test func `streams to HTTP 1.0 without chunks until it closes`() async throws {
        let server = try TestServer { request, responder in
            let writer = responder.stream(status: 200)
            try? await writer.write(Array("one ".utf8))
            try? await writer.write(Array("two".utf8))
            writer.finish()
        }
        let text = try await blocking {
            let client = try server.connect()
            try client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            return try client.receiveAll()
        }
        #expect(text.contains("\r\nConnection: close\r\n"))
        #expect(!text.contains("chunked"))
        #expect(text.hasSuffix("\r\n\r\none two"))
    }

    @Test func `breaks off a stream whose writer is dropped`() async throws {
        let server = try TestServer { request, responder in
            let writer = responder.stream(status: 200)
            try? await writer.write(Array("half".utf8))
        }
        let text = try await blocking {
            let client = try server.connect()
            try client.send(Self.get)
            return try client.receiveAll()
        }
        #expect(text.hasSuffix("4\r\nhalf\r\n"))
    }

    @Test(arguments: [false, true])
    func `a client that hangs up cancels an idle stream`(byReset: Bool) async throws {
        let milestones = Milestones()
        let server = try TestServer { request, responder in
            let writer = responder.stream(status: 200)
            try? await writer.write(Array("hello".utf8))
            await withTaskCancellationHandler {
                await milestones.wait(for: "cancelled")
            } onCancel: {
                milestones.reach("cancelled")
            }
            do throws(HTTPDisconnected) {
                try await writer.write(Array("more".utf8))
            } catch {
                milestones.reach("write failed")
            }
            writer.finish()
        }
        let client = try server.connect()
        try client.send(Self.get)
        _ = try await blocking { [client = UncheckedBox(client)] in
            try client.value.receive(through: "hello\r\n")
        }
        if byReset { client.reset() } else { client.close() }
        await milestones.wait(for: "write failed")
    }

    @Test(arguments: ["", get + get, "GET /unfinished"])
    func `a client that hangs up cancels before there is an answer`(ahead: String) async throws {
        let milestones = Milestones()
        let server = try TestServer { request, responder in
            milestones.reach("running")
            await withTaskCancellationHandler {
                await milestones.wait(for: "cancelled")
            } onCancel: {
                milestones.reach("cancelled")
            }
            responder.send(status: 200)
            milestones.reach("ended")
        }
        let client = try server.connect()
        try client.send(Self.get + ahead)
        await milestones.wait(for: "running")
        client.close()
        await milestones.wait(for: "ended")
        #expect(milestones.count("running") == 1)
    }

    @Test func `notices a client that hangs up while so much was sent ahead that reading stopped`()
        async throws
    {
        let milestones = Milestones()
        var limits = HTTPLimits()
        limits.maximumPipelinedByteCount = 100
        let server = try TestServer(limits: limits) { request, responder in
            milestones.reach("running")
            await withTaskCancellationHandler {
                await milestones.wait(for: "cancelled")
            } onCancel: {
                milestones.reach("cancelled")
            }
        }
        let client = try server.connect()
        try client.send(Self.get)
        await milestones.wait(for: "running")
        try client.send(String(repeating: Self.get, count: 100))
        client.shutDownSending()
        await milestones.wait(for: "cancelled")
    }

    @Test func `still answers a client that only shut its sending side`() async throws {
        let server = try TestServer.echo()
        let text = try await blocking {
            let client = try server.connect()
            try client.send(Self.get)
            client.shutDownSending()
            return try client.receiveAll()
        }
        #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"))
    }

    @Test func `a slow reader suspends the writer, and loses nothing`() async throws {
        let milestones = Milestones()
        let pieceCount = 200
        let piece = [UInt8](repeating: 0x61, count: 16 << 10)
        let written = Atomic<Int>(0)
        let server = try TestServer { request, responder in
            let writer = responder.stream(status: 200)
            milestones.reach("started")
            for _ in 0..<pieceCount {
                do throws(HTTPDisconnected) {
                    try await writer.write(piece)
                    written.add(1, ordering: .relaxed)
                } catch {
                    return
                }
            }
            writer.finish()
            milestones.reach("finished")
        }
        let client = try RawConnection(to: server.address, receiveBufferByteCount: 64 << 10)
        try client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        await milestones.wait(for: "started")
        let text = try await blocking { [client = UncheckedBox(client)] in
            try client.value.receiveAll()
        }
        #expect(text.hasSuffix("\r\n0\r\n\r\n"))
        let body = text.utf8.count { $0 == 0x61 }
        #expect(body >= pieceCount * piece.count && body < pieceCount * (piece.count + 1))
        await milestones.wait(for: "finished")
        #expect(written.load(ordering: .relaxed) == pieceCount)
    }

    @Test func `a writer suspended for a slow reader learns that it hung up`() async throws {
        let milestones = Milestones()
        let written = Atomic<Int>(0)
        let server = try TestServer { request, responder in
            let writer = responder.stream(status: 200)
            let piece = [UInt8](repeating: 0x61, count: 64 << 10)
            do throws(HTTPDisconnected) {
                while true {
                    try await writer.write(piece)
                    written.add(piece.count, ordering: .relaxed)
                    if written.load(ordering: .relaxed) > 64 << 20 { return }
                    milestones.reach("wrote")
                }
            } catch {
                milestones.reach("learnt")
            }
        }
        let client = try RawConnection(to: server.address, receiveBufferByteCount: 64 << 10)
        try client.send(Self.get)
        await milestones.wait(for: "wrote", count: 3)
        client.close()
        await milestones.wait(for: "learnt")
    }

    @Test func `sends numbered events to many clients complete and in order`() async throws {
        let server = try TestServer { request, responder in
            let writer = responder.stream(status: 200)
            do throws(HTTPDisconnected) {
                for number in 0..<200 {
                    try await writer.write(ServerSentEvent.serialize(data: "\(number)"))
                }
                writer.finish()
            } catch {}
        }
        let client = HTTPClient(endpoint: .socket(server.address))
        try await withThrowingTaskGroup(of: [String].self) { group in
            for _ in 0..<32 {
                group.addTask {
                    try await blocking {
                        var parser = SSEParser()
                        var events: [String] = []
                        try client.stream(
                            method: .get,
                            path: "/",
                            onHead: { _ in },
                            onBytes: { bytes in
                                events += try parser.append(bytes).map(\.data)
                                return true
                            }
                        )
                        return events
                    }
                }
            }
            for try await events in group {
                #expect(events == (0..<200).map(String.init))
            }
        }
    }
}
