import FoundationEssentials
import Platform

/// Reads a configuration file: JSON5, so comments, trailing commas and bare keys are welcome.
package enum ConfigurationFile {
    /// The bytes of the file at `path`, at most a few more than `parse` takes.
    static func contents(of path: String) throws(ConfigurationProblem) -> [UInt8] {
        do {
            let limit = SettingLimits.maximumFileByteCount + 1
            return try Files.contents(of: path, maximumByteCount: limit)
        } catch {
            let message = "cannot be read: \(error.reason)"
            throw ConfigurationProblem(source: path, key: "", message: message)
        }
    }

    /// The settings in `bytes`; `source` names it in problems, which name the line.
    package static func parse(
        _ bytes: [UInt8],
        source: String
    ) throws(ConfigurationProblem) -> DaemonSettings {
        func problem(_ path: [String], _ message: String) -> ConfigurationProblem {
            ConfigurationProblem(
                source: source,
                line: JSON5Syntax.line(of: path, in: bytes),
                key: path.joined(separator: "."),
                message: message
            )
        }
        guard bytes.count <= SettingLimits.maximumFileByteCount else {
            let limit = SettingLimits.maximumFileByteCount
            throw problem([], "has \(bytes.count) bytes, at most \(limit) are read")
        }
        if let place = JSON5Syntax.firstError(in: bytes) {
            throw problem([], "line \(place.line), column \(place.column): \(place.message)")
        }
        let decoder = JSONDecoder()
        decoder.allowsJSON5 = true
        do {
            return try decoder.decode(DaemonSettings.self, from: Data(bytes))
        } catch let error as SettingError {
            throw problem(error.path, error.message)
        } catch let error as DecodingError {
            switch error {
            case .typeMismatch(let type, let context):
                throw problem(context.codingPath.map(keyName), "must be \(name(of: type))")
            case .valueNotFound(let type, let context):
                throw problem(context.codingPath.map(keyName), "must be \(name(of: type))")
            case .keyNotFound(let key, let context):
                throw problem(context.codingPath.map(keyName) + [key.stringValue], "is missing")
            case .dataCorrupted(let context):
                throw problem(context.codingPath.map(keyName), context.debugDescription)
            @unknown default:
                throw problem([], "cannot be read")
            }
        } catch {
            throw problem([], "cannot be read: \(error)")
        }
    }

    private static func keyName(_ key: any CodingKey) -> String {
        key.intValue.map { "\($0)" } ?? key.stringValue
    }

    private static func name(of type: any Any.Type) -> String {
        let name = "\(type)"
        if name.hasPrefix("Dictionary") { return "an object like { … }" }
        if name.hasPrefix("Array") { return "a list like [ … ]" }
        switch name {
        case "String": return "text in quotes"
        case "Bool": return "true or false"
        case "Double", "Int": return "a number"
        default: return "a \(name)"
        }
    }
}
