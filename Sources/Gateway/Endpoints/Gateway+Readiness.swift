import APIKeys
import HTTP
import JSON
import ModelService

// Whether this server should get requests, and why not.
extension Gateway {
    /// `GET /livez`: that it answers at all is what it tells.
    static let alive = Reply.json(["status": "ok"])

    /// `GET /readyz`: 503 with the reasons while it stops, or while a part of it is stuck.
    ///
    /// That it answers at all shows that the I/O loop turns. Models are named only where no keys are
    /// asked for, since anybody may call this.
    func readiness() async -> Reply {
        guard isReady else {
            return .json(["status": "stopping"], status: 503, headers: ["retry-after": "5"])
        }
        guard let troubles = await troubles(within: configuration.limits.readinessTimeout) else {
            return Self.stuck(["the model service does not answer"])
        }
        guard !troubles.isEmpty else { return .json(["status": "ready"]) }
        let showsNames = !keyRing.table.asksForKeys
        return Self.stuck(
            troubles.sorted { $0.key < $1.key }.map { model, trouble in
                "the process of \(showsNames ? "`\(model)`" : "a model") \(trouble)"
            }
        )
    }

    private static func stuck(_ reasons: [String]) -> Reply {
        .json(
            ["status": "stuck", "reasons": .array(reasons.map { .string($0) })],
            status: 503,
            headers: ["retry-after": "5"]
        )
    }

    /// What is wrong with models, or nil if the model service says nothing in time.
    private func troubles(within timeout: Duration) async -> [String: String]? {
        let (answers, continuation) = AsyncStream.makeStream(of: [String: String]?.self)
        let question = Task { [service] in continuation.yield(await service.troubles()) }
        let clock = Task {
            try? await Task.sleep(for: timeout)
            continuation.yield(nil)
        }
        defer {
            question.cancel()
            clock.cancel()
        }
        for await answer in answers { return answer }
        return nil
    }
}
