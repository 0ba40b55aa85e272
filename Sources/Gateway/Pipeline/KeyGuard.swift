import HTTP
import OpenAIAPI

/// Asks for an API key, if any is configured.
struct KeyGuard: Sendable {
    private let keys: [[UInt8]]

    init(keys: [String]) {
        self.keys = keys.map { Array($0.utf8) }
    }

    /// Refuses a request without a valid key.
    ///
    /// A key comes as `Authorization: Bearer` (OpenAI's clients), `x-api-key` (Anthropic's) or
    /// `api-key` (Azure's). Without configured keys, whatever comes is fine.
    func check(_ request: HTTPRequest) throws(APIError) {
        guard !keys.isEmpty else { return }
        guard let presented = Self.presentedKey(request.headers) else { throw .invalidKey }
        var isValid = false
        for key in keys where Self.isEqual(key, Array(presented.utf8)) { isValid = true }
        guard isValid else { throw .invalidKey }
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
