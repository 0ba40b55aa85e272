import JSON

extension SchemaCompiler {
    /// The ways to satisfy all of some schemas: `anyOf` and `oneOf` multiplied out, references
    /// followed, `allOf` merged.
    mutating func alternatives(
        of schemas: [SchemaLocation],
        depth: Int = 0
    ) throws(GrammarError) -> [SchemaConstraint] {
        var lists: [[SchemaLocation]] = [[]]
        for schema in schemas {
            let expanded = try expand(schema, following: [], depth: depth)
            lists = try product(lists, expanded, at: schema.path)
        }
        var result: [SchemaConstraint] = []
        for list in lists { result.append(try constraint(of: list)) }
        return result
    }

    private mutating func product(
        _ left: [[SchemaLocation]],
        _ right: [[SchemaLocation]],
        at path: JSONPath
    ) throws(GrammarError) -> [[SchemaLocation]] {
        guard left.count * right.count <= rules.limits.maximumAlternativeCount else {
            throw failure(path, "The schema combines too many alternatives; make it simpler.")
        }
        var result: [[SchemaLocation]] = []
        for first in left {
            for second in right {
                try spend(1 + first.count + second.count, at: path)
                result.append(first + second.filter { !first.contains($0) })
            }
        }
        return result
    }

    /// Lists of schemas of which one must be satisfied as a whole; only the keywords that don't
    /// join schemas still matter in them.
    private mutating func expand(
        _ schema: SchemaLocation,
        following references: Set<JSONPath>,
        depth: Int
    ) throws(GrammarError) -> [[SchemaLocation]] {
        try spend(at: schema.path)
        guard depth + references.count <= rules.limits.maximumDepth,
            schema.path.elements.count <= 4 * rules.limits.maximumDepth
        else { throw failure(schema.path, "The schema nests too deeply.") }
        switch schema.value {
        case .bool(true): return [[]]
        case .bool(false): return []
        case .object: break
        default:
            throw failure(
                schema.path,
                "A schema must be an object or a boolean, not \(schema.value.kindName)."
            )
        }
        guard !references.contains(schema.path) else {
            throw failure(schema.path, "The schema refers to itself without anything between.")
        }
        let references = references.union([schema.path])
        var lists = [[schema]]
        if let reference = schema.member("$ref") {
            guard let text = reference.value.stringValue else {
                throw failure(reference.path, "'$ref' must be a string.")
            }
            let target = try self.target(of: text, at: reference.path)
            let expanded = try expand(target, following: references, depth: depth)
            lists = try product(lists, expanded, at: reference.path)
        }
        for branch in try branches(of: schema, "allOf") ?? [] {
            let expanded = try expand(branch, following: references, depth: depth)
            lists = try product(lists, expanded, at: branch.path)
        }
        for keyword in ["anyOf", "oneOf"] {
            guard let branches = try branches(of: schema, keyword) else { continue }
            var choices: [[[SchemaLocation]]] = []
            for branch in branches {
                choices.append(try expand(branch, following: references, depth: depth))
            }
            if keyword == "oneOf" {
                let path = schema.path.appending(key: keyword)
                try checkDisjoint(choices, with: schema, at: path, depth: depth)
            }
            lists = try product(lists, choices.flatMap { $0 }, at: schema.path)
        }
        return lists
    }

    private func branches(
        of schema: SchemaLocation,
        _ keyword: String
    ) throws(GrammarError) -> [SchemaLocation]? {
        guard let member = schema.member(keyword) else { return nil }
        guard let elements = schema.elements(keyword), !elements.isEmpty else {
            throw failure(member.path, "'\(keyword)' must be an array of at least one schema.")
        }
        return elements
    }

    /// Requires that no output of one branch of `oneOf` is valid under another branch.
    private mutating func checkDisjoint(
        _ choices: [[[SchemaLocation]]],
        with schema: SchemaLocation,
        at path: JSONPath,
        depth: Int
    ) throws(GrammarError) {
        guard choices.count > 1 else { return }
        // The keywords beside `oneOf` hold for all branches.
        let siblings: [SchemaLocation]
        if let object = schema.value.objectValue {
            var own = object
            for keyword in SchemaKeywords.applicators { own[keyword] = nil }
            siblings = [SchemaLocation(path: path, value: .object(own))]
        } else {
            siblings = []
        }
        var constraints: [[SchemaConstraint]] = []
        for lists in choices {
            var branch: [SchemaConstraint] = []
            for list in lists { branch.append(try constraint(of: siblings + list)) }
            constraints.append(branch)
        }
        for (first, one) in constraints.enumerated() {
            for (second, other) in constraints.enumerated() where first != second {
                for output in one {
                    for rival in other {
                        try spend(at: path)
                        if try excludes(output, rival, depth: depth + 1) { continue }
                        throw failure(
                            path,
                            "Branches \(min(first, second)) and \(max(first, second)) of 'oneOf' "
                                + "may both hold for one value, which cannot be ruled out token "
                                + "by token; use 'anyOf', or give them a property with different "
                                + "'const' values."
                        )
                    }
                }
            }
        }
    }
}
