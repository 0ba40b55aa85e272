import Foundation
import Glibc
import HTTP
import JSON
import Platform
import TestSupport
import Testing

/// How the daemon gets on with a service manager.
extension EndToEndTests {
    @Suite(.serialized) struct ServiceTests {
        private static var longWinded: TinyModel {
            var model = TinyModel()
            model.contextLength = 32768
            return model
        }

        @Test func `lets a running answer finish after SIGTERM and exits with 0`() throws {
            let daemon = try RunningDaemon()
            var last = ""
            var isStopping = false
            try daemon.streamChat(["max_tokens": 900]) { data in
                if !isStopping {
                    isStopping = true
                    daemon.process.child.signal(SIGTERM)
                    _ = try daemon.notifications.wait(for: "STOPPING=1")
                }
                last = data
                return true
            }
            try #require(isStopping, "no answer began")
            #expect(last == "[DONE]")
            let (code, output) = daemon.process.wait()
            #expect(code == 0, "\(output)")
            #expect(throws: HTTPClientError.self) {
                try daemon.client.send(method: .get, path: "/livez")
            }
        }

        @Test func `asks for more time while it drains and ends at once at a second SIGTERM`()
            throws
        {
            let daemon = try RunningDaemon(tiny: Self.longWinded)
            var isStopping = false
            _ = try? daemon.streamChat(["max_tokens": 30_000, "ignore_eos": true]) { _ in
                if !isStopping {
                    isStopping = true
                    daemon.process.child.signal(SIGTERM)
                    let message = try daemon.notifications.wait(for: "EXTEND_TIMEOUT_USEC=")
                    #expect(message.contains("EXTEND_TIMEOUT_USEC=2000000"))
                    daemon.process.child.signal(SIGTERM)
                }
                return true
            }
            try #require(isStopping, "no answer began")
            #expect(daemon.process.wait().code == 1)
        }

        @Test func `shows signs of life and reloads`() throws {
            let daemon = try RunningDaemon(environment: ["WATCHDOG_USEC": "400000"])
            _ = try daemon.notifications.wait(for: "WATCHDOG=1")
            _ = try daemon.notifications.wait(for: "WATCHDOG=1")
            daemon.process.child.signal(SIGHUP)
            let message = try daemon.notifications.wait(for: "RELOADING=1")
            #expect(message.contains("MONOTONIC_USEC="))
            let ready = try daemon.notifications.wait(for: "READY=1")
            #expect(ready.contains("STATUS=1 models"))
        }

        @Test(arguments: [false, true])
        func `serves sockets that the service manager opened, or kept for it`(isKept: Bool) throws {
            let listener = socket(
                AF_INET,
                Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue),
                0
            )
            defer { close(listener) }
            #expect(listen(listener, 16) == 0)
            var address = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            _ = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    getsockname(listener, $0, &length)
                }
            }
            let port = UInt16(bigEndian: address.sin_port)
            let folder = try TemporaryDirectory()
            let notifications = try NotifyReceiver(path: folder.path + "/notify")
            let process = try ToriiProcess(
                // An address that is taken cannot be opened, only taken over.
                ["serve", "--models", folder.path, "--allow-anonymous"]
                    + (isKept ? ["--listen", "0.0.0.0:\(port)"] : []),
                environment: [
                    "NOTIFY_SOCKET": notifications.path,
                    "LISTEN_FDNAMES": isKept ? "torii-listener" : "api",
                ],
                sockets: [listener]
            )
            if isKept { _ = try notifications.wait(for: "FDSTORE=1", seconds: 30) }
            _ = try notifications.wait(for: "READY=1", seconds: 30)
            let client = HTTPClient(endpoint: try ListenAddress(parsing: "127.0.0.1:\(port)"))
            #expect(try client.send(method: .get, path: "/livez").status == 200)
            process.child.signal(SIGTERM)
            #expect(process.wait().code == 0)
        }
    }
}
