import Glibc
import Testing

@testable import Platform

/// What a locked-in process cannot do any more, tried in processes of their own.
@Suite(.timeLimit(.minutes(15)))
struct SandboxTests {
    /// The tries that did not fail with `code`, as bits.
    private static func successes(_ code: Int32, _ tries: [() -> Int]) -> Int32 {
        var bits: Int32 = 0
        for (index, attempt) in tries.enumerated() {
            errno = 0
            if attempt() >= 0 || errno != code { bits |= 1 << Int32(index) }
        }
        return bits
    }

    @Test func `seccomp leaves no way to files, sockets, programs and other processes`() async {
        await #expect(processExitsWith: .success) {
            let parent = getppid()
            try Sandbox.lock(.seccomp)
            let page = mmap(nil, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
            exit(
                SandboxTests.successes(
                    EPERM,
                    [
                        { Int(open("/etc/passwd", O_RDONLY)) },
                        { Int(unlink("/tmp/torii-nothing")) },
                        { Int(mkdir("/tmp/torii-nothing", 0o700)) },
                        { Int(socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)) },
                        { Int(socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)) },
                        { Int(kill(parent, 0)) },
                        { Int(execve("/bin/true", [nil], [nil])) },
                        { Int(posixFork()) },
                        { Int(setpriority(0, 0, 0)) },
                        { Int(mprotect(page, 4096, PROT_READ | PROT_EXEC)) },
                        { Int(chdir("/")) },
                    ]
                )
            )
        }
    }

    @Test func `Landlock alone denies files and TCP`() async {
        await #expect(processExitsWith: .success) {
            try Sandbox.lock(.landlock)
            let address = SocketAddress.loopback4(port: 9)
            exit(
                SandboxTests.successes(
                    EACCES,
                    [
                        { Int(open("/etc/passwd", O_RDONLY)) },
                        { Int(mkdir("/tmp/torii-nothing", 0o700)) },
                        { Int(execve("/bin/true", [nil], [nil])) },
                        {
                            do throws(SystemError) {
                                _ = try StreamSocket.connect(to: address)
                                return 0
                            } catch {
                                errno = error.code
                                return -1
                            }
                        },
                    ]
                )
            )
        }
    }

    @Test func `a locked-in process computes, starts threads and reads what it holds`() async {
        await #expect(processExitsWith: .success) {
            let file = try ReadOnlyFile.open(path: "/proc/self/exe")
            let wakeUp = try WakeUp()
            let state = try Sandbox.lock(.required)
            precondition("\(state)" == "landlock+seccomp")
            let buffer = try AlignedBuffer(byteCount: 8 << 20)
            let thread = try DedicatedThread(name: "locked-in") {
                let start = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<4])
                try? file.read(at: 0, into: start)
                wakeUp.signal()
            }
            wakeUp.wait(until: nil)
            thread.join()
            exit(Array(buffer.bytes[..<4]) == [0x7F, 0x45, 0x4C, 0x46] ? 0 : 1)
        }
    }

    @Test func `a process that aborts dies of the signal`() async {
        await #expect(processExitsWith: .signal(SIGABRT)) {
            Sandbox.forbidCoreFiles()
            try Sandbox.lock(.seccomp)
            abort()
        }
    }

    @Test func `refuses to go on without a half that is required`() async {
        await #expect(processExitsWith: .success) {
            // Landlock stacks no more than sixteen rule sets.
            for _ in 0..<16 { try Sandbox.lock(.landlock) }
            do throws(Sandbox.Incomplete) {
                _ = try Sandbox.lock(.required)
                exit(1)
            } catch {
                exit(error.state.active == [.seccomp] && error.state.problems.count == 1 ? 0 : 2)
            }
        }
        await #expect(processExitsWith: .success) {
            for _ in 0..<16 { try Sandbox.lock(.landlock) }
            exit("\(try Sandbox.lock(.available))" == "seccomp" ? 0 : 1)
        }
    }

    @Test func `names what is in force`() {
        #expect("\(Sandbox.State.none)" == "none")
        #expect("\(Sandbox.State(active: [.seccomp]))" == "seccomp")
        let missing = SystemError(call: "landlock", code: EOPNOTSUPP)
        let state = Sandbox.State(active: [.seccomp], problems: [missing])
        #expect("\(Sandbox.Incomplete(state: state))".contains("landlock: Operation not supported"))
    }
}

/// fork(2), which Swift's module hides.
private func posixFork() -> Int {
    typealias Fork = @convention(c) () -> Int32
    guard let symbol = dlsym(nil, "fork") else { return 0 }
    return Int(unsafeBitCast(symbol, to: Fork.self)())
}
