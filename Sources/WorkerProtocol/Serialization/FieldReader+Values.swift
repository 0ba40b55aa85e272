import JSON

// Fields of types that other targets own.

extension FieldReader {
    mutating func json() throws(WorkerProtocolError) -> JSONValue {
        let bytes = try byteArray()
        // Depth and size were bounded when the client's text was first read; a value inside it
        // can only be shallower, so one more level of limits suffices here.
        do {
            return try JSONValue.parse(bytes)
        } catch {
            throw .invalidJSON
        }
    }

    /// JSON that holds values of the client's inside others; see ``json()``.
    mutating func nestedJSON() throws(WorkerProtocolError) -> JSONValue {
        let limits = JSONLimits(maximumDepth: 4 * JSONLimits.default.maximumDepth)
        let bytes = try byteArray()
        do {
            return try JSONValue.parse(bytes, limits: limits)
        } catch {
            throw .invalidJSON
        }
    }

    mutating func jsonObject() throws(WorkerProtocolError) -> JSONObject {
        guard case .object(let object) = try json() else { throw .invalidJSON }
        return object
    }

    mutating func duration() throws(WorkerProtocolError) -> Duration {
        let nanoseconds: UInt64 = try integer()
        guard let signed = Int64(exactly: nanoseconds) else {
            throw .valueOutOfRange(field: "duration")
        }
        return .nanoseconds(signed)
    }

    /// A log-probability: never NaN, so that the gateway can order and print it.
    mutating func logprob() throws(WorkerProtocolError) -> Float {
        let value = try float()
        guard !value.isNaN else { throw .valueOutOfRange(field: "logprob") }
        return value
    }
}

extension FieldWriter {
    mutating func write(json value: JSONValue) { write(value.serializedBytes()) }

    /// Whole nanoseconds; negative durations become 0, those over 292 years that.
    mutating func write(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, sumOverflow) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        write(overflow || sumOverflow ? UInt64(Int64.max) : UInt64(max(0, sum)))
    }
}
