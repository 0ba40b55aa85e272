import APIKeys
import HTTP
import JSON
import ModelService
import OpenAIAPI
import Telemetry
import WorkerProtocol

// The endpoints that generate text.
extension Gateway {
    /// `POST /v1/chat/completions`.
    func chatCompletions(
        _ request: HTTPRequest,
        _ key: APIKey?,
        _ record: inout RequestRecord
    ) async throws(APIError) -> Answer {
        let body = try json(request)
        let defaults = await service.requestDefaults(for: body["model"]?.stringValue)
        var parsed = try ChatCompletionRequest.parse(defaults.completing(body))
        parsed.conversation = defaults.completing(parsed.conversation)
        let format = ChatAnswerFormat(
            response: ChatCompletionResponse(
                identity: identity("chatcmpl-", model: parsed.model),
                showsLogprobs: parsed.topLogprobCount != nil,
                usesFunctions: parsed.usesFunctions
            )
        )
        return try await generate(
            parsed.generations(),
            parsed.options,
            for: request,
            account: account(request, key, user: parsed.options.user),
            model: parsed.model,
            format: format,
            ignored: parsed.ignoredParameters,
            &record
        )
    }

    /// `POST /v1/completions`.
    func completions(
        _ request: HTTPRequest,
        _ key: APIKey?,
        _ record: inout RequestRecord
    ) async throws(APIError) -> Answer {
        let body = try json(request)
        let defaults = await service.requestDefaults(for: body["model"]?.stringValue)
        let parsed = try CompletionRequest.parse(defaults.completing(body))
        let format = TextAnswerFormat(
            response: CompletionResponse(
                identity: identity("cmpl-", model: parsed.model),
                showsLogprobs: parsed.topLogprobCount != nil
            ),
            echoesPrompt: parsed.echo
        )
        return try await generate(
            parsed.generations(),
            parsed.options,
            best: parsed.bestChoices,
            for: request,
            account: account(request, key, user: parsed.options.user),
            model: parsed.model,
            format: format,
            ignored: parsed.ignoredParameters,
            &record
        )
    }

    /// Who pays for the request.
    ///
    /// Open WebUI names its user in a header, for all its users share one key; other clients do it
    /// in the body.
    func account(_ request: HTTPRequest, _ key: APIKey?, user: String?) -> GenerationAccount {
        let user = request.headers[first: "x-openwebui-user-id"] ?? user ?? ""
        let prefix = user.utf8.prefix(configuration.limits.maximumUserNameByteCount)
        return GenerationAccount(key, user: String(decoding: prefix, as: UTF8.self))
    }

    private func identity(_ prefix: String, model: String) -> ResponseIdentity {
        ResponseIdentity(
            prefix: prefix,
            created: Timestamp.now().seconds,
            model: model,
            fingerprint: "torii-\(configuration.version)"
        )
    }

    /// Submits the generations and answers whole, or with a body that grows once the head is sent.
    private func generate(
        _ generations: [GenerationRequest],
        _ options: GenerationOptions,
        best: BestChoices? = nil,
        for request: HTTPRequest,
        account: GenerationAccount,
        model: String,
        format: some AnswerFormat,
        ignored: [String],
        _ record: inout RequestRecord
    ) async throws(APIError) -> Answer {
        record.model = model
        var headers: HTTPHeaders = [:]
        if let value = Self.ignoredParameters(ignored) { headers.add("x-ignored-params", value) }
        let charged = generations.map { generation in
            var charged = generation
            charged.account = account
            return charged
        }
        let keepAlive = try Self.keepAlive(options.keepAlive)
        let reader = try reader(
            service.generate(charged, model: model, keepAlive: keepAlive),
            for: request,
            account: account,
            model: model,
            promptParameter: format.promptParameter,
            choicesPerPrompt: best?.generatedCount ?? options.choiceCount,
            &record
        )
        guard options.streams else {
            let content = GenerationAnswer(
                format: format,
                choiceCount: generations.count,
                best: best
            )
            return try await whole(reader, content, headers: headers, &record)
        }
        var body = EventStreamBody(
            reader,
            format: format,
            choiceCount: generations.count,
            includesUsage: options.includesUsage,
            limits: configuration.limits
        )
        try await body.awaitCommit(&record)
        headers.add(reader.progress.admission)
        headers.add("content-type", "text/event-stream; charset=utf-8")
        headers.add("cache-control", "no-cache")
        // nginx would buffer the whole answer otherwise.
        headers.add("x-accel-buffering", "no")
        return .streamed(body, headers: headers)
    }

    /// A reader of what was submitted for a request, which is listed as long as the reader lives.
    func reader(
        _ stream: GenerationStream,
        for request: HTTPRequest,
        account: GenerationAccount,
        model: String,
        promptParameter: String,
        choicesPerPrompt: Int = 1,
        _ record: inout RequestRecord
    ) throws(APIError) -> GenerationReader {
        let entry = RequestRegistry.Entry(
            id: request.id,
            model: model,
            account: account,
            arrival: request.arrival,
            byteCount: request.body.count,
            monitor: stream.monitor
        )
        record.monitor = stream.monitor
        guard let registration = requests.register(entry) else {
            record.rejection = .memory
            throw .tooManyBytes
        }
        return GenerationReader(
            stream,
            registration: registration,
            promptParameter: promptParameter,
            choicesPerPrompt: choicesPerPrompt
        )
    }

    /// The answer in one document, or a body that grows into it if that takes long.
    func whole(
        _ reader: GenerationReader,
        _ content: some WholeAnswer,
        headers: HTTPHeaders,
        _ record: inout RequestRecord
    ) async throws(APIError) -> Answer {
        var headers = headers
        var body = WholeBody(reader, content: content, limits: configuration.limits)
        let document = try await body.collect(&record)
        headers.add(reader.progress.admission)
        if let document {
            return .whole(
                Reply(headers: headers, contentType: "application/json", body: document)
            )
        }
        headers.add("content-type", "application/json")
        return .streamed(body, headers: headers)
    }

    /// The names of unknown members, fit for a header: at most 32, each at most 64 characters.
    static func ignoredParameters(_ names: [String]) -> String? {
        let shown = names.prefix(32).map { name in
            String(
                decoding: name.utf8.prefix(64).map { byte in
                    let isPlain =
                        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                        || (0x61...0x7A).contains(byte) || [0x2D, 0x2E, 0x5F].contains(byte)
                    return isPlain ? byte : UInt8(ascii: "?")
                },
                as: UTF8.self
            )
        }
        return shown.isEmpty ? nil : shown.joined(separator: ", ")
    }
}
