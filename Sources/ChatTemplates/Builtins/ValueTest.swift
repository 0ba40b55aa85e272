/// The tests behind `is`.
enum ValueTest: String {
    case defined, undefined, none, boolean, integer, float, number, string, mapping, sequence,
        iterable
    case callable, odd, even, divisibleby, lower, upper, sameas, escaped, filter, test
    case isTrue = "true"
    case isFalse = "false"
    case isIn = "in"
    case equalto, eq, ne, lt, le, gt, ge, lessthan, greaterthan
    case equalSign = "=="
    case notEqualSign = "!="
    case lessSign = "<"
    case lessEqualSign = "<="
    case greaterSign = ">"
    case greaterEqualSign = ">="

    /// The comparison that the test is a name for.
    fileprivate var comparison: Comparison? {
        switch self {
        case .equalto, .eq, .equalSign: .equal
        case .ne, .notEqualSign: .notEqual
        case .lt, .lessthan, .lessSign: .less
        case .le, .lessEqualSign: .lessOrEqual
        case .gt, .greaterthan, .greaterSign: .greater
        case .ge, .greaterEqualSign: .greaterOrEqual
        case .isIn: .isIn
        default: nil
        }
    }
}

extension Evaluator {
    /// Whether a test holds for a value.
    func test(
        _ value: TemplateValue,
        _ name: String,
        _ given: CallArguments
    ) throws(ChatTemplateError) -> Bool {
        guard let test = ValueTest(rawValue: name) else {
            throw ChatTemplateError(.unsupported, "there is no test '\(name)'")
        }
        var arguments = given
        let result: Bool
        if let comparison = test.comparison {
            result = try compare(value, comparison, try arguments.require("other"))
        } else {
            result = try self.test(value, test, &arguments)
        }
        try arguments.finish()
        return result
    }

    private func test(
        _ value: TemplateValue,
        _ test: ValueTest,
        _ arguments: inout CallArguments
    ) throws(ChatTemplateError) -> Bool {
        switch test {
        case .divisibleby:
            let divisor = try arguments.require("num")
            let rest = try calculate(.remainder, value, divisor)
            return !rest.isTruthy
        case .odd, .even:
            let rest = try calculate(.remainder, value, .integer(2))
            return rest.isTruthy == (test == .odd)
        case .sameas:
            return try isSame(value, try arguments.require("other"))
        case .lower, .upper:
            let text = try printedText(of: value)
            return try TextMethod(rawValue: test == .lower ? "islower" : "isupper")?
                .call(text, CallArguments(), evaluator: self).isTruthy ?? false
        case .filter: return ValueFilter(rawValue: try printedText(of: value).string) != nil
        case .test: return ValueTest(rawValue: try printedText(of: value).string) != nil
        default: return Self.kind(of: value, is: test)
        }
    }

    private func isSame(
        _ value: TemplateValue,
        _ other: TemplateValue
    ) throws(ChatTemplateError) -> Bool {
        switch (value, other) {
        case (.bool(let left), .bool(let right)): left == right
        case (.bool, _), (_, .bool): false
        case (.integer, .float), (.float, .integer): false
        default: try areEqual(value, other)
        }
    }

    private static func kind(of value: TemplateValue, is test: ValueTest) -> Bool {
        switch (test, value) {
        case (.defined, .undefined), (.undefined, .undefined): test == .undefined
        case (.defined, _): true
        case (.none, .none): true
        case (.boolean, .bool), (.integer, .integer), (.float, .float), (.string, .text): true
        case (.number, .bool), (.number, .integer), (.number, .float): true
        case (.isTrue, .bool(let value)): value
        case (.isFalse, .bool(let value)): !value
        case (.mapping, .mapping): true
        case (.sequence, .text), (.sequence, .mapping), (.sequence, .undefined): true
        case (.sequence, .sequence(let sequence)): sequence.kind != .view
        case (.iterable, .text), (.iterable, .mapping), (.iterable, .undefined),
            (.iterable, .sequence), (.iterable, .iterator), (.iterable, .loop):
            true
        case (.callable, .callable): true
        case (.callable, .loop): true
        default: false
        }
    }
}
