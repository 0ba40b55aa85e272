import Foundation
import Glibc
import HTTP
import JSON
import Platform
import TestSupport

/// A daemon on a unix socket and on a port of the kernel's choice, started for one test.
final class RunningDaemon: Sendable {
    let process: ToriiProcess
    let notifications: NotifyReceiver
    let socket: ListenAddress
    let folder: TemporaryDirectory

    /// Starts a daemon whose models are `tiny` (under further names too), the real ones named and one
    /// that is no model, and waits until it is ready.
    init(
        tiny: TinyModel? = TinyModel(),
        copies: [String] = [],
        models: [TestModels] = [],
        encoders: [String: TinyEncoder] = [:],
        brokenModel: String? = nil,
        arguments: [String] = [],
        environment: [String: String] = [:],
        limit: String? = nil
    ) throws {
        folder = try TemporaryDirectory()
        let directory = folder.path + "/models"
        try FileManager.default.createDirectory(
            atPath: directory,
            withIntermediateDirectories: true
        )
        for name in ["tiny"] + copies {
            try tiny?.writer().write(to: directory + "/\(name).gguf")
        }
        for (name, encoder) in encoders {
            try encoder.writer().write(to: directory + "/\(name).gguf")
        }
        for model in models {
            try FileManager.default.createSymbolicLink(
                atPath: directory + "/" + model.rawValue,
                withDestinationPath: TestModels.path(of: model)
            )
        }
        if let brokenModel {
            let path = directory + "/\(brokenModel).gguf"
            try Data("GGUF\u{3}\0\0\0 and nothing more".utf8).write(to: URL(fileURLWithPath: path))
        }
        notifications = try NotifyReceiver(path: folder.path + "/notify")
        socket = try ListenAddress(parsing: "unix:\(folder.path)/api")
        var variables = [
            "NOTIFY_SOCKET": notifications.path, "CACHE_DIRECTORY": folder.path + "/cache",
        ]
        variables.merge(environment) { $1 }
        process = try ToriiProcess(
            [
                "serve", "--models", directory, "--listen", socket.description, "--listen",
                "127.0.0.1:0",
            ]
                + arguments,
            environment: variables,
            limit: limit
        )
        do {
            _ = try notifications.wait(for: "READY=1", seconds: 30)
        } catch {
            throw NotReady(output: process.output)
        }
    }

    struct NotReady: Error, CustomStringConvertible {
        let output: String
        var description: String { "the daemon did not become ready:\n\(output)" }
    }

    var client: HTTPClient { HTTPClient(endpoint: socket, timeout: .seconds(120)) }

    /// The TCP address, from the log.
    func tcpAddress() throws -> ListenAddress {
        let marker = "address=127.0.0.1:"
        guard process.wait(for: marker), let range = process.output.range(of: marker) else {
            throw NotReady(output: process.output)
        }
        let port = process.output[range.upperBound...].prefix { $0.isNumber }
        return try ListenAddress(parsing: "127.0.0.1:\(port)")
    }

    /// Posts a chat completion and returns the answer's status and JSON.
    func chat(_ members: JSONObject, on endpoint: ListenAddress? = nil) throws -> (Int, JSONValue) {
        let client = endpoint.map { HTTPClient(endpoint: $0, timeout: .seconds(120)) } ?? client
        let response = try client.send(
            method: .post,
            path: "/v1/chat/completions",
            headers: ["Content-Type": "application/json"],
            body: JSONValue.object(Self.body(members)).serializedBytes()
        )
        return (response.status, try JSONValue.parse(response.body))
    }

    /// Posts a streaming chat completion; `onEvent` gets the data of each event and may hang up.
    func streamChat(_ members: JSONObject, onEvent: (String) throws -> Bool) throws {
        var body = Self.body(members)
        body["stream"] = true
        var parser = SSEParser()
        try client.stream(
            method: .post,
            path: "/v1/chat/completions",
            headers: ["Content-Type": "application/json"],
            body: JSONValue.object(body).serializedBytes(),
            onHead: { _ in },
            onBytes: { bytes in
                for event in try parser.append(bytes) where try !onEvent(event.data) {
                    return false
                }
                return true
            }
        )
    }

    /// Posts to any path and returns the answer's status and JSON.
    func post(_ path: String, _ body: JSONValue) throws -> (Int, JSONValue) {
        let response = try client.send(
            method: .post,
            path: path,
            headers: ["Content-Type": "application/json"],
            body: body.serializedBytes()
        )
        return (response.status, try JSONValue.parse(response.body))
    }

    /// The process number of a resident model's worker.
    func workerPID(of model: String = "tiny") throws -> Int32? {
        let response = try client.send(method: .get, path: "/admin/v1/models/\(model)")
        return try JSONValue.parse(response.body)["pid"]?.intValue.map { Int32($0) }
    }

    static func body(_ members: JSONObject) -> JSONObject {
        var body: JSONObject = [
            "model": "tiny", "messages": [["role": "user", "content": "Hello"]], "seed": 7,
        ]
        for (key, value) in members.members { body[key] = value }
        return body
    }
}
