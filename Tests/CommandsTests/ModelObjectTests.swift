import JSON
import Testing

@testable import Commands

@Suite struct ModelObjectTests {
    private let resident = ModelObject(json: [
        "id": "tiny", "aliases": ["small"], "path": "/m/tiny.gguf", "byte_count": 98_303_456,
        "state": "resident", "running": 2, "waiting": 0, "pid": 42, "last_used": 1000,
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

    @Test func `shows what resident models do`() {
        let lines = ResidentCommand.table([resident], now: 1060).split(separator: "\n")
        #expect(lines[1].contains("93.7 MiB"))
        #expect(lines[1].contains("  13 %    30 %        -   42"))
        #expect(lines[1].hasSuffix("60 s ago"))
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
