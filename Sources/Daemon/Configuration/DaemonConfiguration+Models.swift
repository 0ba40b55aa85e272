package import ModelService
import Telemetry

extension DaemonConfiguration {
    /// The file of the model that `name` means in these directories, for commands that work without
    /// a daemon.
    package func modelPath(named name: String) async throws(ModelServiceError) -> String {
        let service = ModelService(
            configuration: modelService(variables: [:]),
            log: Log(sink: .none)
        )
        return try await service.entry(named: name).path
    }
}
