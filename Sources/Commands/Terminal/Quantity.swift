/// Numbers as people read them.
enum Quantity {
    /// A number of bytes with a binary unit and three figures: `1.23 GiB`.
    static func bytes(_ count: Int) -> String {
        scaled(Double(count), base: 1024, units: ["B", "KiB", "MiB", "GiB", "TiB"])
    }

    /// A count with a decimal unit and three figures: `135 M`.
    static func count(_ count: Int) -> String {
        scaled(Double(count), base: 1000, units: ["", "K", "M", "B", "T"])
    }

    /// A number with `decimals` figures after the point.
    static func decimal(_ value: Double, _ decimals: Int) -> String {
        guard value.isFinite else { return "-" }
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        let rounded = (value.magnitude * scale).rounded()
        guard rounded < 9e15 else { return "\(value)" }
        let digits = String(Int(rounded))
        let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
        let sign = value < 0 && rounded > 0 ? "-" : ""
        guard decimals > 0 else { return sign + padded }
        return sign + padded.dropLast(decimals) + "." + padded.suffix(decimals)
    }

    /// A time in seconds as one or two units: `5 s`, `12 min`, `3 h 20 min`, `2 d 4 h`.
    static func duration(seconds: Int) -> String {
        switch seconds {
        case ..<120: "\(max(0, seconds)) s"
        case ..<7200: "\(seconds / 60) min"
        case ..<172_800: "\(seconds / 3600) h \(seconds / 60 % 60) min"
        default: "\(seconds / 86400) d \(seconds / 3600 % 24) h"
        }
    }

    private static func scaled(_ value: Double, base: Double, units: [String]) -> String {
        var value = value
        var index = 0
        while value >= base, index < units.count - 1 {
            value /= base
            index += 1
        }
        let decimals = index == 0 ? 0 : value < 10 ? 2 : value < 100 ? 1 : 0
        let number = decimal(value, decimals)
        return units[index].isEmpty ? number : "\(number) \(units[index])"
    }
}
