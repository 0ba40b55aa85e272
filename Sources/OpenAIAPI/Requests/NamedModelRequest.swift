package import JSON

/// A checked request of another tool's to load or unload a model by name.
package struct NamedModelRequest: Sendable, Hashable {
    /// The model's name; nil means all where the tool allows it.
    package var model: String?
    /// Tokens of a sequence (LM Studio's `context_length`).
    package var contextLength: Int?
    /// Whether the answer tells the options in force (LM Studio's `echo_load_config`).
    package var echoesOptions: Bool

    /// Reads and checks a request body; throws 400 with the `param` that is wrong.
    ///
    /// `nameMember` is the member that holds the name: `model`, or LM Studio's `instance_id`.
    package static func parse(
        _ body: JSONValue?,
        nameMember: String = "model",
        needsName: Bool = true
    ) throws(APIError) -> NamedModelRequest {
        let reader = try ParameterReader(body: body ?? [:])
        let model = try reader.string(nameMember)
        if needsName, model == nil { throw .missing(nameMember) }
        return NamedModelRequest(
            model: model,
            contextLength: try reader.integer("context_length", in: 16...16_777_216),
            echoesOptions: try reader.bool("echo_load_config") ?? false
        )
    }
}
