import JSON
import Testing

@testable import Commands

@Suite struct ModelObjectTests {
    private let resident = ModelObject(json: [
        "id": "tiny", "aliases": ["small"], "path": "/m/tiny.gguf", "byte_count": 98_303_456,
        "state": "resident", "running": 2, "waiting": 0, "pid": 42, "last_used": 1000,
        "pinned": false, "expires": 1300, "leases": 0, "load_seconds": 0.44,
        "counts": ["loads": 3, "failed_loads": 0, "evictions": 1, "crashes": 0],
        "memory": [
            "planned_byte_count": 209_715_200, "held_byte_count": 220_200_960,
            "resident_byte_count": 157_286_400,
        ],
        "facts": [
            "architecture": "llama", "parameter_count": 134_515_008, "context_length": 2048,
            "weight_byte_count": 98_303_456, "chat_template": "{{ messages }}",
        ],
        "worker": [
            "kv_blocks_in_use": 1, "kv_block_count": 8, "cached_token_total": 300,
            "prompt_token_total": 700, "draft_token_total": 0, "accepted_draft_token_total": 0,
        ],
    ])

    @Test func `lists models`() {
        let unknown = ModelObject(json: ["id": "other"])
        let lines = ListCommand.table([resident, unknown]).split(separator: "\n")
        #expect(lines[1] == "tiny   93.7 MiB  resident  small")
        #expect(lines[2].hasPrefix("other         -  -"))
    }

