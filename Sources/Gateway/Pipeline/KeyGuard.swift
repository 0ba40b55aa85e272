import HTTP
import OpenAIAPI

/// Asks for an API key, if any is configured.
struct KeyGuard: Sendable {
    private let keys: [(secret: [UInt8], key: APIKey)]

    init(keys: [APIKey]) {
        self.keys = keys.map { (Array($0.secret.utf8), $0) }
    }

    /// The key that the request shows, or nil when keys are not asked for; refuses a request
    /// without a valid one.
    ///
    /// A key comes as `Authorization: Bearer` (OpenAI's clients), `x-api-key` (Anthropic's) or
    /// `api-key` (Azure's). Without configured keys, whatever comes is fine.
    func check(_ request: HTTPRequest) throws(APIError) -> APIKey? {
        guard !keys.isEmpty else { return nil }
        guard let presented = Self.presentedKey(request.headers) else { throw .invalidKey }
        let bytes = Array(presented.utf8)
        var found: APIKey?
        for (secret, key) in keys where Self.isEqual(secret, bytes) { found = key }
        guard let found else { throw .invalidKey }
        return found
    }

    private static func presentedKey(_ headers: HTTPHeaders) -> String? {
        if let authorization = headers[first: "authorization"] {
            let parts = authorization.split(separator: " ", omittingEmptySubsequences: true)
            guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
            return String(parts[1])
        }
        return headers[first: "x-api-key"] ?? headers[first: "api-key"]
    }

    /// Compares in a time that depends on the presented key's length only, not on how much of it is
    /// right.
    private static func isEqual(_ key: [UInt8], _ presented: [UInt8]) -> Bool {
        var difference = key.count ^ presented.count
        for (index, byte) in presented.enumerated() {
            let expected = key.isEmpty ? 0 : key[index % key.count]
            difference |= Int(expected ^ byte)
        }
        return difference == 0
    }
}
