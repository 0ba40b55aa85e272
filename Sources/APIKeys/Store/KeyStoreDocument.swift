import JSON

/// What the file of keys says, version 1.
///
/// JSON, indented so that people may change limits in it: `version`, `pepper_check` (a code that
/// tells whether a pepper is the right one) and `keys`, each with `id`, `digest`, `created` and its
/// terms.
struct KeyStoreDocument {
    struct Problem: Error, Equatable {
        let reason: String
    }

    private static let version = 1
    private static let checkedMessage = Array("torii key store".utf8)

    private let pepperCheck: [UInt8]
    var keys: [APIKey]

    /// A document without keys.
    init(pepper: [UInt8]) {
        pepperCheck = MessageCode.code(of: Self.checkedMessage, key: pepper)
        keys = []
    }

    /// Whether the keys in it were hashed with this pepper.
    func wasMade(with pepper: [UInt8]) -> Bool {
        MessageCode.areEqual(MessageCode.code(of: Self.checkedMessage, key: pepper), pepperCheck)
    }

    init(_ bytes: [UInt8]) throws(Problem) {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue.parse(bytes)
        } catch {
            throw Problem(reason: "not valid JSON: \(error)")
        }
        guard value["version"]?.intValue == Self.version else {
            throw Problem(reason: "its `version` is not \(Self.version): a newer Torii made it?")
        }
        guard let check = value["pepper_check"]?.stringValue.flatMap({ HexText.bytes(of: $0) }),
            let elements = value["keys"]?.arrayValue
        else { throw Problem(reason: "`pepper_check` or `keys` is missing") }
        pepperCheck = check
        keys = []
        var names: Set<String> = []
        for (index, element) in elements.enumerated() {
            let key = try Self.key(element, at: index)
            guard names.insert(key.name).inserted, names.insert("id " + (key.id ?? "")).inserted
            else { throw Problem(reason: "keys[\(index)]: its name or id belongs to another key") }
            keys.append(key)
        }
    }

    private static func key(_ value: JSONValue, at index: Int) throws(Problem) -> APIKey {
        guard var members = value.objectValue,
            let id = members["id"]?.stringValue,
            let digest = members["digest"]?.stringValue.flatMap({ HexText.bytes(of: $0) }),
            digest.count == SHA256.byteCount,
            let created = members["created"]?.intValue
        else { throw Problem(reason: "keys[\(index)]: `id`, `digest` or `created` is wrong") }
        for name in ["id", "digest", "created"] { members[name] = nil }
        do throws(KeyTermsProblem) {
            let terms = try KeyTerms(members, now: created)
            return APIKey(id: id, digest: digest, terms: terms, created: created)
        } catch {
            throw Problem(reason: "keys[\(index)]: \(error)")
        }
    }

    /// The file's contents: a line for each key.
    var bytes: [UInt8] {
        let lines = keys.map { key in
            var members: JSONObject = [
                "id": .string(key.id ?? ""), "digest": .string(HexText.text(of: key.digest)),
                "created": .integer(key.created ?? 0),
            ]
            for (name, value) in key.terms.json.members { members[name] = value }
            return "        " + JSONValue.object(members).serialized()
        }
        let text = """
            {
                "version": \(Self.version),
                "pepper_check": "\(HexText.text(of: pepperCheck))",
                "keys": [
            \(lines.joined(separator: ",\n"))
                ]
            }

            """
        return Array(text.utf8)
    }
}
