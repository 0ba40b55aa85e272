import JSON

/// Makes a grammar's rules out of a JSON Schema (draft 2020-12).
///
/// Every output of the grammar is valid under the schema; not every valid text is an output:
///
/// 1. Properties come in the order of the schema.
/// 2. A schema without `type` is about the kinds of values its keywords constrain.
/// 3. Objects with declared properties have no others unless `additionalProperties` allows them;
///    so do arrays with `prefixItems` and no `items`.
/// 4. White space is bounded: see ``JSONSyntax``.
/// 5. Numerals have at most 15 digits before and behind the point, unless bounds need more.
///
/// A keyword that cannot be enforced is an error with its path, never ignored.
struct SchemaCompiler {
    var rules: GrammarRules
    let root: SchemaLocation
    /// The path of the schema in the request.
    let basePath: String
    /// The rules made for schemas that apply together.
    private var made: [[SchemaLocation]: Int] = [:]
    /// The rules of nodes that recur: strings, numbers, white space.
    private var shared: [GrammarNode: GrammarNode] = [:]
    /// Schemas by their `$anchor`.
    private var anchors: [String: SchemaLocation]?
    /// How often schemas may still be combined, so that a hostile schema ends.
    var fuel = 200_000

    /// Adds the schema's rules, and returns the node of its values.
    static func lower(
        _ schema: JSONValue,
        path: String,
        into rules: inout GrammarRules
    ) throws(GrammarError) -> GrammarNode {
        let limit = rules.limits.maximumSourceByteCount
        guard schema.serialized().utf8.count <= limit else {
            throw GrammarError(path: path, reason: "The schema is larger than \(limit) bytes.")
        }
        var compiler = SchemaCompiler(rules: rules, schema: schema, path: path)
        let node = try compiler.node(of: [compiler.root])
        rules = compiler.rules
        return node
    }

    private init(rules: GrammarRules, schema: JSONValue, path: String) {
        self.rules = rules
        root = SchemaLocation(path: JSONPath(), value: schema)
        basePath = path
    }

    /// The rule of the values that all of some schemas allow.
    mutating func node(of schemas: [SchemaLocation]) throws(GrammarError) -> GrammarNode {
        var seen: Set<SchemaLocation> = []
        let schemas = schemas.filter { seen.insert($0).inserted }
        if let rule = made[schemas] { return .rule(rule) }
        let rule = try rules.reserve(path: basePath)
        made[schemas] = rule
        var branches: [GrammarNode] = []
        for constraint in try alternatives(of: schemas) {
            branches.append(try node(of: constraint))
        }
        rules.define(rule, as: .choice(branches))
        return .rule(rule)
    }

    /// The same node as a rule that all its uses share.
    mutating func shared(_ node: GrammarNode) throws(GrammarError) -> GrammarNode {
        if let known = shared[node] { return known }
        let rule = try rules.add(node, path: basePath)
        shared[node] = rule
        return rule
    }

    // MARK: Errors

    func failure(_ path: JSONPath, _ reason: String) -> GrammarError {
        let inner = path.description
        let separator = basePath.isEmpty || inner.isEmpty || inner.hasPrefix("[") ? "" : "."
        return GrammarError(path: basePath + separator + inner, reason: reason)
    }

    private func tooLarge(_ path: JSONPath) -> GrammarError {
        failure(path, "This needs too large an automaton; make the patterns or ranges simpler.")
    }

    mutating func spend(_ amount: Int = 1, at path: JSONPath) throws(GrammarError) {
        fuel -= amount
        guard fuel >= 0 else {
            throw failure(path, "The schema combines too many alternatives; make it simpler.")
        }
    }

    // MARK: Patterns and references

    /// A regular expression of the schema, which describes the texts it is found in.
    func pattern(_ text: String, at path: JSONPath) throws(GrammarError) -> RegularExpression {
        let place = failure(path, "").path
        return try RegexParser.parse(text, path: place, limits: rules.limits)
    }

    /// Does something with automata; one that grows too large is an error at a place.
    func bounded<Value>(
        at path: JSONPath,
        _ body: (_ limit: Int) throws(ScalarAutomaton.TooLarge) -> Value
    ) throws(GrammarError) -> Value {
        do throws(ScalarAutomaton.TooLarge) {
            return try body(rules.limits.maximumAutomatonStateCount)
        } catch {
            throw tooLarge(path)
        }
    }

    /// The schema that a `$ref` names: within the document only.
    mutating func target(
        of reference: String,
        at path: JSONPath
    ) throws(GrammarError) -> SchemaLocation {
        var fragment = reference
        if let id = root.value["$id"]?.stringValue, !id.isEmpty, fragment.hasPrefix(id) {
            fragment.removeFirst(id.count)
            if fragment.isEmpty { fragment = "#" }
        }
        guard fragment.hasPrefix("#") else {
            throw failure(
                path,
                "Only references within the schema are supported, such as '#/$defs/x'."
            )
        }
        let pointer = String(fragment.dropFirst()).removingPercentEncoding
        guard pointer.isEmpty || pointer.hasPrefix("/") else {
            guard let schema = try anchored(pointer) else {
                throw failure(path, "There is no schema with the '$anchor' '\(pointer)'.")
            }
            return schema
        }
        var location = root
        for part in pointer.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            let key = Self.unescaped(part)
            let next: SchemaLocation?
            if let elements = location.value.arrayValue {
                let index = Int(key) ?? -1
                next =
                    elements.indices.contains(index)
                    ? SchemaLocation(
                        path: location.path.appending(index: index),
                        value: elements[index]
                    ) : nil
            } else {
                next = location.member(key)
            }
            guard let next else {
                throw failure(path, "The reference '\(reference)' leads nowhere.")
            }
            location = next
        }
        return location
    }

    /// A part of a JSON pointer without its escapes (RFC 6901 §4).
    private static func unescaped(_ part: Substring) -> String {
        var result = ""
        var rest = part
        while let character = rest.popFirst() {
            guard character == "~", let next = rest.first, next == "0" || next == "1" else {
                result.append(character)
                continue
            }
            rest.removeFirst()
            result.append(next == "0" ? "~" : "/")
        }
        return result
    }

    private mutating func anchored(_ name: String) throws(GrammarError) -> SchemaLocation? {
        if let anchors { return anchors[name] }
        var found: [String: SchemaLocation] = [:]
        var work = [root]
        while let location = work.popLast() {
            if let anchor = location.value["$anchor"]?.stringValue { found[anchor] = location }
            for (key, value) in location.value.objectValue?.members ?? [] {
                work.append(SchemaLocation(path: location.path.appending(key: key), value: value))
            }
            for (index, value) in (location.value.arrayValue ?? []).enumerated() {
                let path = location.path.appending(index: index)
                work.append(SchemaLocation(path: path, value: value))
            }
        }
        anchors = found
        return found[name]
    }
}

extension String {
    /// The text with `%41` and the like decoded (RFC 3986 §2.1); what is no such escape stays.
    fileprivate var removingPercentEncoding: String {
        var bytes: [UInt8] = []
        var rest = Array(utf8)[...]
        while let byte = rest.popFirst() {
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            if byte == UInt8(ascii: "%"), digits.count == 2, let value = UInt8(digits, radix: 16) {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
