import Foundation
import Gateway
import ModelService
import Testing
import WorkerProtocol

@testable import Daemon

@Suite struct ConfigurationTests {
    private let paths = StandardPaths(variables: ["HOME": "/ho" + "me/u"], isRoot: false)

    private func parse(_ text: String) throws -> DaemonSettings {
        try ConfigurationFile.parse(Array(text.utf8), source: "torii.json")
    }

    private func problem(_ text: String) -> String {
        do {
            return "no problem: \(try parse(text))"
        } catch {
            return "\(error)"
        }
    }

    private func check(
        flags: [DaemonSetting: [String]] = [:],
        variables: [String: String] = [:],
        file: String = "{}",
        inheritsSockets: Bool = false
    ) throws -> DaemonConfiguration {
        var fromFlags = DaemonSettings()
        var fromVariables = DaemonSettings()
        for (setting, values) in flags {
            try setting.apply(values, from: setting.flag, to: &fromFlags)
        }
        for setting in DaemonSetting.allCases {
            if let value = variables[setting.variable] {
                try setting.apply([value], from: setting.variable, to: &fromVariables)
            }
        }
        let sources = ConfigurationSources(
            flags: fromFlags,
            variables: fromVariables,
            file: try parse(file),
            paths: paths
        )
        return try DaemonConfiguration(checking: sources, inheritsSockets: inheritsSockets)
    }

    private func problems(
        flags: [DaemonSetting: [String]] = [:],
        variables: [String: String] = [:],
        file: String = "{}"
    ) -> String {
        do {
            return "no problem: \(try check(flags: flags, variables: variables, file: file))"
        } catch {
            return "\(error)"
        }
    }

    @Test func `reads JSON5 with comments, bare keys and trailing commas`() throws {
        let settings = try parse(
            """
            // how the daemon runs
            {
                listen: ['127.0.0.1:8080',],
                "log_level": "debug", /* loud */
                models: {
                    directories: ["/srv/models"],
                    defaults: { context: 0x1000 },
                    entries: { tiny: { aliases: ["small"], threads: 2, }, },
                },
            }
            """
        )
        #expect(settings.listen == ["127.0.0.1:8080"])
        #expect(settings.logLevel == "debug")
        #expect(settings.models.defaults?.context == 4096)
        #expect(settings.models.entries?["tiny"]?.aliases == ["small"])
    }

    @Test(arguments: [
        ("{lisen: []}", "torii.json: line 1: lisen: unknown key; did you mean `listen`?"),
        (
            "{models: {entries: {tiny: {colour: 1}}}}",
            "torii.json: line 1: models.entries.tiny.colour: unknown key; known here: adapters, "
                + "aliases, context, threads, parallel, quantize, speculation, weight, pin, preload, "
                + "kv_bytes, kv_type, queue_requests, "
                + "queue_requests_per_key, queue_tokens, queue_tokens_per_key, queue_timeout, "
                + "keep_alive, variant_of, temperature, system, top_p, top_k, min_p, repeat_penalty, "
                + "max_tokens"
        ),
        (
            "{models: {defaults: {threads: 1.5}}}",
            "torii.json: line 1: models.defaults.threads: must be a whole number from 1 to 1024"
        ),
        (
            "{models: {defaults: {context: 5}}}",
            "torii.json: line 1: models.defaults.context: must be a whole number from 16 to 16777216"
        ),
        (
            "{models: {entries: {tiny: {kv_type: 'q4'}}}}",
            "torii.json: line 1: models.entries.tiny.kv_type: must be f16 or q8 or q8-values"
        ),
        (
            "{models: {entries: {tiny: {quantize: 'Q2_K'}}}}",
            "torii.json: line 1: models.entries.tiny.quantize: must be Q8_0, Q6_K or Q4_K"
        ),
        (
            "{models: {memory: 'much'}}",
            "torii.json: line 1: models.memory: must be a size like 12GiB, or a part of the machine's "
                + "memory like 80%"
        ),
        (
            "{models: {defaults: {keep_alive: 'soon'}}}",
            "torii.json: line 1: models.defaults.keep_alive: must be seconds, or a duration like \"5m\" or "
                + "\"1h30m\"; -1 means for ever"
        ),
        (
            "{models: {defaults: {temperature: 3}}}",
            "torii.json: line 1: models.defaults.temperature: must be a number from 0.0 to 2.0"
        ),
        ("{listen: '127.0.0.1'}", "torii.json: line 1: listen: must be a list like [ … ]"),
        ("{allow_anonymous: 1}", "torii.json: line 1: allow_anonymous: must be true or false"),
        ("[]", "torii.json: must be an object like { … }"),
        ("{\n  listen: ['a'\n}", "torii.json: line 3, column 1: expected `,` or `]`"),
        ("{\n  listen: [", "torii.json: line 2, column 11: this `[` is never closed"),
        ("{a: 'b}", "torii.json: line 1, column 5: this text is never closed"),
        ("{a: bare}", "torii.json: line 1, column 9: expected a value"),
        ("{} {}", "torii.json: line 1, column 4: nothing may follow the last `}`"),
        ("", "torii.json: line 1, column 1: the text ends too early"),
        ("/* open", "torii.json: line 1, column 1: this comment is never closed"),
        ("{a 1}", "torii.json: line 1, column 4: expected `:` after the key"),
    ])
    func `names what is wrong with a file`(text: String, message: String) {
        #expect(problem(text) == message)
    }

