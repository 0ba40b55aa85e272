import Synchronization

/// A response sink that keeps the answer, to test handlers without a connection.
package final class HTTPResponseRecorder: HTTPResponseSink {
    /// What has been answered so far.
    package struct Recording: Sendable, Hashable {
        /// 0 until there is a head.
        package var status = 0
        package var headers: HTTPHeaders = [:]
        package var body: [UInt8] = []
        /// The pieces of a streamed body, one element per write.
        package var writes: [[UInt8]] = []
        package var isStream = false
        /// Whether the answer is complete, as opposed to dropped half-way.
        package var isFinished = false
    }

    private let recording = Mutex(Recording())
    private let disconnectsAfterWrites: Int

    /// A recorder whose client hangs up after that many writes; never by default.
    package init(disconnectsAfterWrites: Int = .max) {
        self.disconnectsAfterWrites = disconnectsAfterWrites
    }

    /// Runs the handler on the request and returns what it answered.
    package static func record(
        _ request: HTTPRequest,
        by handler: some HTTPRequestHandler
    ) async -> Recording {
        let recorder = HTTPResponseRecorder()
        await handler.handle(request, respond: HTTPResponder(sink: recorder))
        return recorder.current
    }

    /// The answer so far.
    package var current: Recording { recording.withLock { $0 } }

    package func send(status: Int, headers: HTTPHeaders, body: [UInt8]) {
        recording.withLock { recording in
            recording.status = status
            recording.headers = headers
            recording.body = body
            recording.isFinished = true
        }
    }

    package func begin(status: Int, headers: HTTPHeaders) {
        recording.withLock { recording in
            recording.status = status
            recording.headers = headers
            recording.isStream = true
        }
    }

    package func write(_ bytes: [UInt8]) async throws(HTTPDisconnected) {
        let isConnected = recording.withLock { recording in
            guard recording.writes.count < disconnectsAfterWrites else { return false }
            recording.writes.append(bytes)
            recording.body += bytes
            return true
        }
        guard isConnected else { throw HTTPDisconnected() }
    }

    package func finish() {
        recording.withLock { $0.isFinished = true }
    }

    package func responderEnded() {}

    package func writerEnded() {}
}
