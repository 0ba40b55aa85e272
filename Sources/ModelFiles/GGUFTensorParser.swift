import Tensors

/// Parses the tensor descriptions and places the tensors in the file.
///
/// Holds the invariants that every file from known tools obeys: names are unique and shorter than
/// 64 bytes, rows are whole quantised blocks, a tensor starts where the one before it ended (rounded
/// up to the alignment), and all of it lies in the file.
enum GGUFTensorParser {
    private static let maximumNameByteCount: UInt64 = 63
    private static let maximumDimensionCount: UInt32 = 4

    private struct Description {
        var name: String
        var type: TensorType
        var dimensions: [Int]
        var byteCount: Int
        var offset: UInt64
    }

    static func parse(
        _ cursor: inout GGUFCursor,
        count: UInt64,
        alignment: Int,
        partIndex: Int
    ) throws(GGUFError) -> [GGUFTensor] {
        var descriptions: [Description] = []
        var names = Set<String>()
        for index in 0..<Int(count) {
            let description = try parseOne(&cursor, index: index)
            guard names.insert(description.name).inserted else {
                throw cursor.error(.duplicateTensor(description.name))
            }
            descriptions.append(description)
        }
        return try place(
            descriptions,
            cursor: cursor,
            alignment: UInt64(alignment),
            partIndex: partIndex
        )
    }

    private static func parseOne(
        _ cursor: inout GGUFCursor,
        index: Int
    ) throws(GGUFError) -> Description {
        let range = try cursor.string(
            maximumByteCount: maximumNameByteCount,
            field: "the name of tensor number \(index)"
        )
        guard let name = String(validating: cursor.bytes(in: range), as: UTF8.self) else {
            throw cursor.error(.invalidTensorName(index: index, reason: "has a name not in UTF-8"))
        }
        guard !name.isEmpty else {
            throw cursor.error(.invalidTensorName(index: index, reason: "has an empty name"))
        }
        let field = "the description of tensor \"\(name)\""
        let dimensionCount = try cursor.integer(UInt32.self, field: field)
        guard dimensionCount <= maximumDimensionCount else {
            let reason = "has \(dimensionCount) dimensions; at most 4 are possible"
            throw cursor.error(.invalidTensor(name: name, reason: reason))
        }
        var dimensions: [Int] = []
        for _ in 0..<dimensionCount {
            let length = try cursor.integer(Int64.self, field: field)
            guard length >= 0 else {
                let reason = "has the negative length \(length)"
                throw cursor.error(.invalidTensor(name: name, reason: reason))
            }
            dimensions.append(Int(length))
        }
        let id = try cursor.integer(UInt32.self, field: field)
        guard let type = TensorType(rawValue: id) else {
            throw cursor.error(.unknownTensorType(tensor: name, id: id))
        }
        return Description(
            name: name,
            type: type,
            dimensions: dimensions,
            byteCount: try byteCount(type, dimensions, name: name, cursor: cursor),
            offset: try cursor.integer(UInt64.self, field: field)
        )
    }

    private static func byteCount(
        _ type: TensorType,
        _ dimensions: [Int],
        name: String,
        cursor: GGUFCursor
    ) throws(GGUFError) -> Int {
        let columns = dimensions.first ?? 1
        guard columns % type.blockElementCount == 0 else {
            let reason =
                "has rows of \(columns) elements, not a multiple of the "
                + "\(type.blockElementCount) that \(type) stores together"
            throw cursor.error(.invalidTensor(name: name, reason: reason))
        }
        var bytes = type.rowByteCount(elementCount: columns)
        var elements: Int? = columns
        for length in dimensions.dropFirst() {
            bytes = bytes?.product(length)
            elements = elements?.product(length)
        }
        guard let bytes, elements != nil else {
            let reason = "has the dimensions \(dimensions), whose product overflows"
            throw cursor.error(.invalidTensor(name: name, reason: reason))
        }
        return bytes
    }

    private static func place(
        _ descriptions: [Description],
        cursor: GGUFCursor,
        alignment: UInt64,
        partIndex: Int
    ) throws(GGUFError) -> [GGUFTensor] {
        // The header is at most some 100 MB and the alignment below 2^32: no overflow.
        let dataStart = (UInt64(cursor.position) + alignment - 1) / alignment * alignment
        var expectedOffset: UInt64 = 0
        var tensors: [GGUFTensor] = []
        tensors.reserveCapacity(descriptions.count)
        for description in descriptions {
            guard description.offset == expectedOffset else {
                let reason =
                    "starts at byte \(description.offset) of the data instead of "
                    + "\(expectedOffset); the file is damaged"
                throw cursor.error(.invalidTensor(name: description.name, reason: reason))
            }
            // Neither sum overflows: an offset is at most the file's length plus the alignment, as
            // the tensor before it was checked, and both others fit 63 bits.
            let start = dataStart + description.offset
            let end = start + UInt64(description.byteCount)
            guard end <= cursor.fileByteCount || description.byteCount == 0 else {
                throw cursor.error(
                    .tensorBeyondEnd(
                        name: description.name,
                        end: end,
                        fileByteCount: cursor.fileByteCount
                    )
                )
            }
            expectedOffset +=
                (UInt64(description.byteCount) + alignment - 1) / alignment * alignment
            tensors.append(
                GGUFTensor(
                    name: description.name,
                    type: description.type,
                    dimensions: description.dimensions,
                    byteCount: description.byteCount,
                    partIndex: partIndex,
                    fileOffset: Int(start)
                )
            )
        }
        return tensors
    }
}

extension Int {
    /// The product, or nil if it overflows.
    fileprivate func product(_ other: Int) -> Int? {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? nil : product
    }
}
