import Tensors
import Testing

@Suite struct TensorTypeTests {
    @Test func `counts the bytes of a row`() {
        #expect(TensorType.q4_K.rowByteCount(elementCount: 512) == 288)
        #expect(TensorType.f16.rowByteCount(elementCount: 3) == 6)
        #expect(TensorType.q8_0.rowByteCount(elementCount: 0) == 0)
    }

    @Test func `refuses rows that aren't whole blocks or overflow`() {
        #expect(TensorType.q4_K.rowByteCount(elementCount: 576) == nil)
        #expect(TensorType.q8_0.rowByteCount(elementCount: -32) == nil)
        #expect(TensorType.f64.rowByteCount(elementCount: .max) == nil)
    }

    @Test func `has different names for all types`() {
        #expect(Set(TensorType.allCases.map(\.name)).count == TensorType.allCases.count)
    }

    @Test(arguments: TensorType.allCases) func `has a layout`(type: TensorType) {
        #expect(type.blockByteCount > 0)
        #expect(type.blockElementCount > 0)
    }
}
