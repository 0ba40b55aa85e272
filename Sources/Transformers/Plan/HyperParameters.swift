import ModelFiles

/// Looks up the keys of one architecture in a file's metadata and checks their ranges.
///
/// Keys are named without the architecture's prefix, which errors show.
struct HyperParameters {
    let metadata: GGUFMetadata
    /// The architecture's name, which its keys begin with.
    let prefix: String

    func key(_ suffix: String) -> String {
        "\(prefix).\(suffix)"
    }

    /// The value is outside what the architecture or the kernels allow.
    func invalid(_ suffix: String, _ value: some Any, _ reason: String) -> ModelError {
        .invalidKey(key(suffix), value: "\(value)", reason: reason)
    }

    func integer(_ suffix: String, in range: ClosedRange<Int>) throws(ModelError) -> Int? {
        guard let value = try read(metadata.integer(_:), suffix) else { return nil }
        try check(value, suffix, range)
        return value
    }

    func required(_ suffix: String, in range: ClosedRange<Int>) throws(ModelError) -> Int {
        guard let value = try integer(suffix, in: range) else { throw .missingKey(key(suffix)) }
        return value
    }

    /// A number that may be given for each layer; the layers must agree.
    func uniform(
        _ suffix: String,
        in range: ClosedRange<Int>,
        layerCount: Int
    ) throws(ModelError) -> Int? {
        guard metadata.type(of: key(suffix))?.elementType != nil else {
            return try integer(suffix, in: range)
        }
        let values = try read(metadata.integers(_:), suffix) ?? []
        guard let first = values.first, values.count == layerCount else {
            throw invalid(
                suffix,
                "a list of \(values.count)",
                "it is one number, or one for each of the \(layerCount) layers"
            )
        }
        try check(first, suffix, range)
        guard values.allSatisfy({ $0 == first }) else {
            throw invalid(
                suffix,
                values.prefix(8),
                "layers of different widths are not supported yet"
            )
        }
        return first
    }

    /// A finite number above zero; zero counts as absent, as converters write it.
    func positive(_ suffix: String) throws(ModelError) -> Double? {
        guard let value = try read(metadata.double(_:), suffix), value != 0 else { return nil }
        guard value.isFinite, value > 0 else { throw invalid(suffix, value, "it is positive") }
        return value
    }

    func positive(_ suffix: String, default value: Double) throws(ModelError) -> Double {
        try positive(suffix) ?? value
    }

    func flag(_ suffix: String) throws(ModelError) -> Bool? {
        try read(metadata.bool(_:), suffix)
    }

    func string(_ suffix: String) throws(ModelError) -> String? {
        try read(metadata.string(_:), suffix)
    }

    /// The term under the root of a norm.
    func epsilon(_ suffix: String) throws(ModelError) -> Float {
        guard let value = try read(metadata.double(_:), suffix) else {
            throw .missingKey(key(suffix))
        }
        guard value >= 0, value < 1 else {
            throw invalid(suffix, value, "it is from 0 to below 1")
        }
        return Float(value)
    }

    /// Which layers attend within a window only: `attention.sliding_window_pattern`, as a flag for
    /// each layer or as a period whose last layer sees everything.
    ///
    /// - Parameters:
    ///   - period: What the architecture does when its files say nothing.
    ///   - layerCount: The number of layers.
    /// - Returns: A flag for each layer.
    /// - Throws: `ModelError` naming the key.
    func windowedLayers(period: Int, layerCount: Int) throws(ModelError) -> [Bool] {
        let suffix = "attention.sliding_window_pattern"
        if metadata.type(of: key(suffix))?.elementType != nil {
            let flags = try read(metadata.bools(_:), suffix) ?? []
            guard flags.count == layerCount else {
                throw invalid(
                    suffix,
                    "a list of \(flags.count)",
                    "it is a period, or a flag for each of the \(layerCount) layers"
                )
            }
            return flags
        }
        let period = try integer(suffix, in: 0...1024) ?? period
        return (0..<layerCount).map { period == 0 || $0 % period < period - 1 }
    }

    private func read<Value>(
        _ body: (String) throws(GGUFError) -> Value?,
        _ suffix: String
    ) throws(ModelError) -> Value? {
        do {
            return try body(key(suffix))
        } catch {
            throw .file(error)
        }
    }

    private func check(
        _ value: Int,
        _ suffix: String,
        _ range: ClosedRange<Int>
    ) throws(ModelError) {
        guard range.contains(value) else {
            throw invalid(suffix, value, "it is from \(range.lowerBound) to \(range.upperBound)")
        }
    }
}
