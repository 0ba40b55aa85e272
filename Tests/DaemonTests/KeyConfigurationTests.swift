import APIKeys
import Foundation
import Glibc
import Platform
import TestSupport
import Testing

@testable import Daemon

/// What the configuration says about keys and about the socket that needs none.
@Suite struct KeyConfigurationTests {
    private func check(_ file: String, inheritsSockets: Bool = false) throws -> DaemonConfiguration
    {
        let sources = ConfigurationSources(
            flags: DaemonSettings(),
            variables: DaemonSettings(),
            file: try ConfigurationFile.parse(Array(file.utf8), source: "torii.json"),
            paths: StandardPaths(variables: ["HOME": "/nonexistent"], isRoot: false)
        )
        return try DaemonConfiguration(checking: sources, inheritsSockets: inheritsSockets)
    }

    private func problems(_ file: String) -> String {
        do {
            return "no problem: \(try check(file))"
        } catch {
            return "\(error)"
        }
    }

    @Test func `takes keys and the pepper from systemd's credentials`() throws {
        let folder = try TemporaryDirectory()
        let keys = folder.path + "/torii.keys"
        try Data("0123456789abcdef name=ci\n".utf8).write(to: URL(fileURLWithPath: keys))
        #expect(chmod(keys, 0o400) == 0)
        let variables = [
            "STATE_DIRECTORY": folder.path, "CREDENTIALS_DIRECTORY": folder.path,
            "CONFIGURATION_DIRECTORY": folder.path,
        ]
        func checked() throws -> DaemonConfiguration {
            let sources = try ConfigurationSources(
                flags: [:],
                configurationFile: nil,
                variables: variables,
                isRoot: false
            )
            return try DaemonConfiguration(checking: sources)
        }
        let configuration = try checked()
        #expect(configuration.apiKeys.map(\.name) == ["ci"] && configuration.asksForKeys)
        #expect(configuration.keyStore.path == folder.path + "/keys.json")
        #expect(configuration.keyStore.pepperPath == folder.path + "/pepper")
        let pepper = folder.path + "/torii.pepper"
        try DurableFile.replace(pepper, with: Array(String(repeating: "0f", count: 16).utf8))
        #expect(try checked().keyStore.pepperPath == pepper)
    }

    @Test func `asks for keys once there is a store, and names what is wrong with one`() throws {
        let folder = try TemporaryDirectory()
        let path = folder.path + "/keys.json"
        let file = "{key_store: '\(path)', listen: ['192.0.2.1:1']}"
        #expect(problems(file).contains("make a key with `torii keys add NAME`"))
        _ = try KeyStore(path: path).add(KeyTerms(name: "a"), now: 1)
        #expect(try check(file).asksForKeys)
        try DurableFile.replace(path, with: Array("{".utf8))
        #expect(problems(file).hasPrefix("torii.json: key_store: \(path): not valid JSON"))
    }

    @Test func `opens the admin socket in its place, elsewhere or not at all`() throws {
        #expect(try check("{admin_socket: '/x'}").adminSocket == "/x")
        #expect(try check("{admin_socket: 'none'}").adminSocket == nil)
        #expect(problems("{admin_socket: 'x'}").contains("no absolute path"))
        #expect(try check("{}", inheritsSockets: true).adminSocket == nil)
    }
}
