import APIKeys
import Glibc
import Platform
import TestSupport
import Testing

@Suite struct KeyRingTests {
    private let folder: TemporaryDirectory
    private let store: KeyStore
    private let start = MonotonicInstant(nanoseconds: 1_000_000_000)

    init() throws {
        folder = try TemporaryDirectory()
        store = KeyStore(path: folder.path + "/keys.json")
    }

    @Test func `knows of keys that were added and revoked within a quarter of a second`() throws {
        let ring = try KeyRing(store: store)
        #expect(!ring.table.asksForKeys)
        #expect(ring.refresh(now: start) == .unchanged)
        let (key, secret) = try store.add(KeyTerms(name: "a"), now: 1)
        #expect(ring.refresh(now: start.advanced(by: .milliseconds(100))) == .unchanged)
        #expect(ring.refresh(now: start.advanced(by: .milliseconds(250))) == .changed(gone: []))
        #expect(ring.table.identify(secret.text, now: 1) == .key(key))
        _ = try store.revoke("a")
        #expect(ring.refresh(now: start, atOnce: true) == .changed(gone: [key]))
        #expect(ring.table.identify(secret.text, now: 1) == .unknown)
    }

    @Test func `keeps its keys when the file is damaged or deleted`() throws {
        let (key, secret) = try store.add(KeyTerms(name: "a"), now: 1)
        let ring = try KeyRing(store: store)
        try DurableFile.replace(store.path, with: Array("{".utf8))
        guard case .failed(.malformed) = ring.refresh(now: start, atOnce: true) else {
            Issue.record("a damaged file is taken")
            return
        }
        #expect(ring.refresh(now: start, atOnce: true) == .unchanged, "told once")
        #expect(unlink(store.path) == 0)
        guard case .failed(.system) = ring.refresh(now: start, atOnce: true) else {
            Issue.record("a deleted file is taken")
            return
        }
        #expect(ring.table.asksForKeys && ring.table.identify(secret.text, now: 1) == .key(key))
    }

    @Test func `a read that fails at any step is tried again, and the change is seen`() throws {
        var number = 1
        while true {
            let (key, secret) = try store.add(KeyTerms(name: "key\(number)"), now: 1)
            let ring = try KeyRing(store: store)
            _ = try store.revoke(key.name)
            let plan = FaultPlan(failing: number, code: EMFILE)
            let seen = FaultPlan.$current.withValue(plan) { ring.refresh(now: start) }
            guard plan.hasStruck else { break }
            guard case .failed(.system) = seen else {
                Issue.record("step \(number): \(seen)")
                return
            }
            #expect(ring.table.identify(secret.text, now: 1) == .key(key))
            #expect(ring.refresh(now: start.advanced(by: .milliseconds(900))) == .unchanged)
            #expect(ring.refresh(now: start.advanced(by: .seconds(2))) == .changed(gone: [key]))
            #expect(ring.table.identify(secret.text, now: 1) == .unknown)
            number += 1
        }
        #expect(number > 4, "two files are opened and read")
    }

    @Test func `changes the keys of the operator's file without losing the stored ones`() throws {
        _ = try store.add(KeyTerms(name: "stored"), now: 1)
        let ring = try KeyRing(plain: [APIKey("one", name: "one")], store: store)
        ring.use(plain: [APIKey("two", name: "two")])
        #expect(ring.table.keys.map(\.name) == ["stored", "two"])
    }

    @Test func `refuses to begin with a damaged file`() throws {
        try DurableFile.replace(store.path, with: Array("{".utf8))
        #expect(throws: KeyStoreError.self) { try KeyRing(store: store) }
    }
}
