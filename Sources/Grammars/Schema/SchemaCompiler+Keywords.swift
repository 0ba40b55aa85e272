import JSON

extension SchemaCompiler {
    /// The keywords of schemas that all apply.
    mutating func constraint(
        of schemas: [SchemaLocation]
    ) throws(GrammarError) -> SchemaConstraint {
        var result = SchemaConstraint()
        result.locations = schemas
        for schema in schemas {
            guard let object = schema.value.objectValue else { continue }
            var kinds: SchemaTypes = []
            for key in object.keys {
                try spend(at: schema.path)
                let path = schema.path.appending(key: key)
                if let reason = SchemaKeywords.refused[key] {
                    throw failure(path, "The keyword '\(key)' is not supported: \(reason).")
                }
                guard let kind = SchemaKeywords.kinds[key] else {
                    guard
                        SchemaKeywords.annotations.contains(key) || key.hasPrefix("x-")
                            || SchemaKeywords.applicators.contains(key)
                            || ["type", "enum", "const"].contains(key)
                    else { throw failure(path, "The keyword '\(key)' is unknown.") }
                    continue
                }
                kinds.formUnion(kind)
            }
            // OpenAPI's formats of numbers are not about strings.
            if let format = object["format"]?.stringValue, StringFormat.ofNumbers.contains(format) {
                kinds.remove(.string)
            }
            result.impliedTypes.formUnion(kinds)
            try addTypes(of: schema, to: &result)
            try addValues(of: schema, to: &result)
            if !kinds.isDisjoint(with: .number) { try addNumbers(of: schema, to: &result) }
            if kinds.contains(.string) { try addStrings(of: schema, to: &result) }
            if kinds.contains(.array) { try addArrays(of: schema, to: &result) }
            if kinds.contains(.object) { try addObjects(of: schema, to: &result) }
        }
        return result
    }

    private func addTypes(
        of schema: SchemaLocation,
        to result: inout SchemaConstraint
    ) throws(GrammarError) {
        guard let member = schema.member("type") else { return }
        let names: [JSONValue] = member.value.arrayValue ?? [member.value]
        var types: SchemaTypes = []
        for name in names {
            guard let type = name.stringValue.flatMap({ SchemaTypes.byName[$0] }) else {
                throw failure(
                    member.path,
                    "'type' must be one of null, boolean, object, array, number, integer and "
                        + "string, or an array of these."
                )
            }
            types.formUnion(type)
        }
        result.declaredTypes = result.declaredTypes.map { $0.intersection(types) } ?? types
    }

    private func addValues(
        of schema: SchemaLocation,
        to result: inout SchemaConstraint
    ) throws(GrammarError) {
        if let value = schema.value.objectValue?["const"] {
            result.values = result.values.map { $0.filter { $0.isSameJSON(as: value) } } ?? [value]
        }
        guard let member = schema.member("enum") else { return }
        guard let values = member.value.arrayValue, !values.isEmpty else {
            throw failure(member.path, "'enum' must be an array of at least one value.")
        }
        result.values =
            result.values.map { old in
                old.filter { value in values.contains { $0.isSameJSON(as: value) } }
            } ?? values
    }

    private func addNumbers(
        of schema: SchemaLocation,
        to result: inout SchemaConstraint
    ) throws(GrammarError) {
        func number(_ keyword: String) throws(GrammarError) -> DecimalNumber? {
            guard let member = schema.member(keyword) else { return nil }
            guard let number = DecimalNumber(member.value) else {
                throw failure(member.path, "'\(keyword)' must be a number of at most 60 digits.")
            }
            return number
        }
        for (keyword, isExclusive) in [("minimum", false), ("exclusiveMinimum", true)] {
            guard let value = try number(keyword) else { continue }
            let bound = NumberLanguage.Bound(value: value, isExclusive: isExclusive)
            guard let old = result.numbers.lower else {
                result.numbers.lower = bound
                continue
            }
            if value > old.value || value == old.value && isExclusive {
                result.numbers.lower = bound
            }
        }
        for (keyword, isExclusive) in [("maximum", false), ("exclusiveMaximum", true)] {
            guard let value = try number(keyword) else { continue }
            let bound = NumberLanguage.Bound(value: value, isExclusive: isExclusive)
            guard let old = result.numbers.upper else {
                result.numbers.upper = bound
                continue
            }
            if value < old.value || value == old.value && isExclusive {
                result.numbers.upper = bound
            }
        }
        if let divisor = try number("multipleOf") {
            guard divisor > .zero else {
                throw failure(
                    schema.path.appending(key: "multipleOf"),
                    "'multipleOf' must be above zero."
                )
            }
            result.numbers.multiples.append(divisor)
        }
    }