    @Test func `names in one line each what is wrong with models in the list`() {
        let models = [
            ("x", "architecture 'x' is not supported yet; supported: a, b"),
            ("y", "y.gguf: ends too early: a. Fetch it"),
        ].map { id, message in
            ModelObject(json: ["id": .string(id), "message": .string(message)])
        }
        let text = ListCommand.table([resident] + models)
        #expect(
            text.hasSuffix(
                """

                x: architecture 'x' is not supported yet
                y: y.gguf: ends too early: a
                `torii show NAME` says more.

                """
            )
        )
    }

    @Test func `shows what resident models do`() {
        let lines = ResidentCommand.table([resident], now: 1060).split(separator: "\n")
        #expect(lines[1].hasPrefix("tiny  resident  200 MiB  210 MiB   150 MiB     2048"))
        #expect(lines[1].hasSuffix("  13 %  in 4 min  60 s ago"))
    }

    private static let departures: [(JSONValue, String)] = [
        (["state": "resident", "pinned": true, "expires": 5], "pinned"),
        (["state": "resident", "leases": 1], "in use"), (["state": "resident"], "for ever"),
        (["state": "loading"], "in use"), (["state": "draining"], "leaving"),
        (["state": "failed", "retry_after_seconds": 8], "retry in 8 s"),
        (["state": "unloaded"], "-"),
    ]

    @Test func `tells files that cannot be served from those that nobody has asked for`() {
        #expect(ModelObject(json: ["state": "unloaded"]).state == "unloaded")
        let broken: JSONValue = ["state": "unloaded", "message": "no header"]
        #expect(ModelObject(json: broken).state == "unservable")
        let failed: JSONValue = ["state": "failed", "message": "killed"]
        #expect(ModelObject(json: failed).state == "failed")
    }

    @Test(arguments: departures)
    func `says when a model goes`(json: JSONValue, text: String) {
        #expect(ModelObject(json: json).departure(now: 1000) == text)
    }

    @Test func `shows the daemon's memory, its requests and what happened to models`() {
        let failed: JSONValue = [
            "id": "bad", "state": "failed", "message": "bad magic", "memory": nil,
            "counts": ["loads": 0, "failed_loads": 2, "evictions": 0, "crashes": 0],
        ]
        let text = StatusCommand.text([
            "version": "1.2.3", "uptime_seconds": 12_000, "ready": true,
            "requests": ["total": 9, "cancelled_total": 3, "rejected_total": 4],
            "memory": [
                "capacity_byte_count": .integer(4 << 30), "reserved_byte_count": .integer(1 << 30),
                "granted_byte_count": .integer(512 << 20), "free_byte_count": .integer(5 << 29),
                "room_byte_count": .integer(2 << 30), "limit": "machine",
            ],
            "models": [resident.json, failed, ["id": "other", "state": "unloaded"]],
        ])
        #expect(text.contains("1.50 GiB of 4.00 GiB held: 1.00 GiB planned, 512 MiB for further"))
        #expect(text.contains("2.00 GiB for further models, bounded by the machine"))
        #expect(text.contains("3, of which 1 in memory"))
        #expect(text.contains("2 running, 0 waiting; 3 cancelled, 4 refused so far"))
        #expect(text.contains("tiny  resident  loaded 3×, evicted 1×, last load took 0.4 s\n"))
        #expect(text.contains("bad   failed    failed 2×\n"))
        #expect(text.hasSuffix("\nbad: bad magic\n"))
        #expect(!text.contains("other"))
    }

    @Test(arguments: [
        ("fits", "It fits.\n"), ("resident", "tiny is in memory, or on its way there.\n"),
        (
            "evict",
            "It fits once these idle models have gone:\n  old: 1.00 GiB, idle for 4 min, 1.5 s to "
                + "load again\n"
        ),
        (
            "eviction_not_allowed",
            "It does not fit unless these models may go (leave out --no-evict):\n  old: 1.00 GiB, "
                + "idle for 4 min, 1.5 s to load again\n"
        ),
        (
            "never_fits",
            "It does not fit: 2.00 GiB are missing even without every model that is not pinned. Unpin "
                + "one, use a smaller --context, or raise models.memory.\n"
        ),
    ])
    func `shows a plan, its verdict and who goes`(outcome: String, verdict: String) {
        let text = PlanCommand.text([
            "model": "tiny", "outcome": .string(outcome), "context": 2048,
            "needed_bytes": .integer(3 << 30), "weight_bytes": .integer(2 << 30),
            "scratch_bytes": .integer(256 << 20), "kv_bytes": .integer(512 << 20),
            "overhead_bytes": .integer(256 << 20), "maximum_kv_bytes": .integer(1 << 30),
            "available_bytes": .integer(1 << 30), "limit": "budget", "leaving_bytes": 0,
            "missing_bytes": .integer(2 << 30),
            "evict": [
                [
                    "model": "old", "bytes": .integer(1 << 30), "idle_seconds": 250.0,
                    "reload_seconds": 1.5,
                ]
            ],
        ])
        #expect(text.contains("weights          2.00 GiB\n"))
        #expect(text.contains("of one request of 2048 tokens; up to 1.00 GiB where granted"))
        #expect(text.contains("available        1.00 GiB  of the memory budget\n"))
        #expect(text.hasSuffix("\n\n" + verdict))
    }

    @Test func `says that a model must be unloaded before it is loaded otherwise`() {
        let text = PlanCommand.text(["model": "tiny", "outcome": "fits", "unload_first": true])
        #expect(text.hasSuffix("`torii unload tiny` first.\nIt fits.\n"))
    }

    @Test func `says in one line what became of a load and of an unload`() {
        let loaded: JSONValue = ["model": resident.json, "load_seconds": 0.44]
        #expect(LoadCommand.summary(loaded) == "tiny is in memory (210 MiB) after 0.4 s")
        let begun: JSONValue = ["model": ["id": "tiny", "state": "loading"]]
        #expect(LoadCommand.summary(begun).hasPrefix("tiny is being loaded;"))
        let gone: JSONValue = ["model": ["id": "tiny", "state": "unloaded"]]
        #expect(UnloadCommand.summary(gone) == "tiny is not in memory")
        #expect(
            LoadProgress.text(ModelObject(json: ["id": "a", "state": "waiting"]))
                == "a: waiting for memory"
        )
    }

    @Test func `shows the progress of a load`() {
        let loading = ModelObject(json: ["id": "a", "state": "loading", "progress": 0.25])
        #expect(loading.state == "loading 25 %")
    }

    @Test func `shows one model's facts, and why they are missing`() {
        #expect(ShowCommand.text(resident).contains("135 M"))
        let absent = ModelObject(json: ["id": "a", "state": "failed", "message": "bad magic"])
        #expect(ShowCommand.text(absent).contains("bad magic"))
        #expect(ShowCommand.text(absent).contains("`torii run a hello`"))
    }
}
