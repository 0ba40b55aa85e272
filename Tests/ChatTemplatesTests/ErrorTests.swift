import ChatTemplates
import JSON
import Testing

@Suite struct ChatTemplateErrorTests {
    @Test(arguments: [
        ("a\n{{ x.y }}", ChatTemplateError.Kind.undefined, 2, 6, "'x' is undefined"),
        ("{% if 1 %}\n\n  {{ 'a' + 1 }}{% endif %}", .type, 3, 6, "'+' does not fit str and int"),
        ("{{ 'é' }}{{ nope | frob }}", .unsupported, 1, 20, "no filter 'frob'"),
        ("x{% for %}", .syntax, 1, 9, "expected a name but found '%}'"),
        ("{% if 1 %}x", .syntax, 1, 12, "ends before '{% endif %}'"),
        ("ab\r\ncd{{ \"x }}", .syntax, 2, 6, "no closing quote"),
        ("{% frob %}", .syntax, 1, 4, "no tag 'frob'"),
        ("{% include 'x' %}", .unsupported, 1, 4, "'include' is not available"),
        ("{# never", .syntax, 1, 1, "no '#}'"),
        ("{{ raise_exception('no way') }}", .raised, 1, 19, "no way"),
        (
            "{% macro m(a) %}\n{{ a.b.c }}{% endmacro %}{{ m({}) }}", .undefined, 2, 8,
            "no attribute 'b'"
        ),
        ("{{ [1].append(2) }}", .undefined, 1, 14, "cannot do"),
    ])
    func `names the place and what is wrong`(
        source: String,
        kind: ChatTemplateError.Kind,
        line: Int,
        column: Int,
        words: String
    ) {
        let error = #expect(throws: ChatTemplateError.self) {
            _ = try ChatTemplate(source: source).render([:], now: goldenNow)
        }
        #expect(error?.kind == kind)
        #expect(error?.line == line)
        #expect(error?.column == column)
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
    }

    @Test func `prints the place in front of the message`() {
        let error = #expect(throws: ChatTemplateError.self) {
            try ChatTemplate(source: "\n{{ ) }}")
        }
        #expect(error?.description == "chat template, line 2, column 4: ')' closes nothing here")
    }
}
