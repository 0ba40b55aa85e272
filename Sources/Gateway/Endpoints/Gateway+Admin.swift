import JSON
import ModelService
import OpenAIAPI
import Platform
import Telemetry
import WorkerProtocol

// What operators and the command line ask for.
extension Gateway {
    /// `GET /admin/v1/status`.
    func adminStatus() async -> Reply {
        let uptime = MonotonicInstant.now().duration(since: started)
        return .json([
            "version": .string(configuration.version),
            "uptime_seconds": .integer(Int(uptime.components.seconds)),
            "ready": .bool(isReady),
            "requests": [
                "total": .integer(metrics.requests.total),
                "cancelled_total": .integer(metrics.cancelled.total),
                "rejected_total": .integer(metrics.rejected.total),
            ],
            "memory": Self.memoryObject(service.memory, room: await service.room()),
            "log_prompts": prompts.map { .string($0.path) } ?? nil,
            "worker_groups": service.workerGroupDirectory.map { .string($0) } ?? nil,
            "models": .array(await service.status().map { Self.modelObject($0) }),
        ])
    }

    /// `GET /admin/v1/models`.
    func adminModels() async -> Reply {
        .json(["models": .array(await service.status().map { Self.modelObject($0) })])
    }

    /// `GET /admin/v1/models/{id}`.
    func adminModel(_ id: String) async throws(APIError) -> Reply {
        .json(Self.modelObject(try await modelStatus(id)))
    }

    private static func memoryObject(_ memory: MemoryLedger, room: MemoryRoom) -> JSONValue {
        [
            "capacity_byte_count": .integer(memory.capacity),
            "reserved_byte_count": .integer(memory.reservedByteCount),
            "granted_byte_count": .integer(memory.grantedByteCount),
            "free_byte_count": .integer(memory.freeByteCount),
            "room_byte_count": .integer(max(0, room.byteCount)),
            "limit": .string(room.limit == .budget ? "budget" : "machine"),
        ]
    }

    static func modelObject(_ status: ModelStatus) -> JSONValue {
        var progress: JSONValue = nil
        var message: JSONValue = nil
        var retryAfter: JSONValue = nil
        switch status.state {
        case .loading(let fraction): progress = .double(fraction)
        case .failed(let text, let pause):
            message = .string(text)
            retryAfter = .integer(Int(pause.components.seconds))
        case .unloaded:
            if let problem = status.problem { message = .string(problem) }
        case .waiting, .resident, .draining: break
        }
        return [
            "id": .string(status.entry.id),
            "aliases": .array(status.entry.aliases.map { .string($0) }),
            "variant_of": status.entry.variantOf.map { .string($0) } ?? nil,
            "adapter": status.adapter.map {
                adapterObject($0, model: status.entry.variantOf ?? status.entry.id)
            } ?? nil,
            "adapters": .array(
                status.entry.adapters.map { .string("\(status.entry.id):\($0.setting.name)") }
            ),
            "path": .string(status.entry.adapter?.setting.path ?? status.entry.path),
            "byte_count": .integer(status.entry.byteCount),
            "state": .string(status.state.name),
            "progress": progress,
            "message": message,
            "retry_after_seconds": retryAfter,
            "running": .integer(status.worker?.runningCount ?? 0),
            "waiting": .integer((status.worker?.waitingCount ?? 0) + status.waitingCount),
            "leases": .integer(status.leaseCount),
            "since": status.since.map { .integer($0) } ?? nil,
            "last_used": status.lastUsed.map { .integer($0) } ?? nil,
            "pid": status.pid.map { .integer(Int($0)) } ?? nil,
            "trouble": status.trouble.map { .string($0) } ?? nil,
            "pinned": .bool(status.isPinned),
            "expires": status.expires.map { .integer($0) } ?? nil,
            "load_seconds": status.reload.map { .double($0 / .seconds(1)) } ?? nil,
            "counts": [
                "loads": .integer(status.totals.loads[.ok] ?? 0),
                "failed_loads": .integer(status.totals.loads[.failed] ?? 0),
                "evictions": .integer(status.totals.evictionCount),
                "crashes": .integer(status.totals.crashCount),
            ],
            "last_failure": status.lastFailure.map { .string($0) } ?? nil,
            "log_tail": .array(status.logTail.map { .string($0) }),
            "memory": status.memory.map { memoryObject($0) } ?? nil,
            "worker": status.worker.map { workerObject($0) } ?? nil,
            "facts": status.facts.map { factsObject($0) } ?? nil,
        ]
    }

