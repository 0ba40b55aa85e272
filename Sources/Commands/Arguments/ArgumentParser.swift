/// Turns the words after a command's name into values, by its specification.
///
/// Understands `--name value`, `--name=value`, `-n value`, `-n=value`, and `--` before words that
/// begin with a dash. Pure.
struct ArgumentParser: Sendable {
    let specification: CommandSpecification

    /// The values in `words`, or the first mistake in them.
    func parse(_ words: [String]) throws(UsageError) -> ParsedArguments {
        var result = ParsedArguments(command: specification.name)
        var rest = words[...]
        var optionsEnded = false
        while let word = rest.popFirst() {
            if optionsEnded || !word.hasPrefix("-") || word == "-" {
                result.positionals.append(word)
            } else if word == "--" {
                optionsEnded = true
            } else {
                try parseOption(word, rest: &rest, into: &result)
            }
        }
        if !result.wantsHelp { try checkPositionals(result.positionals) }
        return result
    }

    private func parseOption(
        _ word: String,
        rest: inout ArraySlice<String>,
        into result: inout ParsedArguments
    ) throws(UsageError) {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0])
        if CommandSpecification.helpOption.names.contains(name) {
            result.wantsHelp = true
            return
        }
        guard let option = specification.options.first(where: { $0.names.contains(name) }) else {
            throw error("unknown option \(name)")
        }
        let key = option.canonicalName
        guard option.valueName != nil else {
            guard parts.count == 1 else { throw error("\(name) takes no value") }
            result.flags.insert(key)
            return
        }
        let value: String
        if parts.count == 2 {
            value = String(parts[1])
        } else if let next = rest.popFirst() {
            value = next
        } else {
            throw error("\(name) needs a value: \(name) \(option.valueName ?? "VALUE")")
        }
        if result.values[key] != nil, !option.canRepeat {
            throw error("\(name) is given twice")
        }
        result.values[key, default: []].append(value)
    }

    private func checkPositionals(_ words: [String]) throws(UsageError) {
        let positionals = specification.positionals
        let required = positionals.filter { !$0.isOptional }
        if words.count < required.count {
            throw error("\(required[words.count].name) is missing")
        }
        let isOpenEnded = positionals.last?.canRepeat == true
        if words.count > positionals.count, !isOpenEnded {
            throw error("unexpected argument \(words[positionals.count])")
        }
    }

    private func error(_ problem: String) -> UsageError {
        UsageError(command: specification.name, problem: problem)
    }
}
