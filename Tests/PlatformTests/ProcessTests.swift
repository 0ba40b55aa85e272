import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Platform

@Suite(.timeLimit(.minutes(15))) struct ProcessTests {
    @Test func `starts a child with its arguments and environment and gets its exit code`() throws {
        let child = try ChildProcess.spawn(
            executable: "/bin/sh",
            arguments: [
                "-c", "test \"$1 $X\" = 'a b c' && test -z \"$HOME\" && exit 7", "sh", "a b",
            ],
            environment: ["X": "c"]
        )
        #expect(child.waitForExit() == .exited(code: 7))
        #expect(child.waitForExit() == .exited(code: 7))
        child.signal(SIGKILL)
    }

    @Test func `gives the child the descriptors it was promised, and no others`() throws {
        let pair = try SocketPair.make()
        let inherited = inheritable()
        defer { close(inherited) }
        let child = try ChildProcess.spawn(
            executable: "/bin/sh",
            arguments: ["-c", "ls /proc/self/fd >&3; echo done >&4"],
            environment: ["PATH": "/bin:/usr/bin"],
            // Crosswise: each target is the other's source when the numbers happen to be 3 and 4.
            inheriting: [
                (descriptor: pair.second.rawValue, as: 3),
                (descriptor: pair.second.rawValue, as: 4),
            ]
        )
        #expect(child.waitForExit() == .exited(code: 0))
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(pair.first.rawValue, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        let text = String(decoding: buffer[..<max(0, count)], as: UTF8.self)
        let numbers = text.split(separator: "\n").compactMap { Int($0) }
        #expect(text.hasSuffix("done\n"))
        // 5 or so is the directory that ls itself has open.
        #expect(numbers.starts(with: [0, 1, 2, 3, 4]) && numbers.count <= 6)
        #expect(!numbers.contains(Int(inherited)))
    }

    private func inheritable() -> Int32 { fcntl(0, F_DUPFD, 800) }

    @Test func `waits for a child's end without taking its status away`() throws {
        let child = try ChildProcess.spawn(
            executable: "/bin/sleep",
            arguments: ["100"],
            environment: [:]
        )
        #expect(!child.waitForEnd(timeout: .milliseconds(1)))
        child.signal(SIGKILL)
        #expect(child.waitForEnd(timeout: .seconds(100)))
        #expect(child.waitForExit() == .signaled(SIGKILL))
    }

    @Test func `tells a child ended by a signal, and a program that is not there`() throws {
        let child = try ChildProcess.spawn(
            executable: "/bin/sleep",
            arguments: ["1000"],
            environment: [:]
        )
        var poll = pollfd(fd: child.pidfd, events: Int16(POLLIN), revents: 0)
        #expect(Glibc.poll(&poll, 1, 0) == 0)
        child.signal(SIGKILL)
        #expect(child.waitForExit() == .signaled(SIGKILL))
        #expect(ExitStatus.signaled(SIGKILL).description == "was ended by signal 9 (SIGKILL)")
        #expect(throws: SystemError(call: "posix_spawn", code: ENOENT, path: "/nowhere")) {
            try ChildProcess.spawn(executable: "/nowhere", arguments: [], environment: [:])
        }
    }

    @Test func `runs a thread of its own under its name and joins it`() throws {
        let name = Mutex("")
        let thread = try DedicatedThread(name: "a-name-that-is-long") {
            let text = try? Files.text(of: "/proc/thread-self/comm")
            name.withLock { $0 = text ?? "" }
        }
        thread.join()
        thread.join()
        #expect(name.withLock { $0 } == "a-name-that-is-\n")
    }

    @Test func `receives signals as data`() throws {
        let received = Mutex<[Int32?]>([])
        let thread = try DedicatedThread(name: "signals") {
            do throws(SystemError) {
                let source = try SignalSource(signals: [SIGUSR1, SIGUSR2])
                let nothing = try source.wait(timeout: .milliseconds(1))
                pthread_kill(pthread_self(), SIGUSR2)
                let signal = try source.wait()
                source.cancel()
                let end = try source.wait()
                received.withLock { $0 = [nothing, signal, end] }
            } catch {
                Issue.record("\(error)")
            }
        }
        thread.join()
        #expect(received.withLock { $0 } == [nil, SIGUSR2, nil])
    }

    @Test func `counts usable cores`() {
        #expect(ProcessorFacts.usableCoreCount() >= 1)
        #expect(ProcessorFacts.coreCount(cpuMaximum: "max 100000\n") == nil)
        #expect(ProcessorFacts.coreCount(cpuMaximum: "200000 100000\n") == 2)
        #expect(ProcessorFacts.coreCount(cpuMaximum: "150000 100000\n") == 2)
        #expect(ProcessorFacts.coreCount(cpuMaximum: "50000 100000\n") == 1)
        #expect(ProcessorFacts.coreCount(cpuMaximum: "") == nil)
    }

    @Test func `finds its control groups up to the root`() {
        #expect(ControlGroup.path(membership: "1:cpu:/x\n0::/a/b\n") == "/a/b")
        #expect(ControlGroup.path(membership: "0::/\n") == "")
        #expect(ControlGroup.path(membership: "1:cpu:/x\n") == nil)
        #expect(ControlGroup.ancestry(of: "/a/b") == ["/a/b", "/a", ""])
        #expect(ControlGroup.ancestry(of: "") == [""])
        #expect(ControlGroup.common(to: "/a/torii.service") == "/a/torii.service")
        #expect(ControlGroup.common(to: "/a/torii.service/gateway") == "/a/torii.service")
        #expect(ControlGroup.common(to: "/api-gateway") == "/api-gateway")
        #expect(ControlGroup.common(to: "") == "")
    }

    @Test func `reads what memory is left`() throws {
        let table = "MemTotal: 100 kB\nMemAvailable:    2048 kB\n"
        #expect(MemoryFacts.available(memoryInformation: table) == 2048 * 1024)
        #expect(MemoryFacts.available(memoryInformation: "nothing") == nil)
        #expect(MemoryFacts.availableByteCount() > 0)
        #expect((0...1).contains(MemoryFacts.stall()))
        let own = try #require(MemoryFacts.residentByteCount(of: getpid()))
        #expect(own > 1 << 20)
        #expect(MemoryFacts.residentByteCount(of: -1) == nil)
    }

    @Test func `takes the lower of a control group's limits, less what it cannot drop`() throws {
        let group = try TemporaryDirectory()
        func left(_ maximum: String, _ high: String) throws -> Int? {
            _ = try group.write(Array("\(maximum)\n".utf8), to: "memory.max")
            _ = try group.write(Array("\(high)\n".utf8), to: "memory.high")
            return MemoryFacts.available(inGroup: group.path)
        }
        #expect(try left("100", "max") == nil)
        let statistics = "anon 30\nfile 999\nshmem 5\nslab_unreclaimable 3\nsock 2\n"
        _ = try group.write(Array(statistics.utf8), to: "memory.stat")
        #expect(try left("max", "max") == nil)
        #expect(try left("100", "max") == 60)
        #expect(try left("100", "70") == 30)
        #expect(try left("20", "70") == 0)
    }

    @Test func `reads the share of time that was lost waiting for memory`() {
        let text = "some avg10=12.50 avg60=1.00 avg300=0.00 total=9\nfull avg10=9.00 total=1\n"
        #expect(MemoryFacts.stall(pressure: text) == 0.125)
        let statistics = "anon 1\nworkingset_refault_anon 3\nworkingset_refault_file 40\n"
        #expect(MemoryFacts.refaultedPageCount(statistics: statistics) == 43)
        #expect(MemoryFacts.refaultedPageCount(statistics: "anon 1\n") == nil)
        #expect(MemoryFacts.refaultedByteCount() >= 0)
        #expect(MemoryFacts.stall(pressure: "full avg10=9.00\n") == nil)
        #expect(MemoryFacts.stall(pressure: "some avg10=x\n") == nil)
    }
}