    @Test func `refuses text nested without end`() {
        let text = String(repeating: "[", count: 100_000)
        #expect(problem(text).hasSuffix("nested too deeply"))
    }

    @Test func `lets flags win over variables and variables over the file`() throws {
        let file = "{listen: ['127.0.0.1:1'], log_level: 'error', drain_timeout: 5}"
        let variables = ["TORII_LISTEN": "127.0.0.1:2", "TORII_LOG_LEVEL": "debug"]
        let configuration = try check(
            flags: [.listen: ["127.0.0.1:3", "[::1]:3"]],
            variables: variables,
            file: file
        )
        #expect(configuration.listen.map(\.description) == ["127.0.0.1:3", "[::1]:3"])
        #expect(configuration.logLevel == .debug)
        #expect(configuration.drainTimeout == .seconds(5))
    }

    @Test func `listens on loopback and the standard socket when nobody says otherwise`() throws {
        let configuration = try check()
        #expect(configuration.listen.map(\.description) == ["127.0.0.1:11435"])
        #expect(configuration.modelDirectories == ["/ho" + "me/u/.local/share/torii/models"])
        #expect(configuration.standardSocket == nil)
        let inherited = try check(inheritsSockets: true)
        #expect(inherited.listen.isEmpty)
    }

    @Test func `refuses other machines without a key`() {
        let message = problems(flags: [.listen: ["0.0.0.0:80"]])
        #expect(message.hasPrefix("--listen: 0.0.0.0:80 can be reached from other machines"))
        let allowed = problems(flags: [.listen: ["0.0.0.0:80"], .allowAnonymous: ["true"]])
        #expect(allowed.hasPrefix("no problem"))
    }

