import JSON

/// What a value must satisfy at once: the keywords of schemas that all apply to it.
///
/// Schemas that apply together stay apart where keywords of one look at others of the same schema, as
/// `additionalProperties` does at `properties`.
struct SchemaConstraint: Sendable {
    /// One schema's keywords about objects.
    struct ObjectKeywords: Sendable {
        var properties: [(key: String, schema: SchemaLocation)] = []
        var patterns: [(names: ScalarAutomaton, schema: SchemaLocation)] = []
        /// Nil: absent.
        var additional: SchemaLocation?
    }

    /// One schema's keywords about arrays.
    struct ArrayKeywords: Sendable {
        var prefix: [SchemaLocation] = []
        /// Nil: absent.
        var rest: SchemaLocation?
    }

    /// The schemas whose keywords these are.
    var locations: [SchemaLocation] = []
    /// The kinds that `type` allows; nil without any `type`.
    var declaredTypes: SchemaTypes?
    /// The kinds that other keywords are about.
    var impliedTypes: SchemaTypes = []
    /// The values of `const` and `enum`; nil without them.
    var values: [JSONValue]?
    var numbers = NumberLanguage()
    var strings = StringLanguage()
    var arrays: [ArrayKeywords] = []
    var minimumItems = 0
    var maximumItems: Int?
    var objects: [ObjectKeywords] = []
    var required: [String] = []
    var minimumProperties = 0
    var maximumProperties: Int?
    var nameSchemas: [StringLanguage] = []

    /// The place to name when these keywords are at fault.
    var place: JSONPath { locations.last?.path ?? JSONPath() }

    /// The kinds of values it is about: where no `type` says so, those that its other keywords
    /// constrain, since a schema with `properties` means objects.
    var types: SchemaTypes {
        declaredTypes ?? (impliedTypes.isEmpty ? .all : impliedTypes)
    }

    /// The schemas that apply to the property with this name, by the specification.
    func schemas(ofProperty key: String) -> [SchemaLocation] {
        objects.flatMap { keywords in
            var found = keywords.properties.filter { $0.key == key }.map(\.schema)
            found += keywords.patterns.filter { $0.names.accepts(key) }.map(\.schema)
            if found.isEmpty, let additional = keywords.additional { found = [additional] }
            return found
        }
    }

    /// The schemas that apply to the element at a position.
    func schemas(ofItem index: Int) -> [SchemaLocation] {
        arrays.compactMap { $0.prefix.indices.contains(index) ? $0.prefix[index] : $0.rest }
    }

    /// The names of all declared properties, in the order of the schemas, then what is required
    /// besides.
    var propertyNames: [String] {
        var seen: Set<String> = []
        let declared = objects.flatMap { $0.properties.map(\.key) }
        return (declared + required).filter { seen.insert($0).inserted }
    }

    /// Whether generated objects have only named properties: `additionalProperties` is silent, and
    /// the schema says what properties there are.
    var isClosedByDeclaration: Bool {
        objects.allSatisfy { $0.additional == nil }
            && objects.contains { !$0.properties.isEmpty || !$0.patterns.isEmpty }
    }

    /// The same for elements behind `prefixItems`.
    var isArrayClosedByDeclaration: Bool {
        arrays.allSatisfy { $0.rest == nil } && arrays.contains { !$0.prefix.isEmpty }
    }

    /// The number of elements with schemas of their own.
    var prefixCount: Int { arrays.map(\.prefix.count).max() ?? 0 }
}
