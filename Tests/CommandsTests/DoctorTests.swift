import Daemon
import JSON
import Kernels
import Platform
import Testing

@testable import Commands

@Suite struct DoctorTests {
    private var machine: MachineFacts {
        MachineFacts(
            instructionSet: .success(.avx2),
            coreCount: 8,
            availableByteCount: 6 << 30,
            totalByteCount: 16 << 30,
            openFileLimit: 65_536,
            missingSandboxHalves: []
        )
    }

    @Test func `has nothing to say about a machine as it should be`() {
        let findings = machine.findings
        #expect(findings.allSatisfy { $0.verdict == .fine && $0.advice == nil })
        #expect(Finding.report(findings).hasPrefix("✓ processor  8 cores, avx2 kernels\n"))
        #expect(Finding.report(findings).hasSuffix("\n\nAll is well.\n"))
    }

    @Test func `names what a machine lacks, each with a way out`() {
        var machine = machine
        machine.instructionSet = .success(.scalar)
        machine.coreCount = 1
        machine.availableByteCount = 512 << 20
        machine.openFileLimit = 256
        machine.missingSandboxHalves = [.landlock]
        let findings = machine.findings
        #expect(findings.allSatisfy { $0.verdict == .warning && $0.advice != nil })
        let report = Finding.report(findings)
        #expect(report.contains("! memory     512 MiB of 16.0 GiB available\n             even a"))
        #expect(report.contains("! sandbox    the kernel offers no landlock\n"))
        #expect(report.hasSuffix("\n\nIt works; 4 could be better.\n"))
        machine.instructionSet = .failure(.unknown(name: "mmx"))
        #expect(machine.findings[0].verdict == .problem)
        #expect(Finding.report(machine.findings).hasSuffix("1 to be mended, 3 could be better.\n"))
    }

    @Test func `misses models, and says which directory cannot be read`() {
        var scan = DaemonConfiguration.ModelScan(
            directories: ["/a", "/b"],
            modelNames: [],
            warnings: ["cannot read the directory /b"]
        )
        #expect(ConfigurationCheckup.models(scan).map(\.verdict) == [.warning, .problem])
        scan.modelNames = (1...7).map { "m\($0)" }
        let found = ConfigurationCheckup.models(scan)[1]
        #expect(found.text == "m1, m2, m3, m4, m5 and 2 more in /a, /b")
    }

    @Test func `tells of a daemon of another version, and of models in trouble`() {
        let status: JSONValue = [
            "ready": true, "uptime_seconds": 120,
            "models": [
                ["id": "good", "state": "resident", "trouble": nil],
                [
                    "id": "bad", "state": "failed", "message": "bad magic; fetch it again",
                    "log_tail": ["line"],
                ],
                ["id": "slow", "state": "resident", "trouble": "has said nothing for 4 s"],
            ],
        ]
        let same = DaemonCheckup.findings(version: ProductVersion.current, status: status)
        #expect(same.map(\.verdict) == [.fine, .warning, .warning])
        #expect(same[0].text == "runs for 2 min")
        #expect(same[1].text == "bad magic" && same[1].advice?.contains("show bad --log") == true)
        #expect(same[2].text == "its process has said nothing for 4 s")
        let other = DaemonCheckup.findings(version: "0.0.0", status: status)
        #expect(other[0].verdict == .warning && other[0].advice == "restart it")
    }

    @Test(arguments: [3, 4, 6])
    func `tells of many files that cannot be served in one finding`(_ count: Int) {
        let broken: [JSONValue] = (1...count).map { number in
            ["id": .string("m\(number)"), "state": "unloaded", "message": "no header"]
        }
        let failed: JSONValue = ["id": "bad", "state": "failed", "message": "bad magic"]
        let found = DaemonCheckup.findings(
            version: ProductVersion.current,
            status: ["models": .array(broken + [failed, ["id": "good", "state": "unloaded"]])]
        ).dropFirst()
        guard count > 3 else {
            #expect(found.map(\.subject) == ["m1", "m2", "m3", "bad"])
            return
        }
        #expect(found.map(\.subject) == ["models", "bad"])
        let text = "\(count) files cannot be served: m1, m2, m3 and \(count - 3) more"
        #expect(found.first?.text == text)
    }

    @Test func `shows findings as JSON`() {
        let json = Finding.warning("daemon", "is stopping", "wait").json
        #expect(json["verdict"] == "warning" && json["advice"] == "wait")
        #expect(Finding.fine("a", "b").json["advice"]?.isNull == true)
    }
}
