import Inference
import Transformers
import WorkerProtocol

/// The adapters that come with a model: first what they take, then, once that is allowed, themselves.
///
/// One that does not fit is left out, and says why.
struct LoadedAdapters {
    private var files: [(file: AdapterFile, plan: Result<AdapterPlan, GenerationFailure>)] = []

    /// Plans the adapters of `files` for a model.
    init(_ files: [AdapterFile], for targets: AdapterTargets) {
        for file in files {
            let plan = Result { () throws(GenerationFailure) in try file.plan(for: targets) }
            self.files.append((file, plan))
        }
    }

    /// Whether any can be loaded.
    var isEmpty: Bool { files.allSatisfy { (try? $0.plan.get()) == nil } }

    /// Bytes of those that can be.
    var byteCount: Int {
        files.reduce(0) { $0 + ((try? $1.plan.get().byteCount) ?? 0) }
    }

    /// One adapter, or why there is none.
    struct Outcome {
        let facts: AdapterFacts
        let adapter: Result<AttachedAdapter, GenerationFailure>
    }

    /// Reads the factors of all.
    ///
    /// - Parameter release: Called with an adapter's bytes when nobody uses it any more.
    /// - Returns: One outcome for each file, numbered from 1.
    func load(release: @escaping @Sendable (Int) -> Void) -> [Outcome] {
        files.enumerated().map { index, file in
            var facts = AdapterFacts(name: file.file.source.name)
            do throws(GenerationFailure) {
                let plan = try file.plan.get()
                let byteCount = plan.byteCount
                let adapter = try file.file.load(plan, number: UInt64(index) + 1) {
                    release(byteCount)
                }
                facts.byteCount = byteCount
                facts.rank = plan.rank
                return Outcome(facts: facts, adapter: .success(adapter))
            } catch {
                facts.problem = error.message
                return Outcome(facts: facts, adapter: .failure(error))
            }
        }
    }
}
