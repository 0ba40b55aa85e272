import Tensors

/// Reads the tensors of a folder as GGUF files have them: some as they lie, some with their rows in
/// another order, some with more exact numbers.
///
/// Safe from any thread.
struct FolderStorage: TensorStorage {
    /// By `Recipe.Source.stored`.
    let files: [OpenFile]
    /// The other files, whose content was read already.
    let descriptions: [OpenFile]
    let recipes: [FolderTensors.Recipe]

    func checkUnchanged() throws(GGUFError) {
        for file in files + descriptions { try file.checkUnchanged() }
    }

    var identity: String { (files + descriptions).map(\.identity).joined(separator: " ") }

    func read(
        _ tensor: GGUFTensor,
        byteOffset: Int,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(GGUFError) {
        let recipe = recipes[tensor.partIndex]
        switch recipe.source {
        case .computed(let values):
            // Safety: the range was checked against the tensor, which has these bytes.
            unsafe copy(Self.bytes(of: values), from: byteOffset, into: buffer)
        case .stored(let stored, let file):
            guard stored.type == tensor.type, recipe.addend == 0 else {
                // Only small tensors become more exact; they are read whole.
                let values = try floats(stored, file)
                let moved = recipe.headRowCount.map { Self.moved(values, headRowCount: $0) }
                let bytes = Self.bytes(of: (moved ?? values).map { $0 + recipe.addend })
                // Safety: as above.
                return unsafe copy(bytes, from: byteOffset, into: buffer)
            }
            guard recipe.headRowCount != nil else {
                let offset = stored.fileOffset + byteOffset
                // Safety: the caller's buffer is passed on as it is.
                if let failure = unsafe files[file].read(at: offset, into: buffer) { throw failure }
                return
            }
            let rowByteCount = stored.byteCount / max(1, stored.shape[0])
            // Safety: as above.
            try unsafe copy(byteOffset, recipe, rowByteCount, into: buffer) {
                rows throws(GGUFError) in
                try bytes(
                    stored,
                    file,
                    rows.lowerBound * rowByteCount..<rows.upperBound * rowByteCount
                )
            }
        case .grouped(let matrix):
            let reader = GroupedMatrixReader(matrix: matrix, files: files)
            // Safety: as above.
            try unsafe copy(byteOffset, recipe, matrix.rowByteCount, into: buffer) {
                rows throws(GGUFError) in
                try reader.rows(rows)
            }
        }
    }

    /// Reads the rows around a range of bytes, whole heads of them if they move, and copies the range.
    private func copy(
        _ byteOffset: Int,
        _ recipe: FolderTensors.Recipe,
        _ rowByteCount: Int,
        into buffer: UnsafeMutableRawBufferPointer,
        rows: (Range<Int>) throws(GGUFError) -> [UInt8]
    ) throws(GGUFError) {
        let unit = recipe.headRowCount ?? 1
        let unitByteCount = unit * rowByteCount
        guard unitByteCount > 0, buffer.count > 0 else { return }
        let first = byteOffset / unitByteCount
        let last = (byteOffset + buffer.count + unitByteCount - 1) / unitByteCount
        var bytes = try rows(first * unit..<last * unit)
        if recipe.headRowCount != nil {
            bytes = Self.moved(bytes, headRowCount: unit, rowLength: rowByteCount)
        }
        // Safety: the caller's buffer is passed on; the rows hold what it shall get.
        unsafe copy(bytes, from: byteOffset - first * unitByteCount, into: buffer)
    }

    /// The numbers of a stored tensor.
    private func floats(_ stored: SafetensorsFile.Tensor, _ file: Int) throws(GGUFError) -> [Float]
    {
        FloatBytes.floats(try bytes(stored, file, 0..<stored.byteCount), type: stored.type)
    }

    private func bytes(
        _ stored: SafetensorsFile.Tensor,
        _ file: Int,
        _ range: Range<Int>
    ) throws(GGUFError) -> [UInt8] {
        try files[file].bytes(
            stored.fileOffset + range.lowerBound..<stored.fileOffset + range.upperBound
        )
    }

    private func copy(
        _ bytes: [UInt8],
        from offset: Int,
        into buffer: UnsafeMutableRawBufferPointer
    ) {
        precondition(offset >= 0 && buffer.count <= bytes.count - offset, "bytes must be there")
        // Safety: the length was checked.
        unsafe bytes.withUnsafeBytes {
            unsafe buffer.copyMemory(
                from: UnsafeRawBufferPointer(rebasing: $0[offset..<offset + buffer.count])
            )
        }
    }

    private static func bytes(of values: [Float]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(4 * values.count)
        for value in values { bytes.append(littleEndian: value.bitPattern) }
        return bytes
    }

    /// The rows of each head, of `rowLength` elements, with those that are a half apart side by side.
    private static func moved<Element>(
        _ elements: [Element],
        headRowCount: Int,
        rowLength: Int = 1
    ) -> [Element] {
        var result: [Element] = []
        result.reserveCapacity(elements.count)
        let half = headRowCount / 2
        for head in stride(from: 0, to: elements.count, by: headRowCount * rowLength) {
            for row in 0..<headRowCount {
                let start = head + (row % 2 * half + row / 2) * rowLength
                result.append(contentsOf: elements[start..<start + rowLength])
            }
        }
        return result
    }
}
