/// The tensors of a folder that belong to quantised matrices.
struct GroupedTensors {
    /// By what the matrix is called, `model.layers.0.self_attn.q_proj`.
    private(set) var partsByName: [String: [GroupedMatrix.PartName: GroupedMatrix.Part]] = [:]

    /// Whether a tensor's name says that it is a part of a quantised matrix.
    static func isPart(_ name: String) -> Bool {
        FolderQuantization.Method.allCases.contains { kind(name, $0) != nil }
    }

    /// Takes a tensor if it is a part of a quantised matrix.
    ///
    /// - Throws: That the folder has it already.
    mutating func take(
        _ part: GroupedMatrix.Part,
        _ method: FolderQuantization.Method,
        path: String
    ) throws(GGUFError) -> Bool {
        let name = part.tensor.name
        guard let kind = Self.kind(name, method) else { return false }
        let matrix = String(name.dropLast(kind.suffix(method).count))
        guard partsByName[matrix, default: [:]].updateValue(part, forKey: kind) == nil else {
            throw GGUFError(path: path, problem: .duplicateTensor(name))
        }
        return true
    }

    private static func kind(
        _ name: String,
        _ method: FolderQuantization.Method
    ) -> GroupedMatrix.PartName? {
        GroupedMatrix.PartName.allCases.first { name.hasSuffix($0.suffix(method)) }
    }
}
