/// The parts of JSON's syntax that schemas are made of.
///
/// White space: models write either compact JSON, JSON with a space behind `:` and `,`, or indented
/// lines. So behind `:` one space may stand, and where a line may break, behind `{`, `[` and `,` and
/// before `}` and `]`, nothing, one space, or a line break with up to 32 spaces or 8 tabs. There is
/// none before or behind the whole value, and nowhere can it go on without end.
enum JSONSyntax {
    static let lineBreak = GrammarNode.choice([
        .empty, .text(" "),
        .sequence([
            .text("\n"),
            .choice([
                .repetition(.text(" "), minimum: 0, maximum: 32),
                .repetition(.text("\t"), minimum: 1, maximum: 8),
            ]),
        ]),
    ])

    static let colon = GrammarNode.sequence([.text(":"), .optional(.text(" "))])
}
