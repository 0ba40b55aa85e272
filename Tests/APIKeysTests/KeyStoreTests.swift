import APIKeys
import Foundation
import Glibc
import JSON
import Platform
import TestSupport
import Testing

@Suite struct KeyStoreTests {
    private let folder: TemporaryDirectory
    private let store: KeyStore

    init() throws {
        folder = try TemporaryDirectory()
        store = KeyStore(path: folder.path + "/keys.json")
    }

    private func text() throws -> String { try Files.text(of: store.path) }

    private func mode(_ path: String) -> UInt32 {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & 0o777 : 0
    }

    @Test func `keeps keys without their secrets, readable by the owner only`() throws {
        #expect(try store.load() == nil)
        let (key, secret) = try store.add(KeyTerms(name: "alice"), now: 100)
        #expect(key.name == "alice" && key.id == secret.id && key.created == 100)
        #expect(try !text().contains(secret.text.suffix(43)))
        #expect(mode(store.path) == 0o600 && mode(store.pepperPath) == 0o600)
        let table = KeyTable(plain: [], stored: try store.load())
        #expect(table.keys == [key] && table.asksForKeys)
        #expect(table.identify(secret.text, now: 100) == .key(key))
    }

    @Test func `tells right keys from wrong, ended and unknown ones`() throws {
        let terms = KeyTerms(name: "guest", expires: 200)
        let (key, secret) = try store.add(terms, now: 100)
        let plain = APIKey("plain-secret-0123456789", name: "plain")
        let table = KeyTable(plain: [plain], stored: try store.load())
        #expect(table.identify(secret.text, now: 199) == .key(key))
        #expect(table.identify(secret.text, now: 200) == .expired(key))
        #expect(table.identify("plain-secret-0123456789", now: 0) == .key(plain))
        var wrong = Array(secret.text.utf8)
        for index in wrong.indices {
            wrong[index] ^= 1
            #expect(table.identify(String(decoding: wrong, as: UTF8.self), now: 0) == .unknown)
            wrong[index] ^= 1
        }
        for text in ["", "torii_", KeySecret.random().text, "plain-secret-012345678"] {
            #expect(table.identify(text, now: 0) == .unknown)
        }
    }

    @Test func `asks for keys also when the last one is gone`() throws {
        _ = try store.add(KeyTerms(name: "a"), now: 1)
        #expect(try store.revoke("a").name == "a")
        let table = KeyTable(plain: [], stored: try store.load())
        #expect(table.keys.isEmpty && table.asksForKeys)
        #expect(!KeyTable(plain: [], stored: nil).asksForKeys)
    }

    @Test func `revokes by name and by id and knows what is not there`() throws {
        let first = try store.add(KeyTerms(name: "first"), now: 1).key
        let second = try store.add(KeyTerms(name: "second"), now: 1).key
        #expect(try store.revoke(second.id ?? "") == second)
        #expect(throws: KeyStoreError.unknownKey("second")) { try store.revoke("second") }
        #expect(throws: KeyStoreError.nameTaken("first")) {
            try store.add(KeyTerms(name: "first"), now: 2)
        }
        #expect(try KeyTable(plain: [], stored: store.load()).keys == [first])
    }

    @Test func `keeps every key that many writers add at once`() async throws {
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<16 {
                group.addTask { [store] in
                    _ = try? store.add(KeyTerms(name: "key\(number)"), now: 1)
                }
            }
        }
        #expect(try KeyTable(plain: [], stored: store.load()).keys.count == 16)
    }

    @Test func `refuses files that it cannot trust`() throws {
        _ = try store.add(KeyTerms(name: "a"), now: 1)
        #expect(chmod(store.path, 0o644) == 0)
        #expect(throws: KeyStoreError.readableByAll(path: store.path)) { try store.load() }
        #expect(chmod(store.path, 0o600) == 0)
        try Files.write(String(repeating: "ab", count: 32), to: store.pepperPath)
        #expect(
            throws: KeyStoreError.otherPepper(path: store.path, pepperPath: store.pepperPath)
        ) { try store.load() }
        #expect(throws: KeyStoreError.self) { try store.add(KeyTerms(name: "b"), now: 1) }
    }

    @Test(arguments: [
        "", "{}", "[]", "{\"version\":2,\"pepper_check\":\"\",\"keys\":[]}",
        "{\"version\":1,\"pepper_check\":\"00\",\"keys\":[{}]}",
        "{\"version\":1,\"pepper_check\":\"00\",\"keys\":[{\"id\":\"a\",\"digest\":\"00\","
            + "\"created\":1,\"name\":\"a\"}]}",
    ])
    func `says that a file is none of keys`(_ text: String) throws {
        try DurableFile.replace(store.path, with: Array(text.utf8))
        let error = #expect(throws: KeyStoreError.self) { try store.load() }
        guard case .malformed = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `leaves the old keys or the new ones whichever step fails`() throws {
        let old = try store.add(KeyTerms(name: "old"), now: 1).key
        for code in [ENOSPC, EIO] {
            var number = 1
            while true {
                let plan = FaultPlan(failing: number, code: code)
                let added = FaultPlan.$current.withValue(plan) {
                    Result { try store.add(KeyTerms(name: "new"), now: 2) }
                }
                let keys = try KeyTable(plain: [], stored: store.load()).keys
                #expect(keys.contains(old))
                let hasNew = keys.contains { $0.name == "new" }
                if case .success = added { #expect(hasNew) }
                #expect(access(store.path + ".new", F_OK) != 0)
                if hasNew { _ = try store.revoke("new") }
                guard plan.hasStruck else { break }
                number += 1
            }
            #expect(number > 10, "locking, reading and each step of writing can fail")
        }
    }
}
