/// Arithmetic on numbers as Python does it, with integers bounded to 64 bits.
enum Arithmetic {
    static func calculate(
        _ operation: ArithmeticOperation,
        _ left: TemplateNumber,
        _ right: TemplateNumber
    ) throws(ChatTemplateError) -> TemplateValue {
        if operation != .divide, case .integer(let left) = left, case .integer(let right) = right {
            if operation == .power, right < 0 { return .float(power(Double(left), right)) }
            return .integer(try calculate(operation, left, right))
        }
        return .float(try calculate(operation, left.double, right))
    }

    private static func calculate(
        _ operation: ArithmeticOperation,
        _ left: Int,
        _ right: Int
    ) throws(ChatTemplateError) -> Int {
        let (result, overflow): (Int, Bool)
        switch operation {
        case .add: (result, overflow) = left.addingReportingOverflow(right)
        case .subtract: (result, overflow) = left.subtractingReportingOverflow(right)
        case .multiply: (result, overflow) = left.multipliedReportingOverflow(by: right)
        case .divideWhole, .divide, .remainder:
            guard right != 0 else { throw ChatTemplateError(.type, "division by zero") }
            let (quotient, tooLarge) = left.dividedReportingOverflow(by: right)
            let rest = tooLarge ? 0 : left % right
            // Python rounds towards minus infinity, and the remainder has the divisor's sign.
            let isInexact = rest != 0 && (rest < 0) != (right < 0)
            if operation == .remainder { return isInexact ? rest + right : rest }
            (result, overflow) = (isInexact ? quotient - 1 : quotient, tooLarge)
        case .power:
            var product = 1
            var didOverflow = false
            // Beyond 64 factors only 0, 1 and -1 do not overflow.
            let factorCount = right > 64 ? 64 + right % 2 : right
            for _ in 0..<factorCount where !didOverflow {
                (product, didOverflow) = product.multipliedReportingOverflow(by: left)
            }
            (result, overflow) = (product, didOverflow)
        }
        guard !overflow else {
            throw ChatTemplateError(.limit, "an integer is too large for 64 bits")
        }
        return result
    }

    private static func calculate(
        _ operation: ArithmeticOperation,
        _ left: Double,
        _ rightNumber: TemplateNumber
    ) throws(ChatTemplateError) -> Double {
        let right = rightNumber.double
        switch operation {
        case .add: return left + right
        case .subtract: return left - right
        case .multiply: return left * right
        case .power:
            guard case .integer(let exponent) = rightNumber else {
                throw ChatTemplateError(.unsupported, "'**' needs an integer exponent")
            }
            return power(left, exponent)
        case .divide, .divideWhole, .remainder:
            guard right != 0 else { throw ChatTemplateError(.type, "division by zero") }
            if operation == .divide { return left / right }
            var rest = left.truncatingRemainder(dividingBy: right)
            if rest != 0, (rest < 0) != (right < 0) { rest += right }
            return operation == .remainder ? rest : ((left - rest) / right).rounded()
        }
    }

    /// A whole power by squaring.
    private static func power(_ base: Double, _ exponent: Int) -> Double {
        var result = 1.0
        var factor = base
        var rest = exponent.magnitude
        while rest > 0 {
            if rest & 1 == 1 { result *= factor }
            factor *= factor
            rest >>= 1
        }
        return exponent < 0 ? 1 / result : result
    }
}
