/// What the parser found: values by the canonical names of their options.
struct ParsedArguments: Sendable, Equatable {
    /// The command's name, for messages.
    let command: String
    var values: [String: [String]] = [:]
    var flags: Set<String> = []
    var positionals: [String] = []
    var wantsHelp = false

    init(command: String) {
        self.command = command
    }

    /// Whether the flag was given.
    func flag(_ name: String) -> Bool { flags.contains(name) }

    /// The option's value, or nil when it was not given.
    func string(_ name: String) -> String? { values[name]?.last }

    /// All values of an option that may repeat.
    func strings(_ name: String) -> [String] { values[name] ?? [] }

    /// The positional argument at `index`, or nil.
    func positional(_ index: Int) -> String? {
        index < positionals.count ? positionals[index] : nil
    }

    /// The option's value as a whole number within `range`.
    func integer(_ name: String, in range: ClosedRange<Int>) throws(UsageError) -> Int? {
        guard let text = string(name) else { return nil }
        guard let value = Int(text), range.contains(value) else {
            throw UsageError(
                command: command,
                problem: "\(name) \(text) is not a whole number from \(range.lowerBound) to "
                    + "\(range.upperBound)"
            )
        }
        return value
    }

    /// The option's value as whole numbers parted by commas, each within `range`.
    func integers(_ name: String, in range: ClosedRange<Int>) throws(UsageError) -> [Int]? {
        guard let text = string(name) else { return nil }
        let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
        var result: [Int] = []
        for number in numbers {
            guard let number, range.contains(number) else {
                throw UsageError(
                    command: command,
                    problem: "\(name) \(text) is not a list like 1,8,32 of whole numbers from "
                        + "\(range.lowerBound) to \(range.upperBound)"
                )
            }
            result.append(number)
        }
        return result
    }
}
