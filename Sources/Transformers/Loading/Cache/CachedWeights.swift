import Kernels
import ModelFiles
package import Platform
import Synchronization
import Tensors

/// A model's packed weights as an earlier process left them in a file, mapped into memory.
///
/// The file is our own and found under the model's name; whether it is whole and still the model's is
/// found out here. Confined to the loading thread.
package final class CachedWeights {
    /// Why a file is of no use.
    package enum Problem: Error, Sendable, Hashable, CustomStringConvertible {
        /// It, or a part of it, cannot be read or mapped.
        case unreadable(SystemError)
        /// It is none of ours, or not whole.
        case incomplete
        /// The model's files have changed since.
        case otherModel
        /// The kernels lay out matrices in another way by now.
        case otherLayout
        /// Bytes of a matrix are not what was written.
        case damaged(String)

        package var description: String {
            switch self {
            case .unreadable(let error): "\(error)"
            case .incomplete: "the file is not whole"
            case .otherModel: "the model has changed since"
            case .otherLayout: "it was written by another version"
            case .damaged(let key): "'\(key)' is not what was written"
            }
        }
    }

    private let file: MappedFile
    private let entries: [String: CachedWeightsIndex.Entry]

    /// Bytes of all matrices.
    package var byteCount: Int { entries.values.reduce(0) { $0 + $1.byteCount } }

    /// Opens a file.
    ///
    /// - Parameters:
    ///   - descriptor: Open for reading; it is closed.
    ///   - identity: The model's, which the file must have been written for.
    /// - Throws: `Problem`; the weights must be packed again.
    package convenience init(owning descriptor: Int32, identity: String) throws(Problem) {
        let mapped: MappedFile
        let index: CachedWeightsIndex?
        do throws(SystemError) {
            let file = try ReadOnlyFile(owning: descriptor, path: "cached weights")
            index = try Self.index(of: file)
            mapped = try MappedFile(file)
        } catch {
            throw .unreadable(error)
        }
        guard let index else { throw .incomplete }
        guard index.layout == PackedMatrix.layoutFingerprint else { throw .otherLayout }
        guard index.identity == identity else { throw .otherModel }
        self.init(mapped, index)
    }

    private init(_ file: MappedFile, _ index: CachedWeightsIndex) {
        self.file = file
        entries = Dictionary(index.entries.map { ($0.key, $0) }) { first, _ in first }
    }

    private static func index(
        of file: borrowing ReadOnlyFile
    ) throws(SystemError) -> CachedWeightsIndex? {
        let footerOffset = file.byteCount - CachedWeightsIndex.footerByteCount
        guard footerOffset >= 0 else { return nil }
        let footer = try bytes(of: file, footerOffset..<file.byteCount)
        guard
            let (range, checksum) = CachedWeightsIndex.range(
                footer: footer,
                fileByteCount: file.byteCount
            )
        else { return nil }
        return CachedWeightsIndex(
            try bytes(of: file, range),
            checksum: checksum,
            limit: range.lowerBound
        )
    }

    private static func bytes(
        of file: borrowing ReadOnlyFile,
        _ range: Range<Int>
    ) throws(SystemError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: range.count)
        // Safety: the array is as long as the range, and outlives the call.
        try unsafe bytes.withUnsafeMutableBufferPointer { buffer throws(SystemError) in
            try unsafe file.read(
                at: range.lowerBound,
                into: UnsafeMutableRawBufferPointer(buffer)
            )
        }
        return bytes
    }

    /// The matrix of these rows, after all of its bytes have been looked at on all threads of the pool.
    ///
    /// - Returns: nil if the file has none of that type and shape.
    /// - Throws: That it cannot be read or is damaged.
    func matrix(_ rows: TensorRows, pool: KernelThreadPool) throws(Problem) -> PackedMatrix? {
        let type = rows.tensor.type
        let (rowCount, columns) = (rows.range.count, rows.columnCount)
        guard let entry = entries[rows.key], entry.type == type.rawValue, entry.rows == rowCount,
            entry.columns == columns,
            entry.byteCount
                == PackedMatrix.byteCount(type: type, rows: rowCount, columns: columns)
        else { return nil }
        if let problem = problem(entry, pool) { throw problem }
        return PackedMatrix(
            type: type,
            rows: rowCount,
            columns: columns,
            in: file,
            at: entry.offset
        )
    }

    private func problem(
        _ entry: CachedWeightsIndex.Entry,
        _ pool: KernelThreadPool
    ) -> Problem? {
        let file = file
        let pieces = PieceChecksum.pieces(of: entry.byteCount)
        let problem = Mutex<Problem?>(nil)
        pool.run { thread, threadCount in
            do throws(Problem) {
                for index in stride(from: thread, to: pieces.count, by: threadCount) {
                    let first = entry.offset + pieces[index].lowerBound
                    let range = first..<first + pieces[index].count
                    guard try Self.checksum(file, range) == entry.checksums[index] else {
                        throw .damaged(entry.key)
                    }
                }
            } catch {
                problem.withLock { $0 = error }
            }
        }
        return problem.withLock { $0 }
    }

    private static func checksum(_ file: MappedFile, _ range: Range<Int>) throws(Problem) -> UInt64
    {
        do throws(SystemError) {
            try file.bringIn(range)
        } catch {
            throw .unreadable(error)
        }
        // Safety: the index was checked against the file, which stays mapped meanwhile.
        return unsafe PieceChecksum.value(of: file.bytes(range))
    }
}
