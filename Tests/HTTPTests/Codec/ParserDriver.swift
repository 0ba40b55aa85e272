@testable import HTTP

/// What a parser made of some bytes.
struct ParserOutcome: Equatable {
    var heads: [RequestHead] = []
    var bodies: [[UInt8]] = []
    var error: HTTPParseError?

    var bodyTexts: [String] { bodies.map { String(decoding: $0, as: UTF8.self) } }
}

/// Feeds a request parser with bytes in pieces.
enum ParserDriver {
    static func outcome(of pieces: [[UInt8]], limits: HTTPLimits = HTTPLimits()) -> ParserOutcome {
        var parser = RequestParser(limits: limits)
        var outcome = ParserOutcome()
        do throws(HTTPParseError) {
            for piece in pieces {
                var index = 0
                while let event = try parser.next(piece.span, from: &index) {
                    switch event {
                    case .head(let head): outcome.heads.append(head)
                    case .body(let body): outcome.bodies.append(body)
                    }
                }
            }
        } catch {
            outcome.error = error
        }
        return outcome
    }

    static func outcome(of text: String, limits: HTTPLimits = HTTPLimits()) -> ParserOutcome {
        outcome(of: [Array(text.utf8)], limits: limits)
    }

    /// The bytes in every way that matters: cut once at each offset, cut at each byte, and cut into
    /// threes with the middle piece of one to four bytes.
    static func cuts(of bytes: [UInt8]) -> [[[UInt8]]] {
        var cuts = [bytes.map { [$0] }]
        for offset in 0...bytes.count {
            cuts.append([Array(bytes[..<offset]), Array(bytes[offset...])])
            for length in 1...4 where offset + length <= bytes.count {
                cuts.append([
                    Array(bytes[..<offset]),
                    Array(bytes[offset..<(offset + length)]),
                    Array(bytes[(offset + length)...]),
                ])
            }
        }
        return cuts
    }
}
