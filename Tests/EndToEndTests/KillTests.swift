import Foundation
import Glibc
import HTTP
import JSON
import Platform
import Synchronization
import TestSupport
import Testing

/// The daemon is killed at any moment: what it kept is the old state or the new one, never half.
///
/// `TORII_KILL_ROUNDS` says how often.
@Suite(.serialized, .timeLimit(.minutes(60))) struct KillTests {
    private static let rounds =
        ProcessInfo.processInfo.environment["TORII_KILL_ROUNDS"].flatMap { Int($0) } ?? 6

    private let folder: TemporaryDirectory
    private let admin: ListenAddress

    init() throws {
        folder = try TemporaryDirectory()
        admin = try ListenAddress(parsing: "unix:" + folder.file("admin.sock"))
    }

    private func daemon() throws -> RunningDaemon {
        try RunningDaemon(
            arguments: [
                "--key-store", folder.file("keys.json"), "--admin-socket",
                folder.file("admin.sock"),
            ],
            environment: ["STATE_DIRECTORY": folder.path]
        )
    }

    @Test func `keys are those that were acknowledged, and models load, after every kill`() throws {
        let changes = KeyChanges(admin: admin)
        for round in 1...Self.rounds {
            let daemon = try daemon()
            try #require(changes.agree(with: try changes.listed()), "round \(round)")
            let writer = try DedicatedThread(name: "test-keys") {
                while changes.makeOne() {}
            }
            let loader = try DedicatedThread(name: "test-chat") { [admin] in
                while let (status, _) = try? daemon.chat(["max_tokens": 2], on: admin) {
                    #expect(status == 200)
                }
            }
            poll(nil, 0, .random(in: 0..<400))
            daemon.process.child.signal(SIGKILL)
            writer.join()
            loader.join()
        }
        let daemon = try daemon()
        #expect(changes.agree(with: try changes.listed()))
        #expect(try daemon.chat(["max_tokens": 2], on: admin).0 == 200)
        #expect(changes.count > Self.rounds, "something was changed meanwhile")
    }
}

/// Adds and revokes keys one after the other, and knows which there must be.
private final class KeyChanges: Sendable {
    private struct State {
        var names: Set<String> = []
        /// What the set is too, if the change took place whose answer has not come.
        var alternative: Set<String>?
        var count = 0
    }

    private let client: HTTPClient
    private let state = Mutex(State())

    init(admin: ListenAddress) { client = HTTPClient(endpoint: admin, timeout: .seconds(60)) }

    var count: Int { state.withLock { $0.count } }

    /// Makes a change; false when it was not answered.
    func makeOne() -> Bool {
        let (name, isAddition) = state.withLock { state in
            state.count += 1
            // Few at a time, so that keys are revoked as often as they are made.
            let isAddition = state.names.count < 5 || state.names.count < 12 && Bool.random()
            let name =
                isAddition ? "key-\(state.count)" : state.names.randomElement() ?? ""
            state.alternative =
                isAddition ? state.names.union([name]) : state.names.subtracting([name])
            return (name, isAddition)
        }
        let answer = try? client.send(
            method: isAddition ? .post : .delete,
            path: isAddition ? "/admin/v1/keys" : "/admin/v1/keys/\(name)",
            headers: ["Content-Type": "application/json"],
            body: isAddition ? JSONValue.object(["name": .string(name)]).serializedBytes() : []
        )
        guard let answer, (200..<300).contains(answer.status) else { return false }
        state.withLock { state in
            state.names = state.alternative ?? state.names
            state.alternative = nil
        }
        return true
    }

    /// The names of the keys that the daemon has.
    func listed() throws -> Set<String> {
        let answer = try client.send(method: .get, path: "/admin/v1/keys")
        let keys = try JSONValue.parse(answer.body)["keys"]?.arrayValue ?? []
        return Set(keys.compactMap { $0["name"]?.stringValue })
    }

    /// Whether these are the keys that there must be; then they are, from now on.
    func agree(with listed: Set<String>) -> Bool {
        state.withLock { state in
            guard listed == state.names || listed == state.alternative else { return false }
            state.names = listed
            state.alternative = nil
            return true
        }
    }
}
