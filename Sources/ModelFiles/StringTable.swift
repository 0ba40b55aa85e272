/// An array of strings as one block of bytes and offsets into it, so that a vocabulary of 150,000
/// tokens is two allocations.
///
/// Strings in model files need not be UTF-8: `byteRange` gives their bytes, the subscript a String
/// in which broken sequences are replaced.
package struct StringTable: Sendable {
    /// The bytes that the ranges point into; other bytes may lie between the strings.
    package let bytes: [UInt8]
    private let starts: [UInt32]
    private let ends: [UInt32]

    /// The strings of an array in a model file.
    ///
    /// `position` points at the first string's length, and the parse has shown that `count` strings
    /// follow.
    init(bytes: [UInt8], position: Int, count: Int) {
        var starts: [UInt32] = []
        var ends: [UInt32] = []
        starts.reserveCapacity(count)
        ends.reserveCapacity(count)
        var position = position
        for _ in 0..<count {
            let length = Int(bytes.littleEndian(UInt64.self, at: position))
            position += 8
            starts.append(UInt32(position))
            position += length
            ends.append(UInt32(position))
        }
        self.bytes = bytes
        self.starts = starts
        self.ends = ends
    }

    /// Where string number `index` lies in `bytes`.
    package func byteRange(at index: Int) -> Range<Int> {
        Int(starts[index])..<Int(ends[index])
    }
}

extension StringTable: RandomAccessCollection {
    package var startIndex: Int { 0 }
    package var endIndex: Int { starts.count }

    /// String number `index`; what isn't UTF-8 in it reads as U+FFFD.
    package subscript(index: Int) -> String {
        String(decoding: bytes[byteRange(at: index)], as: UTF8.self)
    }
}
