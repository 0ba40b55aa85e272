package import HTTP
package import ModelService
package import Telemetry

/// Answers HTTP requests: routes them, guards them, and turns them into generations and back.
package final class Gateway: HTTPRequestHandler {
    let service: ModelService
    let configuration: GatewayConfiguration
    let log: Log

    /// A gateway in front of `service`.
    package init(service: ModelService, configuration: GatewayConfiguration, log: Log) {
        self.service = service
        self.configuration = configuration
        self.log = log
    }

    package func handle(_ request: HTTPRequest, respond: consuming HTTPResponder) async {
        respond.send(status: 501, headers: [:], body: [])
    }
}
