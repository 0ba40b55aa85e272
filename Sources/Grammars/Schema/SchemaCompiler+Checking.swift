import JSON

extension SchemaCompiler {
    /// Whether a value satisfies all of some schemas.
    mutating func accepts(
        _ value: JSONValue,
        all schemas: [SchemaLocation]
    ) throws(GrammarError) -> Bool {
        for constraint in try alternatives(of: schemas) where try accepts(value, constraint) {
            return true
        }
        return false
    }

    /// Whether a value satisfies a constraint, by the specification; but one without `type` is only
    /// satisfied by the kinds of values that its keywords are about, or by any `enum` value.
    mutating func accepts(
        _ value: JSONValue,
        _ constraint: SchemaConstraint
    ) throws(GrammarError) -> Bool {
        try spend(at: constraint.place)
        let type = SchemaTypes(of: value)
        if let types = constraint.declaredTypes, !types.contains(type) { return false }
        if let values = constraint.values, !values.contains(where: { $0.isSameJSON(as: value) }) {
            return false
        }
        switch value {
        case .null, .bool: return true
        case .integer, .double: return constraint.numbers.accepts(value)
        case .string(let text):
            return try accepts(text, constraint.strings, at: constraint)
        case .array(let elements):
            guard elements.count >= constraint.minimumItems,
                elements.count <= constraint.maximumItems ?? elements.count
            else { return false }
            for (index, element) in elements.enumerated() {
                guard try accepts(element, all: constraint.schemas(ofItem: index)) else {
                    return false
                }
            }
            return true
        case .object(let object):
            guard object.count >= constraint.minimumProperties,
                object.count <= constraint.maximumProperties ?? object.count,
                constraint.required.allSatisfy({ object[$0] != nil })
            else { return false }
            for (key, member) in object.members {
                guard try acceptsName(key, constraint),
                    try accepts(member, all: constraint.schemas(ofProperty: key))
                else { return false }
            }
            return true
        }
    }

    private func accepts(
        _ text: String,
        _ language: StringLanguage,
        at constraint: SchemaConstraint
    ) throws(GrammarError) -> Bool {
        try bounded(at: constraint.place) { limit throws(ScalarAutomaton.TooLarge) in
            try language.accepts(text, limit: limit)
        }
    }

    /// Whether `propertyNames` allows a name.
    func acceptsName(
        _ name: String,
        _ constraint: SchemaConstraint
    ) throws(GrammarError) -> Bool {
        for language in constraint.nameSchemas {
            guard try accepts(name, language, at: constraint) else { return false }
        }
        return true
    }

    // MARK: Disjointness

    /// Whether no output that is generated for one constraint is valid under another; false also
    /// where that isn't easily seen.
    mutating func excludes(
        _ output: SchemaConstraint,
        _ rival: SchemaConstraint,
        depth: Int
    ) throws(GrammarError) -> Bool {
        try spend(at: output.place)
        guard depth < 8 else { return false }
        if let values = output.values {
            for value in values where try accepts(value, output) {
                if try accepts(value, rival) { return false }
            }
            return true
        }
        if let values = rival.values {
            for value in values where try accepts(value, output) { return false }
            return true
        }
        let rivalTypes = rival.declaredTypes ?? .all
        let common = output.types.intersection(rivalTypes)
        if !common.isDisjoint(with: [.null, .boolean]) { return false }
        if !common.isDisjoint(with: .number), !output.numbers.excludes(rival.numbers) {
            return false
        }
        if common.contains(.string), !output.strings.excludes(rival.strings, rules.limits) {
            return false
        }
        if common.contains(.array), try !arraysExclude(output, rival, depth: depth) {
            return false
        }
        if common.contains(.object), try !objectsExclude(output, rival, depth: depth) {
            return false
        }
        return true
    }

