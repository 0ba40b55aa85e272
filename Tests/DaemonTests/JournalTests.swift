import Foundation
import Synchronization
import Telemetry
import Testing

@testable import Daemon

@Suite struct JournalTests {
    private func texts(_ entry: LogEntry) -> [String] {
        JournalSink.fields(of: entry).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func `gives every field of an entry its own name in the journal`() {
        let entry = LogEntry(
            level: .warning,
            message: "key added",
            fields: [
                LogEntry.Field(key: "actor", value: "admin-socket"),
                LogEntry.Field(key: "object", value: "two\nlines"),
            ]
        )
        let texts = texts(entry)
        #expect(texts[0] == "MESSAGE=key added actor=admin-socket object=two\\nlines")
        #expect(texts.contains("PRIORITY=4") && texts.contains("SYSLOG_IDENTIFIER=torii"))
        #expect(texts.contains("ACTOR=admin-socket") && texts.contains("OBJECT=two\nlines"))
        let id = JournalMessageIDs.all["key added"] ?? ""
        #expect(texts.contains("MESSAGE_ID=\(id)") && !id.isEmpty)
        #expect(
            !self.texts(LogEntry(level: .info, message: "other", fields: [])).contains {
                $0.hasPrefix("MESSAGE_ID")
            }
        )
    }

    @Test func `has one id of 128 bits for each sentence, and each sentence is one of the log's`()
        throws
    {
        let ids = JournalMessageIDs.all.values
        #expect(Set(ids).count == ids.count)
        #expect(ids.allSatisfy { $0.count == 32 && $0.allSatisfy(\.isHexDigit) })
        let root = String(#filePath.dropLast("/Tests/DaemonTests/JournalTests.swift".count))
        let paths = FileManager.default.enumerator(atPath: root + "/Sources")?.compactMap {
            $0 as? String
        }
        let sources = try (paths ?? []).filter {
            $0.hasSuffix(".swift") && !$0.hasSuffix("JournalMessageIDs.swift")
        }
        .map { try String(contentsOfFile: root + "/Sources/" + $0, encoding: .utf8) }.joined()
        for message in JournalMessageIDs.all.keys {
            #expect(sources.contains("\"\(message)\""), "nothing logs `\(message)`")
        }
    }

    @Test func `sends what it is given and cuts values as the log does`() {
        let sent = Mutex<[[UInt8]]>([])
        let sink = JournalSink.sink { fields in
            sent.withLock { $0 = fields }
            return true
        }
        let long = String(repeating: "x", count: 5000)
        let field = LogEntry.Field(key: "problem", value: long)
        sink.write(LogEntry(level: .info, message: "started", fields: [field]))
        let problem = sent.withLock { $0 }.first { $0.starts(with: "PROBLEM=".utf8) }
        #expect(problem?.count == 8 + LogEntry.maximumValueByteCount + "…".utf8.count)
    }
}
