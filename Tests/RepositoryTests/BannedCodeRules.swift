import Foundation

/// Calls that crash, block or leave the rules of the house, and words that postpone.
enum BannedCodeRules {
    struct Ban {
        let code: String
        let way: String
    }

    static let sourceBans = [
        Ban(code: "try!", way: "throw, or state the invariant with precondition"),
        Ban(code: "as!", way: "use as? and throw"),
        Ban(code: "fatalError(", way: "throw, or use precondition with the invariant"),
        Ban(code: "nonisolated(unsafe)", way: "use a Mutex"),
        Ban(code: "@inlinable", way: "nothing leaves this package"),
        Ban(code: "@usableFromInline", way: "nothing leaves this package"),
        Ban(code: "@_spi", way: "use package access"),
        Ban(code: "public ", way: "use package access"),
        Ban(code: "Task.detached", way: "use a structured task"),
        Ban(code: "DispatchSemaphore", way: "use a condition on a thread of our own"),
        Ban(code: "Thread.sleep", way: "wait for the event"),
        Ban(code: "NSLock", way: "use a Mutex"),
    ]

    static let testBans = [
        Ban(code: "import XCTest", way: "use Swift Testing"),
        Ban(code: "Thread.sleep", way: "wait for the event"),
        Ban(code: "Task.sleep", way: "wait for the event"),
        Ban(code: "usleep(", way: "wait for the event"),
    ]

    static let cBans = [
        Ban(code: "strcpy(", way: "use a bounded copy"),
        Ban(code: "strcat(", way: "use a bounded copy"),
        Ban(code: "sprintf(", way: "use snprintf"),
        Ban(code: "alloca(", way: "use the caller's workspace"),
        Ban(code: "system(", way: "use posix_spawn"),
        Ban(code: "abort(", way: "return an error"),
    ]

    /// Written in two parts so that this list does not find itself.
    static let postponing = ["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]
    static let banners = ["Copy" + "right", "SPDX" + "-License", "All rights " + "reserved"]

    static func check(_ file: Repository.File) -> [Finding] {
        var findings = words(file)
        guard file.isSwift || file.isC, !file.isIn("Tests/RepositoryTests") else { return findings }
        let bans =
            file.isC
            ? cBans : file.isIn("Sources") ? sourceBans : file.isIn("Tests") ? testBans : []
        for (index, line) in file.code.lines.enumerated() {
            for ban in bans where contains(line, ban.code) {
                findings.append(
                    Finding(
                        .bannedCode,
                        file.path,
                        line: index + 1,
                        subject: ban.code,
                        "`\(ban.code)`: \(ban.way)"
                    )
                )
            }
        }
        return findings + safety(file)
    }

    /// The code occurs and is not the tail of a longer name.
    static func contains(_ line: Substring, _ code: String) -> Bool {
        var rest = line
        while let range = rest.range(of: code) {
            let before = rest[..<range.lowerBound].last
            if before.map({ !$0.isLetter && !$0.isNumber && $0 != "_" }) ?? true { return true }
            rest = rest[range.upperBound...]
        }
        return false
    }

    private static func words(_ file: Repository.File) -> [Finding] {
        guard file.isIn("Sources") || file.isIn("deploy") || file.isSwift else { return [] }
        var findings: [Finding] = []
        let lines = file.lines
        for (index, line) in lines.enumerated() {
            for word in postponing where isWord(word, in: line) {
                findings.append(
                    Finding(
                        .bannedWord,
                        file.path,
                        line: index + 1,
                        subject: word,
                        "\(word): do it, or file an issue"
                    )
                )
            }
            for banner in banners where index < 10 && line.contains(banner) {
                findings.append(
                    Finding(.bannedWord, file.path, line: index + 1, subject: banner, "no banners")
                )
            }
        }
        return findings
    }

    private static func isWord(_ word: String, in line: Substring) -> Bool {
        line.split { !$0.isLetter && !$0.isNumber && $0 != "_" }.contains { $0 == word }
    }

    /// `@unchecked Sendable` has its reason above it, and a file with `unsafe` code says why.
    private static func safety(_ file: Repository.File) -> [Finding] {
        guard file.isSwift, file.isIn("Sources") else { return [] }
        let lines = file.lines
        let code = file.code.lines
        var findings: [Finding] = []
        for (index, line) in code.enumerated() where line.contains("@unchecked Sendable") {
            let above = lines[max(0, index - 12)...index]
            if above.contains(where: { $0.contains("Safety:") }) { continue }
            findings.append(
                Finding(
                    .safetyLine,
                    file.path,
                    line: index + 1,
                    subject: "@unchecked Sendable",
                    "`@unchecked Sendable` needs a `Safety:` line above it"
                )
            )
        }
        let usesUnsafe = code.contains { contains($0, "unsafe ") }
        if usesUnsafe, !lines.contains(where: { $0.contains("Safety:") }) {
            findings.append(
                Finding(
                    .safetyLine,
                    file.path,
                    subject: "unsafe",
                    "`unsafe` needs a `Safety:` line"
                )
            )
        }
        return findings
    }
}
