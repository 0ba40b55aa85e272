import JSON
import Tensors

/// One file of weights in the safetensors format: which tensors it has, and where they lie.
///
/// The file starts with the length of a JSON object that describes the tensors, then that object, then
/// their data. Everything it says is checked: each tensor's bytes are as many as its shape takes, all lie
/// in the file, and together they fill it without gaps or overlaps.
///
/// The format: https://github.com/huggingface/safetensors
struct SafetensorsFile {
    /// A tensor of the file.
    struct Tensor: Sendable, Hashable {
        var name: String
        var type: TensorType
        /// Lengths, **slowest first**: for a matrix `[rows, columns]`.
        var shape: [Int]
        /// Where the data starts, in bytes from the start of the file.
        var fileOffset: Int
        var byteCount: Int
        /// Where the data lies in the file.
        var range: Range<Int> { fileOffset..<fileOffset + byteCount }
    }

    /// The authors' own limit for the describing part.
    static let maximumHeaderByteCount = 100_000_000
    private static let maximumDimensionCount = 4

    let tensors: [Tensor]

    /// Parses the describing part of a file of `byteCount` bytes.
    ///
    /// - Parameters:
    ///   - path: The file, for errors.
    ///   - byteCount: Its length.
    ///   - read: Gives the bytes of a range that lies in the file.
    /// - Throws: What is wrong with the file, naming the tensor.
    init(
        path: String,
        byteCount: Int,
        read: (Range<Int>) throws(GGUFError) -> [UInt8]
    ) throws(GGUFError) {
        func refusal(_ reason: String) -> GGUFError {
            GGUFError(path: path, problem: .invalidFolder(reason: reason))
        }
        guard byteCount >= 8 else { throw refusal("is too short to be a safetensors file") }
        let length = try read(0..<8).littleEndian(UInt64.self, at: 0)
        guard length <= UInt64(Self.maximumHeaderByteCount), Int(length) <= byteCount - 8 else {
            throw refusal(
                "says that \(length) bytes describe its tensors, and has \(byteCount) in all; "
                    + "it is no safetensors file, or was cut"
            )
        }
        let dataStart = 8 + Int(length)
        let headerBytes = try read(8..<dataStart)
        let header: JSONValue
        do throws(JSONError) {
            header = try JSONValue.parse(
                headerBytes,
                limits: JSONLimits(
                    maximumDepth: 8,
                    maximumByteCount: Self.maximumHeaderByteCount,
                    maximumNodeCount: 8_000_000
                )
            )
        } catch {
            throw refusal("has a damaged header: \(error)")
        }
        guard let members = header.objectValue?.members else {
            throw refusal("has a header that is no JSON object")
        }
        var tensors: [Tensor] = []
        tensors.reserveCapacity(members.count)
        for (name, value) in members where name != "__metadata__" {
            do throws(Refusal) {
                tensors.append(
                    try Self.tensor(name, value, dataStart: dataStart, end: byteCount)
                )
            } catch {
                throw GGUFError(
                    path: path,
                    problem: .invalidTensor(name: name, reason: error.reason)
                )
            }
        }
        try Self.checkPlaces(tensors, path: path, dataStart: dataStart, end: byteCount)
        self.tensors = tensors
    }

    private struct Refusal: Error {
        let reason: String

        init(_ reason: String) { self.reason = reason }
    }

    private static func tensor(
        _ name: String,
        _ value: JSONValue,
        dataStart: Int,
        end: Int
    ) throws(Refusal) -> Tensor {
        guard let typeName = value["dtype"]?.stringValue, let lengths = value["shape"]?.arrayValue,
            let offsets = value["data_offsets"]?.arrayValue?.map(\.intValue), offsets.count == 2,
            let first = offsets[0], let last = offsets[1]
        else { throw Refusal("lacks dtype, shape or data_offsets") }
        guard let type = type(named: typeName) else {
            throw Refusal(
                "is of type \(typeName); F32, F16, BF16 and whole numbers can be read"
            )
        }
        guard lengths.count <= maximumDimensionCount else {
            throw Refusal("has \(lengths.count) dimensions; at most 4 are possible")
        }
        var shape: [Int] = []
        var count = type.blockByteCount
        for length in lengths {
            guard let length = length.intValue, length >= 0 else {
                throw Refusal("has a length that is no whole number of 0 or more")
            }
            let (product, overflow) = count.multipliedReportingOverflow(by: length)
            guard !overflow else { throw Refusal("has a shape whose product overflows") }
            shape.append(length)
            count = product
        }
        guard first >= 0, first <= last, last <= end - dataStart else {
            throw Refusal("lies from \(first) to \(last), outside of the file")
        }
        guard last - first == count else {
            throw Refusal("takes \(count) bytes and has \(last - first)")
        }
        return Tensor(
            name: name,
            type: type,
            shape: shape,
            fileOffset: dataStart + first,
            byteCount: count
        )
    }

    /// Refuses overlaps and gaps, as the format does: either may hide something.
    private static func checkPlaces(
        _ tensors: [Tensor],
        path: String,
        dataStart: Int,
        end: Int
    ) throws(GGUFError) {
        var position = dataStart
        let ordered = tensors.sorted {
            ($0.fileOffset, $0.byteCount, $0.name) < ($1.fileOffset, $1.byteCount, $1.name)
        }
        for tensor in ordered {
            guard tensor.fileOffset == position else {
                let reason =
                    tensor.fileOffset < position
                    ? "shares bytes with another tensor" : "follows bytes that no tensor has"
                throw GGUFError(
                    path: path,
                    problem: .invalidTensor(name: tensor.name, reason: reason)
                )
            }
            position += tensor.byteCount
        }
        guard position == end else {
            throw GGUFError(
                path: path,
                problem: .invalidFolder(reason: "has \(end - position) bytes that no tensor has")
            )
        }
    }

    private static func type(named name: String) -> TensorType? {
        switch name {
        case "F32": .f32
        case "F16": .f16
        case "BF16": .bf16
        case "F64": .f64
        case "I64": .i64
        case "I32": .i32
        case "I16": .i16
        case "I8", "U8", "BOOL": .i8
        default: nil
        }
    }
}
