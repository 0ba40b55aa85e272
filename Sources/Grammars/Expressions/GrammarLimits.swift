/// Bounds on a grammar and on what it may cost while it constrains an output.
///
/// They bound the time too: compiling does a bounded amount of work for each state, and so does
/// every step of the output.
package struct GrammarLimits: Sendable, Hashable {
    /// The size of one schema, regular expression or GBNF text, in bytes.
    package var maximumSourceByteCount = 512 << 10
    /// How deep schemas, groups and expressions may stand inside one another.
    package var maximumDepth = 64
    /// States of the compiled automaton.
    package var maximumStateCount = 250_000
    /// Rules of the compiled grammar, which are also the distinct parts of a schema.
    package var maximumRuleCount = 20_000
    /// States of one deterministic automaton over characters, made where a string has to obey
    /// several keywords at once.
    package var maximumAutomatonStateCount = 6_000
    /// Ways to combine `anyOf`, `oneOf` and `allOf` of one place in a schema.
    package var maximumAlternativeCount = 256
    /// The highest count of a repetition of something that isn't a single character class.
    package var maximumRepetitionCount = 1_000_000
    /// Parse states kept for one grammar; beyond it they are forgotten and made again.
    package var maximumParseStateCount = 60_000
    /// Places of the grammar that one parse state may be at; more means that the grammar is too
    /// ambiguous to follow.
    package var maximumItemCount = 4_096
    /// Memory of the masks kept for one grammar, in bytes.
    package var maximumMaskByteCount = 4 << 20

    /// The bounds in use.
    package static let `default` = GrammarLimits()
}
