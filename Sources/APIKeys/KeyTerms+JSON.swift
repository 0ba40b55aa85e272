package import JSON
import WorkerProtocol

/// What is wrong with the terms of a key: the member and the way out.
package struct KeyTermsProblem: Error, Sendable, Hashable, CustomStringConvertible {
    /// The member's name.
    package let member: String
    /// What it must be, without a full stop.
    package let message: String

    package var description: String { "\(member) \(message)" }
}

// The members that describe a key, the same in the store, in the admin API and on the command line.
extension KeyTerms {
    /// The names of all members that `init(_:now:)` takes.
    package static let memberNames = [
        "name", "scopes", "models", "requests_per_minute", "tokens_per_minute",
        "concurrent_requests", "weight", "class", "private", "expires", "expires_in",
    ]

    /// Reads terms; members that are null count as absent, unknown ones are mistakes: a limit that
    /// is spelt wrong must not become no limit.
    ///
    /// - Parameters:
    ///   - object: The members.
    ///   - now: The time in seconds since 1970, which `expires_in` begins at.
    /// - Throws: The first member that is wrong.
    package init(_ object: JSONObject, now: Int) throws(KeyTermsProblem) {
        if let unknown = object.keys.first(where: { !Self.memberNames.contains($0) }) {
            throw KeyTermsProblem(
                member: unknown,
                message: "is unknown; known are \(Self.memberNames.joined(separator: ", "))"
            )
        }
        let reader = TermsReader(object: object)
        guard let name = try reader.text("name"), KeyTermLimits.isName(name) else {
            throw KeyTermsProblem(member: "name", message: "must be \(KeyTermLimits.nameForm)")
        }
        self.init(name: name)
        if let scopes = try reader.scopes() { self.scopes = scopes }
        models = try reader.patterns()
        let perMinute = KeyTermLimits.perMinute
        requestsPerMinute = try reader.integer("requests_per_minute", in: perMinute)
        tokensPerMinute = try reader.integer("tokens_per_minute", in: perMinute)
        concurrentRequests = try reader.integer(
            "concurrent_requests",
            in: KeyTermLimits.concurrentRequests
        )
        if let weight = try reader.weight() { self.weight = weight }
        if let priority = try reader.priority() { self.priority = priority }
        isPrivate = try reader.flag("private") ?? false
        expires = try reader.integer("expires", in: KeyTermLimits.times)
        if let duration = try reader.duration("expires_in") {
            guard expires == nil else {
                throw KeyTermsProblem(member: "expires_in", message: "cannot go with `expires`")
            }
            expires = now + duration
        }
    }

    /// The members; what is as for every other key is left out, but for the scopes.
    package var json: JSONObject {
        var object: JSONObject = [
            "name": .string(name),
            "scopes": .array(
                KeyScope.allCases.filter { scopes.contains($0) }.map { .string($0.rawValue) }
            ),
        ]
        if !models.isEmpty { object["models"] = .array(models.map { .string($0.text) }) }
        object["requests_per_minute"] = requestsPerMinute.map { .integer($0) }
        object["tokens_per_minute"] = tokensPerMinute.map { .integer($0) }
        object["concurrent_requests"] = concurrentRequests.map { .integer($0) }
        if weight != 1 { object["weight"] = .double(Double(weight)) }
        if priority != .normal { object["class"] = .string("\(priority)") }
        if isPrivate { object["private"] = true }
        object["expires"] = expires.map { .integer($0) }
        return object
    }
}

/// Typed members of the terms.
private struct TermsReader {
    let object: JSONObject

    private func value(_ name: String) -> JSONValue? {
        guard let value = object[name], !value.isNull else { return nil }
        return value
    }

    private func problem(_ name: String, _ message: String) -> KeyTermsProblem {
        KeyTermsProblem(member: name, message: message)
    }

    func text(_ name: String) throws(KeyTermsProblem) -> String? {
        guard let value = value(name) else { return nil }
        guard let text = value.stringValue else { throw problem(name, "must be a text") }
        return text
    }

    func flag(_ name: String) throws(KeyTermsProblem) -> Bool? {
        guard let value = value(name) else { return nil }
        guard let flag = value.boolValue else { throw problem(name, "must be true or false") }
        return flag
    }

    func integer(_ name: String, in range: ClosedRange<Int>) throws(KeyTermsProblem) -> Int? {
        guard let value = value(name) else { return nil }
        guard let number = value.intValue, range.contains(number) else {
            let form = "must be a whole number from \(range.lowerBound) to \(range.upperBound)"
            throw problem(name, form)
        }
        return number
    }

    func weight() throws(KeyTermsProblem) -> Float? {
        guard let value = value("weight") else { return nil }
        let range = KeyTermLimits.weights
        guard let number = value.doubleValue, range.contains(Float(number)) else {
            throw problem("weight", "must be from \(range.lowerBound) to \(range.upperBound)")
        }
        return Float(number)
    }

    func priority() throws(KeyTermsProblem) -> PriorityClass? {
        guard let name = try text("class") else { return nil }
        guard let priority = PriorityClass.allCases.first(where: { "\($0)" == name }) else {
            let names = PriorityClass.allCases.map { "\($0)" }.joined(separator: ", ")
            throw problem("class", "must be one of \(names)")
        }
        return priority
    }

    private func texts(_ name: String) throws(KeyTermsProblem) -> [String]? {
        guard let value = value(name) else { return nil }
        guard let elements = value.arrayValue, elements.allSatisfy({ $0.stringValue != nil }) else {
            throw problem(name, "must be a list of texts")
        }
        return elements.compactMap(\.stringValue)
    }

    func scopes() throws(KeyTermsProblem) -> Set<KeyScope>? {
        guard let names = try texts("scopes") else { return nil }
        let scopes = names.compactMap { KeyScope(rawValue: $0) }
        guard !scopes.isEmpty, scopes.count == names.count else {
            throw problem("scopes", "must be some of \(KeyScope.names)")
        }
        return Set(scopes)
    }

    func patterns() throws(KeyTermsProblem) -> [ModelPattern] {
        let texts = try texts("models") ?? []
        let lengths = 1...KeyTermLimits.patternLength
        guard texts.count <= KeyTermLimits.patternCount,
            texts.allSatisfy({ lengths.contains($0.utf8.count) })
        else {
            throw problem(
                "models",
                "must be at most \(KeyTermLimits.patternCount) patterns like `qwen*`, each of at "
                    + "most \(KeyTermLimits.patternLength) characters"
            )
        }
        return texts.map { ModelPattern($0) }
    }

    /// Seconds as a number, or as a number with a unit: `90s`, `15m`, `12h`, `30d`.
    func duration(_ name: String) throws(KeyTermsProblem) -> Int? {
        guard let value = value(name) else { return nil }
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        var text = value.stringValue ?? value.intValue.map { "\($0)" } ?? ""
        let unit = text.last.flatMap { units[$0] }
        if unit != nil { text.removeLast() }
        guard let number = Int(text), number > 0, number <= 1_000_000_000 / (unit ?? 1) else {
            throw problem(name, "must be seconds, or a time like `12h` or `30d`")
        }
        return number * (unit ?? 1)
    }
}