    private mutating func arraysExclude(
        _ output: SchemaConstraint,
        _ rival: SchemaConstraint,
        depth: Int
    ) throws(GrammarError) -> Bool {
        if let most = output.maximumItems, most < rival.minimumItems { return true }
        if let most = rival.maximumItems, most < output.minimumItems { return true }
        for index in 0..<min(output.minimumItems, 16) {
            let own = output.schemas(ofItem: index)
            if try excludes(own, rival.schemas(ofItem: index), depth: depth) { return true }
        }
        return false
    }

    private mutating func objectsExclude(
        _ output: SchemaConstraint,
        _ rival: SchemaConstraint,
        depth: Int
    ) throws(GrammarError) -> Bool {
        // A property the rival requires is never written…
        let names = Set(output.propertyNames)
        let writesNamesOnly =
            output.isClosedByDeclaration
            || output.objects.contains { $0.additional?.value == false }
        if writesNamesOnly, output.objects.allSatisfy({ $0.patterns.isEmpty }),
            rival.required.contains(where: { !names.contains($0) })
        {
            return true
        }
        // …or one that is always written is never valid there.
        for key in output.required {
            let own = output.schemas(ofProperty: key)
            if try excludes(own, rival.schemas(ofProperty: key), depth: depth) { return true }
        }
        return false
    }

    private mutating func excludes(
        _ output: [SchemaLocation],
        _ rival: [SchemaLocation],
        depth: Int
    ) throws(GrammarError) -> Bool {
        let rivals = try alternatives(of: rival, depth: depth)
        for own in try alternatives(of: output, depth: depth) {
            for other in rivals where try !excludes(own, other, depth: depth + 1) { return false }
        }
        return true
    }
}

extension NumberLanguage {
    /// Whether a number is within the bounds and a multiple of what it must be one of.
    func accepts(_ value: JSONValue) -> Bool {
        guard let number = DecimalNumber(value) else { return !isConstraining }
        if let lower, number < lower.value || lower.isExclusive && number == lower.value {
            return false
        }
        if let upper, number > upper.value || upper.isExclusive && number == upper.value {
            return false
        }
        return multiples.allSatisfy { $0.divides(number) }
    }

    private var isConstraining: Bool { lower != nil || upper != nil || !multiples.isEmpty }

    /// Whether no number is in both ranges.
    func excludes(_ other: NumberLanguage) -> Bool {
        Self.isBelow(upper, other.lower) || Self.isBelow(other.upper, lower)
    }

    private static func isBelow(_ upper: Bound?, _ lower: Bound?) -> Bool {
        guard let upper, let lower else { return false }
        return upper.value < lower.value
            || upper.value == lower.value && (upper.isExclusive || lower.isExclusive)
    }
}

extension DecimalNumber {
    /// Whether a number is a multiple of this one, by long division.
    func divides(_ number: DecimalNumber) -> Bool {
        let places = max(fractionDigits.count, number.fractionDigits.count)
        func digits(_ value: DecimalNumber) -> [UInt32] {
            let missing = places - value.fractionDigits.count
            return value.integerDigits + value.fractionDigits
                + [UInt32](repeating: 0, count: missing)
        }
        var modulus = 0
        for digit in digits(self) {
            guard modulus < 1 << 50 else { return false }
            modulus = modulus * 10 + Int(digit)
        }
        guard modulus > 0 else { return false }
        var remainder = 0
        for digit in digits(number) { remainder = (remainder * 10 + Int(digit)) % modulus }
        return remainder == 0
    }
}

extension StringLanguage {
    /// Whether no string is in both languages.
    func excludes(_ other: StringLanguage, _ limits: GrammarLimits) -> Bool {
        if let most = maximumLength, most < other.minimumLength { return true }
        if let most = other.maximumLength, most < minimumLength { return true }
        guard !patterns.isEmpty, !other.patterns.isEmpty else { return false }
        var joined = StringLanguage()
        joined.patterns = patterns + other.patterns
        do throws(ScalarAutomaton.TooLarge) {
            return try joined.automaton(limit: limits.maximumAutomatonStateCount).isEmpty
        } catch {
            return false
        }
    }
}
