import HTTP
import JSON
import Platform
import Synchronization

/// A chat completion that waits on a thread of its own, and can be hung up.
final class BackgroundChat: Sendable {
    private let cancellation = HTTPClientCancellation()
    private let answer = Mutex<HTTPClientResponse?>(nil)
    private let thread: Mutex<DedicatedThread?> = Mutex(nil)

    /// Sends the request with the id `id`.
    init(_ daemon: RunningDaemon, id: String, _ members: JSONObject) throws {
        let body = JSONValue.object(RunningDaemon.body(members)).serializedBytes()
        let client = daemon.client
        let thread = try DedicatedThread(name: "chat") { [self] in
            let response = try? client.send(
                method: .post,
                path: "/v1/chat/completions",
                headers: ["Content-Type": "application/json", "X-Request-Id": id],
                body: body,
                cancellation: cancellation
            )
            answer.withLock { $0 = response }
        }
        self.thread.withLock { $0 = thread }
    }

    /// Closes the connection, as a client does that goes away.
    func hangUp() { cancellation.cancel() }

    /// Waits for the answer; nil after hanging up.
    func wait() -> HTTPClientResponse? {
        thread.withLock { $0 }?.join()
        return answer.withLock { $0 }
    }
}
