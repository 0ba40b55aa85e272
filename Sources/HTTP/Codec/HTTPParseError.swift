/// Why a request is answered by the server itself and its connection closed.
package enum HTTPParseError: Error, Sendable, Hashable {
    // Lines and the request line, RFC 9112 §2.2 and §3
    case bareLineFeed
    case bareCarriageReturn
    case malformedRequestLine
    case requestLineTooLong(maximumByteCount: Int)
    case unknownMethod
    case unsupportedVersion
    case invalidTarget(TargetFault)
    // Fields, RFC 9112 §5
    case malformedField
    case spaceBeforeColon
    case invalidFieldName
    case invalidFieldValue
    case lineFolding
    case headersTooLong(maximumByteCount: Int)
    case tooManyHeaders(maximumCount: Int)
    case headerNameTooLong(maximumByteCount: Int)
    case headerValueTooLong(maximumByteCount: Int)
    case repeatedField
    // Host, RFC 9112 §3.2
    case missingHost
    case repeatedHost
    case invalidHost
    case hostDiffersFromTarget
    // Framing, RFC 9112 §6
    case invalidContentLength
    case repeatedContentLength
    case invalidTransferEncoding
    case unsupportedTransferEncoding
    case transferEncodingInHTTP10
    case lengthAndTransferEncoding
    case unsupportedExpectation
    case bodyTooLong(maximumByteCount: Int)
    // Transfer chunks, RFC 9112 §7.1
    case invalidChunkSize
    case invalidChunkExtension
    case missingChunkEnd
    case tooMuchChunkOverhead
    case invalidTrailer
    case trailersTooLong(maximumByteCount: Int)
    // Deadlines
    case headTimedOut
    case bodyTimedOut
    // Memory
    case tooMuchHeld

    /// What is wrong with a request target.
    package enum TargetFault: Sendable, Hashable {
        case forbiddenCharacter
        case unknownForm
        case invalidAuthority
        case invalidPercentEncoding
        case parentSegment
    }

    /// The status of the answer.
    package var status: Int {
        switch self {
        case .requestLineTooLong: 414
        case .headersTooLong, .tooManyHeaders, .headerNameTooLong, .headerValueTooLong: 431
        case .bodyTooLong: 413
        case .unknownMethod, .unsupportedTransferEncoding: 501
        case .unsupportedVersion: 505
        case .unsupportedExpectation: 417
        case .headTimedOut, .bodyTimedOut: 408
        case .tooMuchHeld: 503
        case .bareLineFeed, .bareCarriageReturn, .malformedRequestLine, .invalidTarget,
            .malformedField, .spaceBeforeColon, .invalidFieldName, .invalidFieldValue,
            .lineFolding, .repeatedField, .missingHost, .repeatedHost, .invalidHost,
            .hostDiffersFromTarget,
            .invalidContentLength, .repeatedContentLength, .invalidTransferEncoding,
            .transferEncodingInHTTP10, .lengthAndTransferEncoding, .invalidChunkSize,
            .invalidChunkExtension, .missingChunkEnd, .tooMuchChunkOverhead, .invalidTrailer,
            .trailersTooLong:
            400
        }
    }

    /// What the client is told: fixed words and limits, nothing of what it sent.
    package var message: String {
        switch self {
        case .bareLineFeed: "A line of the request ends in LF without CR."
        case .bareCarriageReturn: "A line of the request has a CR inside."
        case .malformedRequestLine: "The request line is not METHOD TARGET HTTP/1.1."
        case .requestLineTooLong(let limit): "The request line is longer than \(limit) bytes."
        case .unknownMethod: "The request method is not known here."
        case .unsupportedVersion: "Only HTTP/1.1 and HTTP/1.0 are served."
        case .invalidTarget(let fault): fault.message
        case .malformedField: "A header line has no colon."
        case .spaceBeforeColon: "A header has white space before its colon."
        case .invalidFieldName: "A header has an invalid name."
        case .invalidFieldValue: "A header has a control character in its value."
        case .lineFolding: "A header line begins with white space."
        case .headersTooLong(let limit): "The headers are longer than \(limit) bytes."
        case .tooManyHeaders(let limit): "There are more than \(limit) headers."
        case .headerNameTooLong(let limit): "A header's name is longer than \(limit) bytes."
        case .headerValueTooLong(let limit): "A header's value is longer than \(limit) bytes."
        case .repeatedField: "A header that may occur only once is repeated."
        case .missingHost: "The Host header is missing."
        case .repeatedHost: "There is more than one Host header."
        case .invalidHost: "The Host header is not HOST or HOST:PORT."
        case .hostDiffersFromTarget: "The Host header differs from the host in the target."
        case .invalidContentLength: "Content-Length is not a plain decimal number."
        case .repeatedContentLength: "There is more than one Content-Length header."
        case .invalidTransferEncoding: "Transfer-Encoding is not the single word chunked."
        case .unsupportedTransferEncoding: "Only the transfer encoding chunked is supported."
        case .transferEncodingInHTTP10: "HTTP/1.0 has no Transfer-Encoding."
        case .lengthAndTransferEncoding: "Content-Length and Transfer-Encoding exclude each other."
        case .unsupportedExpectation: "Only the expectation 100-continue is supported."
        case .bodyTooLong(let limit): "The request body is longer than \(limit) bytes."
        case .invalidChunkSize: "The size of a chunk is not a hexadecimal number."
        case .invalidChunkExtension: "The extension of a chunk is malformed or too long."
        case .missingChunkEnd: "A chunk does not end where its size says."
        case .tooMuchChunkOverhead: "The body is cut into too many too small chunks."
        case .invalidTrailer: "A trailer line is malformed."
        case .trailersTooLong(let limit): "The trailers are longer than \(limit) bytes."
        case .headTimedOut: "The request's headers took too long."
        case .bodyTimedOut: "The request's body took too long."
        case .tooMuchHeld:
            "The server holds as many bytes of requests as it may. Try again in a moment."
        }
    }

    /// The machine-readable `code` of the error envelope.
    package var code: String {
        switch status {
        case 408: "request_timeout"
        case 413: "request_too_large"
        case 414: "uri_too_long"
        case 417: "expectation_failed"
        case 431: "headers_too_large"
        case 501: "not_implemented"
        case 503: "overloaded"
        case 505: "http_version_not_supported"
        default: "malformed_request"
        }
    }
}

extension HTTPParseError.TargetFault {
    fileprivate var message: String {
        switch self {
        case .forbiddenCharacter:
            "The request target has a fragment, or a character that must be percent-encoded."
        case .unknownForm: "The request target is neither a path nor an http URL."
        case .invalidAuthority: "The host in the request target is invalid."
        case .invalidPercentEncoding:
            "The path has an invalid percent-encoding, or encodes bytes that are not text."
        case .parentSegment: "The path has a parent segment (\"..\")."
        }
    }
}
