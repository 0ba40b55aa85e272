/// One option of a command, as the parser and the help text need it.
struct OptionSpecification: Sendable, Equatable {
    /// Spellings with their dashes, the canonical one first: `--prompt-tokens`, `-p`.
    let names: [String]
    /// What the help calls the value; nil makes the option a flag.
    let valueName: String?
    /// Whether it may be given more than once.
    let canRepeat: Bool
    /// One line of help.
    let help: String

    /// An option that takes a value.
    static func value(
        _ names: String...,
        name: String,
        canRepeat: Bool = false,
        help: String
    ) -> OptionSpecification {
        OptionSpecification(names: names, valueName: name, canRepeat: canRepeat, help: help)
    }

    /// An option without a value.
    static func flag(_ names: String..., help: String) -> OptionSpecification {
        OptionSpecification(names: names, valueName: nil, canRepeat: false, help: help)
    }

    /// The name under which parsed values are kept.
    var canonicalName: String { names[0] }
}

/// One positional argument of a command.
struct PositionalSpecification: Sendable, Equatable {
    /// What the help calls it, in capitals.
    let name: String
    /// Whether it may be left out.
    var isOptional = false
    /// Whether it takes all remaining arguments.
    var canRepeat = false
    /// One line of help.
    let help: String
}
