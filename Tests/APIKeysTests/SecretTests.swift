import APIKeys
import TestSupport
import Testing

@Suite struct SecretTests {
    /// FIPS 180-4's examples, and messages around the length of a block.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (
            "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopq"
                + "klmnopqrlmnopqrsmnopqrstnopqrstu",
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
        ),
        (
            String(repeating: "a", count: 55),
            "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"
        ),
        (
            String(repeating: "a", count: 56),
            "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a"
        ),
        (
            String(repeating: "a", count: 64),
            "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"
        ),
        (
            String(repeating: "a", count: 1000),
            "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3"
        ),
    ])
    func `hashes as the standard's examples do`(_ message: String, _ digest: String) {
        #expect(Self.hex(SHA256.digest(Array(message.utf8))) == digest)
    }

    /// RFC 4231, test cases 1, 2, 3, 6 and 7.
    @Test(
        arguments: [
            (
                [UInt8](repeating: 0x0b, count: 20), Array("Hi There".utf8),
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
            ),
            (
                Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
            ),
            (
                [UInt8](repeating: 0xaa, count: 20), [UInt8](repeating: 0xdd, count: 50),
                "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
            ),
            (
                [UInt8](repeating: 0xaa, count: 131),
                Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
            ),
            (
                [UInt8](repeating: 0xaa, count: 131),
                Array(
                    ("This is a test using a larger than block-size key and a larger than block-size "
                        + "data. The key needs to be hashed before being used by the HMAC algorithm.")
                        .utf8
                ),
                "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"
            ),
        ] as [([UInt8], [UInt8], String)]
    )
    func `codes messages as RFC 4231's examples do`(
        _ key: [UInt8],
        _ message: [UInt8],
        _ code: String
    ) {
        #expect(Self.hex(MessageCode.code(of: message, key: key)) == code)
    }

    @Test func `finds any difference between codes`() {
        let code = MessageCode.code(of: [1], key: [2])
        #expect(MessageCode.areEqual(code, code))
        for index in code.indices {
            var other = code
            other[index] ^= 0x80
            #expect(!MessageCode.areEqual(code, other))
        }
        #expect(!MessageCode.areEqual(code, Array(code.dropLast())))
    }

    @Test func `makes keys of 256 bits that differ and can be read`() throws {
        var seen: Set<String> = []
        for _ in 0..<200 {
            let secret = KeySecret.random()
            #expect(seen.insert(secret.text).inserted)
            #expect(secret.text.utf8.count == 58 && secret.text.hasPrefix("torii_\(secret.id)_"))
            #expect(KeySecret(secret.text) == secret)
            #expect(
                secret.text.utf8.allSatisfy {
                    $0 == 0x5F || $0 == 0x2D || (0x30...0x39).contains($0)
                        || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
                }
            )
        }
    }

    @Test(arguments: ["", "torii_", "sk-abc", "torii_abcdefgh", "torii_abcdefgh_short"])
    func `reads nothing else as a key`(_ text: String) {
        #expect(KeySecret(text) == nil)
    }

    @Test func `writes random bytes in the alphabet of RFC 4648 for URLs`() {
        struct Constant: RandomNumberGenerator {
            let value: UInt64
            mutating func next() -> UInt64 { value }
        }
        var ones = Constant(value: .max)
        #expect(
            KeySecret.random(using: &ones).text.hasSuffix(String(repeating: "_", count: 42) + "8")
        )
        // Its lowest byte is what counts; a choice among letters would wait for another zero for ever.
        var zeros = Constant(value: 1 << 56)
        let text = KeySecret.random(using: &zeros).text
        #expect(text.hasSuffix("_" + String(repeating: "A", count: 43)))
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