    @Test func `locks workers in unless told otherwise, and tells them how`() throws {
        #expect(try check().workerSandbox == .available)
        let strict = try check(
            flags: [.workerTimeout: ["7"]],
            variables: ["TORII_WORKER_SANDBOX": "required"],
            file: "{worker_sandbox: 'off', worker_timeout: 5}"
        )
        let service = strict.modelService(variables: [:])
        #expect(service.workerArguments == ["worker", "--sandbox", "required"])
        #expect(service.limits.heartbeatTimeout == .seconds(7))
        #expect(
            problems(flags: [.workerSandbox: ["maybe"]])
                == "--worker-sandbox: maybe is not one of required, available, off"
        )
    }

    @Test func `names the source of a bad value`() {
        #expect(
            problems(flags: [.logLevel: ["loud"]])
                == "--log-level: loud is not one of error, warning, info, debug"
        )
        #expect(problems(variables: ["TORII_LOG_LEVEL": "loud"]).hasPrefix("TORII_LOG_LEVEL: loud"))
        #expect(problems(file: "{log_level: 'loud'}").hasPrefix("torii.json: log_level: loud"))
        #expect(
            problems(variables: ["TORII_CONTEXT": "much"])
                == "TORII_CONTEXT: must be a whole number from 16 to 16777216, not much"
        )
        #expect(problems(file: "{models: {directories: ['/nowhere']}}").hasSuffix("/nowhere"))
    }

    @Test func `reports all problems at once`() {
        let text = problems(file: "{log_level: 'loud', listen: ['nonsense']}")
        #expect(text.split(separator: "\n").count == 2)
    }

    @Test func `refuses a name that two models claim`() {
        let text = problems(file: "{models: {entries: {a: {aliases: ['x']}, b: {aliases: ['X']}}}}")
        #expect(text == "torii.json: models.entries.b.aliases: `X` already belongs to a")
    }

    @Test(arguments: [
        ("2GiB", 2 << 30), ("512M", 512 << 20), ("1048576", 1 << 20), ("1 TiB", 1 << 40),
    ])
    func `reads sizes with units`(text: String, byteCount: Int) throws {
        let configuration = try check(flags: [.kvBytes: [text]])
        #expect(configuration.modelDefaults.kvByteCount == byteCount)
    }

    @Test func `reads how much may wait for a model from every source`() throws {
        let configuration = try check(
            flags: [.queueRequests: ["9"], .speculation: ["off"]],
            variables: ["TORII_QUEUE_TOKENS_PER_KEY": "1000", "TORII_KV_TYPE": "q8"],
            file: """
                {models: {
                    defaults: {queue_requests: 5, queue_requests_per_key: 3, queue_timeout: 60},
                    entries: {tiny: {queue_tokens: 7, kv_type: "f16"}},
                }}
                """
        )
        let defaults = configuration.modelDefaults
        #expect(
            defaults.queue
                == QueueSettings(
                    requestCount: 9,
                    requestCountPerKey: 3,
                    tokenCountPerKey: 1000,
                    timeout: .seconds(60)
                )
        )
        #expect(defaults.kvType == .q8 && defaults.speculation == .off)
        let tiny = try #require(configuration.models["tiny"])
        #expect(tiny.queue.tokenCount == 7 && tiny.kvType == .f16 && tiny.speculation == nil)
        #expect(
            problems(flags: [.kvType: ["q4"]])
                == "--kv-type: must be f16 or q8 or q8-values, not q4"
        )
    }

    @Test func `reads who has memory, and for how long, from every source`() throws {
        let configuration = try check(
            flags: [.memory: ["80%"], .preload: ["tiny", "other"]],
            variables: ["TORII_KEEP_ALIVE": "1h30m", "TORII_MIN_RESIDENCE": "0"],
            file: """
                {models: {
                    memory: 1073741824, swap_max_wait: 7, min_residence: 9,
                    defaults: {keep_alive: 60},
                    entries: {tiny: {keep_alive: -1, pin: true, preload: true, weight: 2.5}},
                }}
                """
        )
        #expect(configuration.memory == .percent(80))
        #expect(configuration.memory?.byteCount(ofTotal: 1000) == 800)
        #expect(configuration.residency.maximumSwapWait == .seconds(7))
        #expect(configuration.residency.minimumResidence == .zero)
        #expect(configuration.preload == ["tiny", "other"])
        #expect(configuration.modelDefaults.keepAlive == .duration(.seconds(5400)))
        let tiny = try #require(configuration.models["tiny"])
        #expect(tiny.keepAlive == .forever && tiny.isPinned == true && tiny.isPreloaded == true)
        #expect(tiny.computeWeight == 2.5 && configuration.modelDefaults.computeWeight == nil)
        let service = configuration.modelService(variables: [:])
        #expect(service.limits.residency == configuration.residency)
        #expect(service.preloaded == ["tiny", "other"] && (service.memoryByteCount ?? 0) > 0)
    }

    @Test func `keeps packed weights where caches are, as many as are wanted`() throws {
        let standard = try check()
        #expect(standard.weightCacheByteCount == 16 << 30)
        #expect(standard.weightCacheDirectory.hasSuffix("/torii/weights"))
        #expect(standard.modelService(variables: [:]).weightCache?.capacity == 16 << 30)
        let small = try check(file: "{models: {weight_cache: '64 MiB'}}")
        #expect(small.weightCacheByteCount == 64 << 20)
        #expect(try check(file: "{models: {weight_cache: 1000}}").weightCacheByteCount == 1000)
        let none = try check(flags: [.weightCache: ["0"]])
        #expect(none.modelService(variables: [:]).weightCache == nil)
        #expect(
            problems(flags: [.weightCache: ["much"]])
                == "--weight-cache: must be a size like 16GiB, or 0 to keep none, not much"
        )
    }

    @Test(arguments: [
        ("12GiB", MemoryBudget.bytes(12 << 30)), ("67108864", .bytes(64 << 20)),
        ("100%", .percent(100)), ("0%", nil), ("101%", nil), ("1.5GiB", nil), ("1MiB", nil),
        ("-1GiB", nil), ("%", nil), ("", nil), ("9000000TiB", nil),
    ])
    func `reads a memory budget`(text: String, budget: MemoryBudget?) {
        #expect(MemoryBudget(text) == budget)
    }

    @Test func `reads variants and what requests say where they say nothing`() throws {
        let configuration = try check(
            file: """
                {models: {
                    defaults: {temperature: 0.5, top_k: -1},
                    entries: {
                        poet: {
                            variant_of: "tiny", aliases: ["bard"], temperature: 1.5, top_p: 0.5,
                            min_p: 0.25, repeat_penalty: 1.25, max_tokens: 9, system: "In verse.",
                        },
                    },
                }}
                """
        )
        let poet = try #require(configuration.models["poet"])
        #expect(poet.variantOf == "tiny" && poet.aliases == ["bard"])
        var requests = poet.requests.completed(by: configuration.modelDefaults.requests)
        #expect(requests.temperature == 1.5 && requests.topP == 0.5 && requests.topK == -1)
        #expect(requests.minP == 0.25 && requests.repeatPenalty == 1.25)
        #expect(requests.maximumOutputTokens == 9 && requests.system == "In verse.")
        requests = configuration.modelDefaults.requests
        #expect(requests.temperature == 0.5 && requests.system == nil)
    }

    @Test(arguments: [
        (
            "entries: {a: {variant_of: 'm', context: 64}}",
            "torii.json: models.entries.a: a variant shares the process of m, so only that can be "
                + "given context, threads, keep_alive, adapters and the like"
        ),
        (
            "entries: {a: {variant_of: 'm'}, b: {variant_of: 'a'}}",
            "torii.json: models.entries.b.variant_of: `a` is a variant itself; name the model"
        ),
        (
            "defaults: {variant_of: 'm'}",
            "torii.json: models.defaults.variant_of: belongs to a model of `entries`"
        ),
    ])
    func `refuses variants that cannot be`(models: String, message: String) {
        #expect(problems(file: "{models: {\(models)}}") == message)
    }

    @Test func `gives every setting its own flag, variable and key`() {
        let settings = DaemonSetting.allCases
        #expect(Set(settings.map(\.flag)).count == settings.count)
        #expect(Set(settings.map(\.variable)).count == settings.count)
        #expect(Set(settings.map(\.key)).count == settings.count)
        #expect(DaemonSetting.apiKeyFile.flag == "--api-key-file")
        #expect(DaemonSetting.kvBytes.variable == "TORII_KV_BYTES")
    }

    @Test func `takes systemd's directories before all others`() {
        let variables = [
            "STATE_DIRECTORY": "/var/lib/torii", "CONFIGURATION_DIRECTORY": "/etc/torii",
            "RUNTIME_DIRECTORY": "/run/torii:/run/more", "HOME": "/nonexistent",
        ]
        let service = StandardPaths(variables: variables, isRoot: false)
        #expect(service.configurationFile == "/etc/torii/torii.json")
        #expect(service.modelDirectory == "/var/lib/torii/models")
        #expect(service.socket == "/run/torii/torii.sock")
        #expect(service.weightCache == "/var/cache/torii/weights")
        let user = StandardPaths(
            variables: ["HOME": "/h", "XDG_CONFIG_HOME": "/c", "XDG_RUNTIME_DIR": "/run/user/1"],
            isRoot: false
        )
        #expect(user.configurationFile == "/c/torii/torii.json")
        #expect(user.socket == "/run/user/1/torii/torii.sock")
    }
}
