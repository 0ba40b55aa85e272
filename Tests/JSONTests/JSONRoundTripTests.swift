import JSON
import Testing

/// A small reproducible generator (SplitMix64), so that a failure can be run again from its seed.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

@Suite struct JSONRoundTripTests {
    @Test func `reads back what it writes`() throws {
        for seed in 0..<300 as Range<UInt64> {
            var generator = SeededGenerator(state: seed)
            let value = randomValue(depth: 5, &generator)
            #expect(try JSONValue.parse(value.serializedBytes()) == value, "seed \(seed)")
            #expect(try JSONValue.parse(value.serialized(pretty: true)) == value, "seed \(seed)")
        }
    }

    @Test func `survives damaged documents and agrees with itself`() {
        for seed in 0..<2000 as Range<UInt64> {
            var generator = SeededGenerator(state: seed)
            var bytes = randomValue(depth: 4, &generator).serializedBytes()
            for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
                let place = bytes.indices.randomElement(using: &generator) ?? 0
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: place)
                case 2: bytes.removeSubrange(place...)
                default:
                    bytes.insert(
                        Array("{}[],:\"\\u0123eE.-+".utf8).randomElement(using: &generator) ?? 0,
                        at: place
                    )
                }
            }
            do throws(JSONError) {
                let value = try JSONValue.parse(bytes)
                #expect(try! JSONValue.parse(value.serializedBytes()) == value, "seed \(seed)")
            } catch {
                #expect((0...bytes.count).contains(error.byteOffset), "seed \(seed)")
            }
        }
    }

    private func randomValue(depth: Int, _ generator: inout SeededGenerator) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 8 : 6), using: &generator) {
        case 0: .null
        case 1: .bool(Bool.random(using: &generator))
        case 2: .integer(Int(truncatingIfNeeded: generator.next()))
        case 3: .integer(Int.random(in: -9...99, using: &generator))
        case 4:
            .double(
                [0.1, -2.5, 1e300, .leastNonzeroMagnitude, 1e22, 123456.789, .pi]
                    .randomElement(using: &generator) ?? 0
            )
        case 5: .string(randomString(&generator))
        case 6:
            .array(
                (0..<Int.random(in: 0..<6, using: &generator))
                    .map { _ in randomValue(depth: depth - 1, &generator) }
            )
        default:
            .object(
                JSONObject(
                    (0..<Int.random(in: 0..<12, using: &generator))
                        .map { _ in
                            (randomString(&generator), randomValue(depth: depth - 1, &generator))
                        }
                )
            )
        }
    }

    private func randomString(_ generator: inout SeededGenerator) -> String {
        var text = ""
        for _ in 0..<Int.random(in: 0..<12, using: &generator) {
            let limit: UInt32 = Bool.random(using: &generator) ? 0x80 : 0x11_0000
            let scalar = Unicode.Scalar(UInt32.random(in: 0..<limit, using: &generator))
            text.unicodeScalars.append(scalar ?? "\u{FFFD}")
        }
        return text
    }
}
