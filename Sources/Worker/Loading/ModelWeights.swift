import ModelFiles
import Platform
import Transformers
import WorkerProtocol

/// The packed weights that another worker may have left for a model.
struct OpenedWeightCache {
    /// Says which model's they are, in which state of its files.
    let identity: String
    /// What was left, as far as it is of use.
    let weights: CachedWeights?
    /// Why what was left is of no use.
    let problem: CachedWeights.Problem?

    /// Opens what the options name, for the model of `file`.
    init(_ options: WorkerLoadOptions, _ file: GGUFFile) {
        identity = "\(file.identity) \(options.weightType?.name ?? "as stored")"
        guard let descriptor = options.cachedWeights else {
            (weights, problem) = (nil, nil)
            return
        }
        do throws(CachedWeights.Problem) {
            weights = try CachedWeights(owning: descriptor, identity: identity)
            problem = nil
        } catch {
            (weights, problem) = (nil, error)
        }
    }
}

/// The packed weights of a loaded model, to be kept for the next worker.
struct ModelWeights: Sendable {
    /// All matrices.
    let matrices: [PackedWeight]
    /// Says which model's they are, in which state of its files.
    let identity: String
    /// Whether another worker had left them all.
    let wereCached: Bool
    /// Why what another one had left was of no use.
    let problem: CachedWeights.Problem?

    init(_ transformer: Transformer, _ cache: OpenedWeightCache) {
        matrices = transformer.matrices
        identity = cache.identity
        switch transformer.source {
        case .cache:
            wereCached = true
            problem = nil
        case .file(let found):
            wereCached = false
            problem = cache.problem ?? found
        }
    }

    /// Writes them to a file on a thread of its own, slowly: requests come first, and the disk may be
    /// needed.
    ///
    /// - Parameters:
    ///   - descriptor: Open for writing, of an empty file; it is closed.
    ///   - report: Called on the thread when the file is whole, or with what went wrong.
    /// - Throws: That there is no thread to be had.
    func keep(
        in descriptor: Int32,
        report: @escaping @Sendable (Result<Void, SystemError>) -> Void
    ) throws(SystemError) {
        let alarm = try WakeUp()
        // Never joined: it ends with the process at the latest.
        _ = try DedicatedThread(name: "weight-cache") {
            do throws(SystemError) {
                try CachedWeightsWriter.write(
                    matrices,
                    identity: identity,
                    owning: descriptor
                ) {
                    // Nobody signals it.
                    alarm.wait(until: .now().advanced(by: Self.pause))
                }
                report(.success(()))
            } catch {
                report(.failure(error))
            }
        }
    }

    /// Between two mebibytes: some 200 MB a second at most.
    private static let pause = Duration.milliseconds(4)
}
