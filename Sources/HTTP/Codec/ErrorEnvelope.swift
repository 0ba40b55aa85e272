/// The body of the answers that the server makes itself, in the form that OpenAI's clients read:
/// `{"error":{"message":…,"type":…,"param":null,"code":…}}`.
enum ErrorEnvelope {
    /// The body for fixed texts of printable ASCII; `message` and `code` come from this module.
    static func serialize(status: Int, message: String, code: String) -> [UInt8] {
        let type =
            status >= 500 && status != 501 && status != 505
            ? "server_error" : "invalid_request_error"
        var bytes = Array(#"{"error":{"message":""#.utf8)
        for byte in message.utf8 {
            if byte == 0x22 || byte == 0x5c { bytes.append(0x5c) }
            bytes.append(byte)
        }
        bytes += #"","type":"\#(type)","param":null,"code":"\#(code)"}}"#.utf8
        return bytes
    }

    /// The fields that go with the body.
    static let headers: HTTPHeaders = ["Content-Type": "application/json"]
}
