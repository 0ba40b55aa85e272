import APIKeys
import HTTP
import JSON
import OpenAIAPI
import Platform
import Telemetry

// API keys and what they have used, for operators.
extension Gateway {
    /// `GET /admin/v1/keys`: all of them, none of their secrets.
    func listKeys() -> Reply {
        let book = usage?.book ?? UsageBook()
        let now = Timestamp.now().seconds
        let keys = keyRing.table.keys.map { Self.keyObject($0, book, now: now) }
        return .json(["keys": .array(keys), "required": .bool(keyRing.table.asksForKeys)])
    }

    /// `POST /admin/v1/keys`: 201 with the key, which is shown this once.
    func addKey(_ request: HTTPRequest, _ caller: Caller) async throws(APIError) -> Reply {
        guard let members = try json(request).objectValue else {
            throw .invalidRequest("The request body must be a JSON object.", code: "invalid_type")
        }
        let now = Timestamp.now().seconds
        let terms: KeyTerms
        do throws(KeyTermsProblem) {
            terms = try KeyTerms(members, now: now)
        } catch {
            throw .invalidRequest("'\(error.member)' \(error.message).", parameter: error.member)
        }
        if keyRing.table.keys.contains(where: { $0.name == terms.name }) {
            throw APIError(KeyStoreError.nameTaken(terms.name))
        }
        let (key, secret) = try await stored { (store) throws(KeyStoreError) in
            try store.add(terms, now: now)
        }
        audit(.keyAdded, by: caller, request, ("object", key.name), ("id", key.id ?? ""))
        var answer = Self.keyObject(key, UsageBook(), now: now).objectValue ?? [:]
        answer["key"] = .string(secret.text)
        return .json(.object(answer), status: 201, headers: ["cache-control": "no-store"])
    }

    /// `DELETE /admin/v1/keys/{id}`, by name or id: no request of its goes on.
    func revokeKey(
        _ nameOrID: String,
        _ request: HTTPRequest,
        _ caller: Caller
    ) async throws(APIError) -> Reply {
        if keyRing.table.keys.contains(where: { $0.name == nameOrID && $0.id == nil }) {
            throw .keyInFile(nameOrID)
        }
        let key = try await stored { (store) throws(KeyStoreError) in
            try store.revoke(nameOrID)
        }
        audit(.keyRevoked, by: caller, request, ("object", key.name), ("id", key.id ?? ""))
        return .json([
            "id": .string(key.id ?? ""), "name": .string(key.name), "revoked": true,
        ])
    }

    /// `GET /admin/v1/usage`, of the last `days` (31), of one `key` or of all.
    func usageDocument(_ request: HTTPRequest) throws(APIError) -> Reply {
        let query = PercentEncoding.items(ofQuery: request.query)
        var days = 31
        if let text = query["days"] {
            guard let number = Int(text), (1...400).contains(number) else {
                throw .invalidRequest("'days' must be from 1 to 400.", parameter: "days")
            }
            days = number
        }
        let now = Timestamp.now()
        let first = Timestamp(milliseconds: now.milliseconds - Int64(days - 1) * 86_400_000).day
        let lines = usage?.book.lines(from: first, key: query["key"]) ?? []
        var total = UsageBook.Counts()
        for line in lines { total.add(line.1) }
        return .json([
            "from": .string(first),
            "to": .string(now.day),
            "usage": .array(lines.map { UsageBook.json($0.0, $0.1) }),
            "total": [
                "requests": .integer(total.requests),
                "prompt_tokens": .integer(total.promptTokens),
                "cached_tokens": .integer(total.cachedTokens),
                "output_tokens": .integer(total.outputTokens),
            ],
        ])
    }

    private static func keyObject(_ key: APIKey, _ book: UsageBook, now: Int) -> JSONValue {
        var object = key.terms.json
        object["id"] = key.id.map { .string($0) } ?? .null
        object["source"] = .string(key.id == nil ? "file" : "store")
        object["created"] = key.created.map { .integer($0) } ?? .null
        object["expired"] = .bool(key.terms.isExpired(now: now))
        object["last_used"] = book.lastDay(of: key.name).map { .string($0) } ?? .null
        return .object(object)
    }

    /// Changes the store on a thread of its own, for the disk may take its time, and puts it to use.
    private func stored<Value: Sendable>(
        _ body: @escaping @Sendable (KeyStore) throws(KeyStoreError) -> Value
    ) async throws(APIError) -> Value {
        guard let store = keyRing.store else {
            throw APIError(
                status: 501,
                kind: .server,
                code: "no_key_store",
                message: "This server has no place to keep keys in; set key_store.",
                shouldRetry: false
            )
        }
        let work: @Sendable () -> Result<Value, KeyStoreError> = {
            do throws(KeyStoreError) {
                return .success(try body(store))
            } catch {
                return .failure(error)
            }
        }
        let result = await withCheckedContinuation { continuation in
            do throws(SystemError) {
                _ = try DedicatedThread(name: "torii-keys") {
                    continuation.resume(returning: work())
                }
            } catch {
                continuation.resume(returning: .failure(.system(error)))
            }
        }
        refreshKeys(now: .now(), atOnce: true)
        do throws(KeyStoreError) {
            return try result.get()
        } catch {
            throw APIError(error)
        }
    }
}
