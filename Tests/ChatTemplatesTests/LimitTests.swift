import ChatTemplates
import JSON
import Testing

/// Hostile templates end with an error, soon.
@Suite struct LimitTests {
    private func failure(
        _ source: String,
        _ arguments: JSONObject = [:],
        limits: ChatTemplateLimits = .default
    ) -> ChatTemplateError? {
        #expect(throws: ChatTemplateError.self) {
            _ = try ChatTemplate(source: source, limits: limits).render(arguments, now: goldenNow)
        }
    }

    @Test(arguments: [
        "{% for i in range(10**9) %}{% endfor %}",
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
        "{% for a in range(999) %}{% for b in range(999) %}{% for c in range(999) %}x{% endfor %}{% endfor %}{% endfor %}",
        "{{ 'x' * 10**12 }}", "{{ [1] * 10**12 }}", "{{ 'x'.center(10**12) }}",
        "{{ 'x' | indent(10**12, true) }}",
        "{{ 'x'.zfill(10**15) }}", "{{ [[]] | tojson(indent=10**12) }}",
        "{{ [1] | slice(10**12) | list }}",
        "{{ [1] | batch(10**12, 0) | list }}", "{{ '%999999999999d' % 1 ~ 'x' * 10**10 }}",
        "{% set ns = namespace(s='x') %}{% for i in range(99999) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(99999) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(200) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(200) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l | tojson }}",
        "{% set a = namespace(l=[1]) %}{% set b = namespace(l=[1]) %}{% for i in range(200) %}{% set a.l = [a.l, a.l] %}{% set b.l = [b.l, b.l] %}{% endfor %}{{ a.l == b.l }}",
        "{% set ns = namespace(l=[]) %}{% for i in range(99999) %}{% set ns.l = [ns.l] %}{% endfor %}",
        "{% set ns = namespace(l=[]) %}{% for i in range(99999) %}{% set ns.l = {'a': ns.l} %}{% endfor %}",
        "{% set ns = namespace(l=[]) %}{% for i in range(99999) %}{% set ns.l = [ns.l] | select %}{% endfor %}",
        "{% set ns = namespace(l=1) %}{% for i in range(99999) %}{% for x in [ns.l] %}{% set ns.l = loop %}{% endfor %}{% endfor %}",
        "{% set ns = namespace(l={}) %}{% for i in range(99999) %}{% set ns.l = dict(a=ns.l).items %}{% endfor %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% macro m() %}{% call m() %}{% endcall %}{% endmacro %}{{ m() }}",
        "{% macro m(f) %}{{ f(f) }}{% endmacro %}{{ m(m) }}",
        "{% set s = 'a' * 100000 %}{% for i in range(99999) %}{{ s.replace('a', 'b') | length }}{% endfor %}",
        "{% set s = 'a' * 100000 %}{{ s.replace('a', s) }}",
        "{% set s = 'a' * 100000 %}{{ s | list | join(s) }}",
        "{% set s = 'a' * 1000000 %}{% for i in range(99999) %}{% if 'b' in s %}{% endif %}{% endfor %}",
        "{% set s = 'a' * 1000000 %}{% for i in range(99999) %}{% if s[::2] %}{% endif %}{% endfor %}",
        "{% set l = range(99999) | list %}{% for i in l %}{% if -1 in l %}{% endif %}{% endfor %}",
        "{% set l = range(99999) | list %}{% for i in l %}{{ l | sort | first }}{% endfor %}",
        "{% set x = 2 ** 1000 %}", "{{ 9223372036854775807 + 1 }}",
        "{{ -9223372036854775807 - 2 }}",
    ])
    func `stops a template that wants too much`(source: String) {
        #expect(failure(source)?.kind == .limit, "\(source)")
    }

    @Test func `stops within a bounded number of steps`() {
        let limits = ChatTemplateLimits(maximumStepCount: 1000)
        let error = failure("{% for i in range(900) %}{{ i }}{% endfor %}", limits: limits)
        #expect(error?.kind == .limit)
        #expect(error?.message.contains("1000 steps") == true)
    }

    @Test func `stops at the output limit`() {
        let limits = ChatTemplateLimits(maximumOutputByteCount: 100)
        #expect(failure("{{ 'x' * 101 }}", limits: limits)?.kind == .limit)
        #expect(failure("{% for i in range(99) %}xx{% endfor %}", limits: limits)?.kind == .limit)
    }

    @Test func `lets the limits grow with the conversation`() throws {
        let message: JSONValue = [
            "role": "user", "content": .string(String(repeating: "x", count: 1000)),
        ]
        let messages = JSONValue.array(Array(repeating: message, count: 20_000))
        let source =
            "{% for m in messages %}{{ m.role | upper | trim }}: {{ m.content | trim }}{% endfor %}"
        let prompt = try ChatTemplate(source: source).render(["messages": messages], now: goldenNow)
        #expect(prompt.text.utf8.count == 20_000 * 1006)
    }

    @Test(arguments: [
        String(repeating: "(", count: 100_000), String(repeating: "[", count: 100_000),
        String(repeating: "not ", count: 100_000), String(repeating: "-", count: 100_000),
        "x" + String(repeating: ".y", count: 100_000),
        "x" + String(repeating: "|y", count: 100_000),
        "x" + String(repeating: "[0", count: 100_000),
        "x" + String(repeating: "(0", count: 100_000),
        String(repeating: "1 if 1 else ", count: 100_000), String(repeating: "{1:", count: 100_000),
        "x" + String(repeating: " is y", count: 100_000),
    ])
    func `refuses an expression that is nested too deep`(source: String) {
        #expect(throws: ChatTemplateError.self) {
            _ = try ChatTemplate(source: "{{ \(source)")
        }
    }

    @Test func `refuses statements that are nested too deep and sources that are too long`() {
        let nested = String(repeating: "{% if 1 %}", count: 50_000)
        #expect(throws: ChatTemplateError.self) { _ = try ChatTemplate(source: nested) }
        let long = String(repeating: "x", count: 2 << 20)
        #expect(failure(long)?.kind == .limit)
    }

    @Test func `takes long chains, which are not nested`() throws {
        let sum = String(repeating: "1 + ", count: 20_000) + "1"
        let both = String(repeating: "true and ", count: 20_000) + "true"
        let text = String(repeating: "'a' ~ ", count: 20_000) + "''"
        let source = "{{ \(sum) }} {{ \(both) }} {{ (\(text)) | length }}"
        let prompt = try ChatTemplate(source: source).render([:], now: goldenNow)
        #expect(prompt.text == "20001 True 20000")
    }

    @Test(arguments: [
        "{{ ''.__class__ }}", "{{ messages.__len__ }}", "{{ range.__globals__ }}",
        "{{ loop.__init__ }}",
        "{{ namespace().__class__ }}", "{{ messages['__class__'] }}",
        "{{ '{0.__class__}'.format('x') }}",
        "{% for x in [1] %}{{ loop.__class__ }}{% endfor %}", "{{ messages | attr('__class__') }}",
        "{{ ['x'] | map(attribute='__class__') | list }}",
    ])
    func `finds nothing behind Python's inner names`(source: String) throws {
        let template = try ChatTemplate(source: source)
        let text = try? template.render(["messages": []], now: goldenNow).text
        #expect(text == nil || text == "" || text == "[Undefined]")
    }
}