    private mutating func addStrings(
        of schema: SchemaLocation,
        to result: inout SchemaConstraint
    ) throws(GrammarError) {
        if let least = try count(schema, "minLength") {
            result.strings.minimumLength = max(result.strings.minimumLength, least)
        }
        if let most = try count(schema, "maxLength") {
            result.strings.maximumLength = min(result.strings.maximumLength ?? most, most)
        }
        if let member = schema.member("pattern") {
            guard let text = member.value.stringValue else {
                throw failure(member.path, "'pattern' must be a string.")
            }
            result.strings.patterns.append(try pattern(text, at: member.path))
        }
        if let member = schema.member("format") {
            guard let name = member.value.stringValue else {
                throw failure(member.path, "'format' must be a string.")
            }
            if StringFormat.ofNumbers.contains(name) || StringFormat.annotations.contains(name) {
                return
            }
            guard let text = StringFormat.patterns[name] else {
                let known = StringFormat.patterns.keys.sorted().joined(separator: ", ")
                throw failure(
                    member.path,
                    "The format '\(name)' is not supported; these are: \(known)."
                )
            }
            result.strings.patterns.append(try pattern("^(?:\(text))$", at: member.path))
        }
    }

    private func addArrays(
        of schema: SchemaLocation,
        to result: inout SchemaConstraint
    ) throws(GrammarError) {
        if let member = schema.member("uniqueItems"), member.value != false {
            throw failure(
                member.path,
                "The keyword 'uniqueItems' is not supported: a grammar cannot compare elements."
            )
        }
        if let member = schema.member("prefixItems"), schema.elements("prefixItems") == nil {
            throw failure(member.path, "'prefixItems' must be an array of schemas.")
        }
        if let least = try count(schema, "minItems") {
            result.minimumItems = max(result.minimumItems, least)
        }
        if let most = try count(schema, "maxItems") {
            result.maximumItems = min(result.maximumItems ?? most, most)
        }
        if let member = schema.member("items"), member.value.arrayValue != nil {
            throw failure(member.path, "'items' must be a schema; for a list use 'prefixItems'.")
        }
        result.arrays.append(
            SchemaConstraint.ArrayKeywords(
                prefix: schema.elements("prefixItems") ?? [],
                rest: schema.member("items")
            )
        )
    }

    private mutating func addObjects(
        of schema: SchemaLocation,
        to result: inout SchemaConstraint
    ) throws(GrammarError) {
        var keywords = SchemaConstraint.ObjectKeywords()
        for name in ["properties", "patternProperties"] {
            if let member = schema.member(name), member.value.objectValue == nil {
                throw failure(member.path, "'\(name)' must be an object of schemas.")
            }
        }
        keywords.properties = schema.members("properties") ?? []
        for (text, inner) in schema.members("patternProperties") ?? [] {
            let expression = try pattern(text, at: inner.path)
            let names = try bounded(at: inner.path) { limit throws(ScalarAutomaton.TooLarge) in
                try ScalarAutomaton(searching: expression, limit: limit)
            }
            keywords.patterns.append((names, inner))
        }
        keywords.additional = schema.member("additionalProperties")
        result.objects.append(keywords)
        if let member = schema.member("required") {
            guard let names = member.value.arrayValue else {
                throw failure(member.path, "'required' must be an array of strings.")
            }
            for name in names {
                guard let name = name.stringValue else {
                    throw failure(member.path, "'required' must be an array of strings.")
                }
                if !result.required.contains(name) { result.required.append(name) }
            }
        }
        if let least = try count(schema, "minProperties") {
            result.minimumProperties = max(result.minimumProperties, least)
        }
        if let most = try count(schema, "maxProperties") {
            result.maximumProperties = min(result.maximumProperties ?? most, most)
        }
        if let names = schema.member("propertyNames") {
            for constraint in try propertyNameConstraints(names) {
                result.nameSchemas.append(constraint)
            }
        }
    }

    /// What `propertyNames` says about strings; only what a pattern and lengths can say.
    private mutating func propertyNameConstraints(
        _ names: SchemaLocation
    ) throws(GrammarError) -> [StringLanguage] {
        let found = try alternatives(of: [names])
        guard found.count == 1, found[0].types.contains(.string), found[0].values == nil else {
            throw failure(names.path, "'propertyNames' may only use 'pattern' and lengths.")
        }
        return [found[0].strings]
    }

    private func count(_ schema: SchemaLocation, _ keyword: String) throws(GrammarError) -> Int? {
        guard let member = schema.member(keyword) else { return nil }
        guard let value = member.value.intValue, value >= 0 else {
            throw failure(member.path, "'\(keyword)' must be an integer of 0 or more.")
        }
        return value
    }
}

extension JSONValue {
    /// Whether two values are equal as JSON Schema compares (Core §4.2.2): numbers by their value.
    func isSameJSON(as other: JSONValue) -> Bool {
        switch (self, other) {
        case (.integer, .double), (.double, .integer): doubleValue == other.doubleValue
        case (.array(let left), .array(let right)):
            left.count == right.count && zip(left, right).allSatisfy { $0.isSameJSON(as: $1) }
        case (.object(let left), .object(let right)):
            left.count == right.count
                && left.members.allSatisfy { right[$0.key]?.isSameJSON(as: $0.value) ?? false }
        default: self == other
        }
    }
}