    private static func memoryObject(_ memory: ModelStatus.Memory) -> JSONValue {
        [
            "planned_byte_count": .integer(memory.need.byteCount),
            "weight_byte_count": .integer(memory.need.footprint.weightByteCount),
            "scratch_byte_count": .integer(memory.need.footprint.scratchByteCount),
            "adapter_byte_count": .integer(memory.need.footprint.adapterByteCount),
            "kept_kv_byte_count": .integer(memory.need.footprint.keptKVByteCount),
            "overhead_byte_count": .integer(memory.need.overheadByteCount),
            "held_byte_count": .integer(memory.heldByteCount),
            "resident_byte_count": memory.residentByteCount.map { .integer($0) } ?? nil,
        ]
    }

    private static func workerObject(_ worker: WorkerStatus) -> JSONValue {
        [
            "waiting_tokens": .integer(worker.waitingTokenCount),
            "kv_blocks_in_use": .integer(worker.kvBlocksInUse),
            "kv_blocks_cached": .integer(worker.kvBlocksCached),
            "kv_block_count": .integer(worker.kvBlockCount),
            "prompt_token_total": .integer(worker.promptTokenTotal),
            "output_token_total": .integer(worker.outputTokenTotal),
            "step_total": .integer(worker.stepTotal),
            "preemption_total": .integer(worker.preemptionTotal),
            "cached_token_total": .integer(worker.cachedTokenTotal),
            "draft_token_total": .integer(worker.draftTokenTotal),
            "accepted_draft_token_total": .integer(worker.acceptedDraftTokenTotal),
            "looked_up_token_total": .integer(worker.lookedUpTokenTotal),
            "busy_millisecond_total": .integer(worker.busyNanosecondTotal / 1_000_000),
        ]
    }

    private static func factsObject(_ facts: ModelFacts) -> JSONValue {
        [
            "architecture": .string(facts.architecture),
            "name": .string(facts.name),
            "tasks": .array(facts.tasks.map { .string($0.name) }),
            "pooling": facts.pooling.map { .string($0) } ?? nil,
            "parameter_count": .integer(facts.parameterCount),
            "quantization": .string(facts.quantization),
            "context_length": .integer(facts.contextLength),
            "trained_context_length": .integer(facts.trainedContextLength),
            "vocabulary_size": .integer(facts.vocabularySize),
            "embedding_length": .integer(facts.embeddingLength),
            "layer_count": .integer(facts.layerCount),
            "weight_byte_count": .integer(facts.weightByteCount),
            "kv_bytes_per_token": .integer(facts.kvBytesPerToken),
            "kv_capacity_tokens": .integer(facts.kvCapacityTokens),
            "maximum_sequence_count": .integer(facts.maximumSequenceCount),
            "thread_count": .integer(facts.threadCount),
            "instruction_set": .string(facts.instructionSet),
            "sandbox": .string(facts.sandbox),
            "template_capabilities": .array(facts.templateCapabilities.map { .string($0) }),
            "license": facts.license.map { .string($0) } ?? nil,
            "chat_template": facts.chatTemplate.map { .string($0) } ?? nil,
            "beginning_token": facts.beginningTokenText.map { .string($0) } ?? nil,
            "end_token": facts.endTokenText.map { .string($0) } ?? nil,
        ]
    }
}

extension ModelStatus.State {
    /// The word that `torii ps` and metrics show.
    var name: String {
        switch self {
        case .unloaded: "unloaded"
        case .waiting: "waiting"
        case .loading: "loading"
        case .resident: "resident"
        case .draining: "draining"
        case .failed: "failed"
        }
    }
}
