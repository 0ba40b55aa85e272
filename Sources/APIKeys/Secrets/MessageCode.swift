/// HMAC-SHA-256 of RFC 2104, and comparison in constant time.
package enum MessageCode {
    /// The code of a message under a key of any length, 32 bytes.
    package static func code(of message: [UInt8], key: [UInt8]) -> [UInt8] {
        let block = SHA256.blockByteCount
        var padded = key.count > block ? SHA256.digest(key) : key
        padded += [UInt8](repeating: 0, count: block - padded.count)
        let inner = SHA256.digest(padded.map { $0 ^ 0x36 } + message)
        return SHA256.digest(padded.map { $0 ^ 0x5c } + inner)
    }

    /// Whether two codes are the same, in a time that does not depend on where they differ.
    package static func areEqual(_ first: [UInt8], _ second: [UInt8]) -> Bool {
        guard first.count == second.count else { return false }
        var difference: UInt8 = 0
        for index in first.indices { difference |= first[index] ^ second[index] }
        return difference == 0
    }
}
