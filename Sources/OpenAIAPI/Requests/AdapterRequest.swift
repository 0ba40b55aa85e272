package import JSON

/// A checked request to add an adapter to a model.
package struct AdapterRequest: Sendable, Hashable {
    /// What the part behind the model's name and a colon shall be; nil: what the path suggests.
    package var name: String?
    /// Where the adapter is on the server: an absolute path.
    package var path: String
    /// What its own scale is multiplied with.
    package var scale: Double
    /// Members that nobody knows.
    package var ignoredParameters: [String]

    /// Reads and checks a request body.
    ///
    /// - Parameters:
    ///   - body: The body.
    ///   - scales: Scales that make sense.
    /// - Returns: The request.
    /// - Throws: 400 with the `param` that is wrong.
    package static func parse(
        _ body: JSONValue,
        scales: ClosedRange<Double>
    ) throws(APIError) -> AdapterRequest {
        let reader = try ParameterReader(body: body)
        let path = try reader.required("path", try reader.string("path"))
        guard path.hasPrefix("/") else {
            throw .invalidRequest(
                "Invalid 'path': an absolute path on the server is needed.",
                parameter: "path"
            )
        }
        return AdapterRequest(
            name: try reader.string("name"),
            path: path,
            scale: try reader.number("scale", in: scales) ?? 1,
            ignoredParameters: try fields.check(reader.object)
        )
    }

    private static let fields = RequestFieldTable(RequestField.honoured("name", "path", "scale"))
}
