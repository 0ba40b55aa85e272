import APIKeys
import Glibc
import JSON
import Platform
import Synchronization
import TestSupport
import Testing

@Suite struct UsageTests {
    private let entry = UsageBook.Entry(day: "2026-11-27", key: "alice", model: "tiny")
    private let used = UsageBook.Counts(
        requests: 1,
        promptTokens: 20,
        cachedTokens: 10,
        outputTokens: 5
    )

    @Test func `adds up by day, key and model`() {
        var book = UsageBook()
        book.add(used, entry)
        book.add(used, entry)
        book.add(used, UsageBook.Entry(day: "2026-11-28", key: "alice", model: "tiny"))
        book.add(used, UsageBook.Entry(day: "2026-11-28", key: "bob", model: "big"))
        #expect(book.counts[entry]?.promptTokens == 40 && book.counts[entry]?.requests == 2)
        #expect(book.lines(from: "2026-11-28").count == 2)
        #expect(book.lines(key: "alice").map(\.0.day) == ["2026-11-27", "2026-11-28"])
        #expect(book.lastDay(of: "alice") == "2026-11-28" && book.lastDay(of: "eve") == nil)
        #expect(UsageBook(book.json) == book)
    }

    @Test func `drops the oldest days when there are too many`() {
        var book = UsageBook()
        for day in 1000..<1500 {
            book.add(used, UsageBook.Entry(day: "day\(day)", key: "a", model: "m"))
        }
        #expect(book.counts.count == 400 && book.lines().first?.0.day == "day1100")
    }

    @Test func `goes on after a restart`() throws {
        let folder = try TemporaryDirectory()
        let path = folder.path + "/usage.json"
        let keeper = try UsageKeeper(path: path, delay: .seconds(3600))
        keeper.add(used, entry)
        keeper.save()
        #expect(try UsageKeeper(path: path).book == keeper.book)
        #expect(keeper.book.counts[entry] == used)
    }

    @Test func `writes by itself soon after`() throws {
        let folder = try TemporaryDirectory()
        let path = folder.path + "/usage.json"
        let keeper = try UsageKeeper(path: path, delay: .zero)
        keeper.add(used, entry)
        let end = MonotonicInstant.now().advanced(by: .seconds(60))
        while access(path, F_OK) != 0, MonotonicInstant.now() < end { sched_yield() }
        #expect(access(path, F_OK) == 0)
    }

    @Test func `says when it cannot write, keeps what it has and refuses to overwrite rubbish`()
        throws
    {
        let folder = try TemporaryDirectory()
        let path = folder.path + "/usage.json"
        let failures = Mutex(0)
        let keeper = try UsageKeeper(path: path, delay: .seconds(3600)) { _ in
            failures.withLock { $0 += 1 }
        }
        keeper.add(used, entry)
        FaultPlan.$current.withValue(FaultPlan(failing: 4, code: ENOSPC)) { keeper.save() }
        #expect(failures.withLock { $0 } == 1 && access(path, F_OK) != 0)
        keeper.save()
        #expect(try UsageKeeper(path: path).book == keeper.book)
        try DurableFile.replace(path, with: Array("rubbish".utf8))
        #expect(throws: SystemError.self) { try UsageKeeper(path: path) }
        let nowhere = try UsageKeeper(path: folder.path + "/none/usage.json")
        nowhere.add(used, entry)
        nowhere.save()
        #expect(nowhere.book.counts.count == 1)
    }

    @Test func `leaves the old book or the new one whichever step fails`() throws {
        let folder = try TemporaryDirectory()
        let path = folder.path + "/usage.json"
        let keeper = try UsageKeeper(path: path, delay: .seconds(3600))
        keeper.add(used, entry)
        keeper.save()
        for code in [ENOSPC, EIO] {
            var number = 1
            while true {
                let old = try UsageKeeper(path: path).book
                keeper.add(used, entry)
                let plan = FaultPlan(failing: number, code: code)
                FaultPlan.$current.withValue(plan) { keeper.save() }
                let kept = try UsageKeeper(path: path).book
                #expect(kept == old || kept == keeper.book)
                keeper.save()
                #expect(try UsageKeeper(path: path).book == keeper.book)
                guard plan.hasStruck else { break }
                number += 1
            }
            #expect(number > 7, "locking, open, write, fsync, rename and fsync can fail")
        }
    }

    @Test func `does not begin with a book that it could not read`() throws {
        let folder = try TemporaryDirectory()
        let path = folder.path + "/usage.json"
        let keeper = try UsageKeeper(path: path, delay: .seconds(3600))
        keeper.add(used, entry)
        keeper.save()
        for number in 1...3 {
            FaultPlan.$current.withValue(FaultPlan(failing: number, code: EIO)) {
                _ = #expect(throws: SystemError.self) { try UsageKeeper(path: path) }
            }
        }
        #expect(try UsageKeeper(path: path).book == keeper.book)
    }
}
