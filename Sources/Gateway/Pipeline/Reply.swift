import HTTP
import JSON
import OpenAIAPI

/// A complete answer.
struct Reply: Sendable {
    var status: Int
    var headers: HTTPHeaders
    var body: [UInt8]

    init(status: Int = 200, headers: HTTPHeaders = [:], contentType: String, body: [UInt8]) {
        self.status = status
        self.headers = headers
        self.body = body
        self.headers.replace("content-type", contentType)
    }

    /// A JSON answer.
    static func json(_ value: JSONValue, status: Int = 200, headers: HTTPHeaders = [:]) -> Reply {
        Reply(
            status: status,
            headers: headers,
            contentType: "application/json",
            body: value.serializedBytes()
        )
    }

    static func text(_ text: String) -> Reply {
        Reply(contentType: "text/plain; charset=utf-8", body: Array(text.utf8))
    }

    /// An error in OpenAI's envelope, with the headers that steer its clients' retries.
    static func error(_ error: APIError) -> Reply {
        var reply = json(error.json, status: error.status)
        if let seconds = error.retryAfterSeconds {
            reply.headers.add("retry-after", String(seconds))
        }
        if let shouldRetry = error.shouldRetry {
            reply.headers.add("x-should-retry", shouldRetry ? "true" : "false")
        }
        reply.headers.add(error.admission)
        if error.status == 401 { reply.headers.add("www-authenticate", "Bearer") }
        return reply
    }
}
