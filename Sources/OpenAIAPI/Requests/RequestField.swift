package import JSON

/// What this server does with one member of a request.
///
/// Each request type has a table of these. It is complete for OpenAI's own members: none is
/// dropped silently. A member without an entry is unknown: it is ignored and named in the
/// `x-ignored-params` response header.
package struct RequestField: Sendable, Hashable {
    /// What happens to the member's value.
    package enum Treatment: Sendable, Hashable {
        /// It has its documented effect.
        case honoured
        /// It is allowed to have no effect here, and has none.
        case accepted
        /// Refused with 400 unless it is null or one of `harmless`; `reason` completes the
        /// sentence "Unsupported parameter: 'x' …".
        case refused(harmless: [JSONValue], reason: String)
    }

    /// The member's name.
    package let name: String
    /// What happens to its value.
    package let treatment: Treatment

    static func honoured(_ names: String...) -> [RequestField] {
        names.map { RequestField(name: $0, treatment: .honoured) }
    }

    static func accepted(_ names: String...) -> [RequestField] {
        names.map { RequestField(name: $0, treatment: .accepted) }
    }

    static func refused(
        _ names: String...,
        harmless: [JSONValue] = [],
        reason: String
    ) -> [RequestField] {
        names.map {
            RequestField(name: $0, treatment: .refused(harmless: harmless, reason: reason))
        }
    }
}

extension RequestField {
    /// What vLLM's and llama-server's clients send with every kind of generation.
    static let extensions =
        honoured(
            "dry_allowed_length",
            "dry_base",
            "dry_multiplier",
            "dry_penalty_last_n",
            "dry_sequence_breakers",
            "ignore_eos",
            "keep_alive",
            "min_p",
            "min_tokens",
            "repeat_last_n",
            "repeat_penalty",
            "repetition_penalty",
            "top_k",
            "typical_p",
            "xtc_probability",
            "xtc_threshold"
        ) + accepted("cache_prompt")

    /// Their ways to ask for output of a given form; see ``OutputConstraint``.
    static let outputConstraints = honoured(
        "grammar",
        "guided_choice",
        "guided_grammar",
        "guided_json",
        "guided_regex",
        "json_schema",
        "response_format",
        "structured_outputs"
    )
}

/// The fields of one request type, by name.
package struct RequestFieldTable: Sendable {
    /// Every known member, in the order of the documentation.
    package let fields: [RequestField]
    private let treatments: [String: RequestField.Treatment]

    init(_ groups: [RequestField]...) {
        fields = groups.flatMap { $0 }
        treatments = Dictionary(
            fields.map { ($0.name, $0.treatment) },
            uniquingKeysWith: { _, _ in
                preconditionFailure("a request field has one treatment")
            }
        )
    }

    /// Refuses members that cannot be honoured.
    ///
    /// - Returns: The names of unknown members that are not null, in the order of the request.
    /// - Throws: 400 with `unsupported_parameter` for the first refused member.
    package func check(_ body: JSONObject) throws(APIError) -> [String] {
        var unknown: [String] = []
        for (name, value) in body.members where !value.isNull {
            switch treatments[name] {
            case .honoured, .accepted:
                continue
            case .refused(let harmless, let reason):
                if !harmless.contains(value) { throw .unsupported(name, reason: reason) }
            case nil:
                unknown.append(name)
            }
        }
        return unknown
    }
}
