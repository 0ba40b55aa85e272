/// The operations of an OpenAPI document, read from the layout that ours has: paths are keys of two
/// spaces under `paths:`, methods keys of four.
struct OpenAPIDocument {
    /// `get /v1/models` and so on.
    let operations: Set<String>

    init(_ text: String) {
        let methods: Set<Substring> = ["get", "post", "put", "delete", "patch", "options", "head"]
        var operations: Set<String> = []
        var isInPaths = false
        var path: Substring = ""
        for line in text.split(separator: "\n") {
            let indentation = line.prefix { $0 == " " }.count
            guard let colon = line.firstIndex(of: ":") else { continue }
            let key = line[..<colon].drop { $0 == " " }
            if indentation == 0, !line.hasPrefix("#") { isInPaths = key == "paths" }
            guard isInPaths else { continue }
            if indentation == 2, line.last == ":" {
                path = line.dropLast().drop { $0 == " " || $0 == "\"" || $0 == "'" }
                while let last = path.last, last == "\"" || last == "'" { path.removeLast() }
            }
            if indentation == 4, methods.contains(key) { operations.insert("\(key) \(path)") }
        }
        self.operations = operations
    }
}
