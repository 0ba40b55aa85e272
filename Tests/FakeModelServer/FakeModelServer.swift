import Gateway
import HTTP
import ModelService
import Platform
import Telemetry
import TestSupport

/// The real gateway over a process that computes nothing: for `Tests/Benchmarks/check-service`, which
/// measures what stands in front of a model.
///
/// Serves the model `good` on a port of the kernel's choice, which it prints, until its standard
/// input ends.
@main enum FakeModelServer {
    static func main() throws {
        let directory = try TemporaryDirectory()
        _ = try directory.write([1], to: "good.gguf")
        var services = ModelServiceConfiguration(
            directories: [directory.path],
            models: [:],
            workerExecutable: try BuiltExecutable.path("FakeWorker"),
            workerEnvironment: ["SWIFT_BACKTRACE": "enable=no"]
        )
        // The load generator shares the processors with the worker.
        services.limits.heartbeatTimeout = .seconds(60)
        services.gauge = MemoryGauge(
            available: { 1 << 44 },
            resident: { _ in 0 },
            reserveByteCount: 0
        )
        let gateway = Gateway(
            service: ModelService(configuration: services, log: Log(sink: .none)),
            configuration: GatewayConfiguration(version: "0"),
            log: Log(sink: .none)
        )
        var limits = HTTPLimits()
        limits.maximumConnectionCount = 20_000
        let server = try HTTPServer(
            configuration: HTTPServerConfiguration(
                listen: [.socket(.loopback4(port: 0))],
                limits: limits,
                connections: gateway.connections
            ),
            handler: gateway
        )
        try server.start()
        StandardStream.output.write(Array("address=\(server.addresses[0])\n".utf8))
        while readLine() != nil {}
        server.stop()
    }
}
