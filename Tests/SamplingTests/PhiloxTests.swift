import Testing

@testable import Sampling

@Suite struct PhiloxTests {
    /// The known answers published with Random123 (kat_vectors, philox4x32 10).
    @Test(arguments: [
        (
            SIMD4<UInt32>(repeating: 0), (UInt32(0), UInt32(0)),
            SIMD4<UInt32>(0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8)
        ),
        (
            SIMD4<UInt32>(repeating: .max), (UInt32.max, UInt32.max),
            SIMD4<UInt32>(0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD)
        ),
        (
            SIMD4<UInt32>(0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344),
            (UInt32(0xA409_3822), UInt32(0x299F_31D0)),
            SIMD4<UInt32>(0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1)
        ),
    ])
    func `gives the published answers`(
        counter: SIMD4<UInt32>,
        key: (UInt32, UInt32),
        answer: SIMD4<UInt32>
    ) {
        #expect(Philox.words(counter: counter, key: key) == answer)
    }

    @Test func `uniform numbers fill the unit interval evenly`() {
        var bins = [Int](repeating: 0, count: 20)
        for position in 0..<20_000 {
            let value = Philox.uniform(seed: 42, position: position)
            #expect((0..<1).contains(value))
            bins[Int(value * 20)] += 1
        }
        let squares = bins.map { Double(($0 - 1000) * ($0 - 1000)) / 1000 }
        // 19 degrees of freedom: 43.8 is exceeded once in a thousand seeds.
        #expect(squares.reduce(0, +) < 43.8)
    }
}
