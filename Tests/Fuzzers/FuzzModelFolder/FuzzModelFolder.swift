import FuzzTargets

/// libFuzzer's entry point.
@_cdecl("LLVMFuzzerTestOneInput")
func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    FuzzTarget.modelFolder.run(Array(UnsafeBufferPointer(start: start, count: count)))
    return 0
}
