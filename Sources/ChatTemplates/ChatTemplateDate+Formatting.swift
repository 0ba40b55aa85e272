extension ChatTemplateDate {
    private static let monthNames = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September",
        "October", "November", "December",
    ]
    private static let dayNames = [
        "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
    ]

    /// The day of the week, 0 for Sunday.
    private var weekday: Int {
        // Sakamoto's method.
        let offsets = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4]
        let year = month < 3 ? year - 1 : year
        let sum = year + year / 4 - year / 100 + year / 400 + offsets[monthIndex] + day
        return ((sum % 7) + 7) % 7
    }

    private var monthIndex: Int { min(max(month, 1), 12) - 1 }

    private var dayOfYear: Int {
        let before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334]
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return before[monthIndex] + day + (isLeap && month > 2 ? 1 : 0)
    }

    /// The moment in the form of C's `strftime` in the C locale; `%-d` leaves zeros out, and what is not
    /// known stays as it is.
    func formatted(_ format: String) -> String {
        var text = ""
        var scalars = Array(format.unicodeScalars)[...]
        while let scalar = scalars.popFirst() {
            guard scalar == "%", let next = scalars.first else {
                text.unicodeScalars.append(scalar)
                continue
            }
            scalars.removeFirst()
            if next == "-", let conversion = scalars.first {
                scalars.removeFirst()
                text += field(conversion, isPadded: false) ?? "%-\(conversion)"
            } else {
                text += field(next, isPadded: true) ?? "%\(next)"
            }
        }
        return text
    }

    private func field(_ conversion: Unicode.Scalar, isPadded: Bool) -> String? {
        func number(_ value: Int, _ width: Int = 2, _ fill: String = "0") -> String {
            let digits = String(value)
            guard isPadded, digits.count < width else { return digits }
            return String(repeating: fill, count: width - digits.count) + digits
        }
        let hour12 = hour % 12 == 0 ? 12 : hour % 12
        switch conversion {
        case "Y": return number(year, 4)
        case "y": return number(((year % 100) + 100) % 100)
        case "m": return number(month)
        case "d": return number(day)
        case "e": return number(day, 2, " ")
        case "H": return number(hour)
        case "I": return number(hour12)
        case "M": return number(minute)
        case "S": return number(second)
        case "j": return number(dayOfYear, 3)
        case "p": return hour < 12 ? "AM" : "PM"
        case "B": return Self.monthNames[monthIndex]
        case "b", "h": return String(Self.monthNames[monthIndex].prefix(3))
        case "A": return Self.dayNames[weekday]
        case "a": return String(Self.dayNames[weekday].prefix(3))
        case "w": return String(weekday)
        case "u": return String(weekday == 0 ? 7 : weekday)
        case "F": return formatted("%Y-%m-%d")
        case "T", "X": return formatted("%H:%M:%S")
        case "D", "x": return formatted("%m/%d/%y")
        case "R": return formatted("%H:%M")
        case "c": return formatted("%a %b %e %H:%M:%S %Y")
        case "n": return "\n"
        case "t": return "\t"
        case "%": return "%"
        default: return nil
        }
    }
}
