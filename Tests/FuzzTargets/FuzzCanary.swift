/// Traps on inputs that begin with "FUZZ": a fuzzer that doesn't find them isn't steered by
/// coverage, and its silence about the other targets means nothing.
///
/// `Tests/run-fuzzers` starts with it.
package func fuzzCanary(_ bytes: [UInt8]) {
    var matched = 0
    for (byte, expected) in zip(bytes, "FUZZ".utf8) {
        if byte != expected { return }
        matched += 1
    }
    precondition(matched < 4, "the canary was found")
}
