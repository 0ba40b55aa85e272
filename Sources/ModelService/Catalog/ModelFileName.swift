/// What the name of a file says about the model in it.
struct ModelFileName: Hashable {
    /// The model's id: lower case, without extension and part number, without the tag `latest`.
    let id: String
    /// How many files the model is split into, 1 or more.
    let partCount: Int
    /// The name up to the part number, for a split model.
    private let stem: String

    /// Reads `name.gguf` or the first part `name-00001-of-00003.gguf` of a split model (the form
    /// that llama.cpp's gguf-split writes); nil for every other file, further parts and projector
    /// files (`mmproj…`, which hold no language model) included.
    init?(_ fileName: String) {
        let lowered = fileName.lowercased()
        guard lowered.hasSuffix(".gguf"), !lowered.hasPrefix("."), !lowered.hasPrefix("mmproj")
        else { return nil }
        let stem = String(fileName.dropLast(".gguf".count))
        guard let part = Self.part(of: stem) else {
            self.init(stem: stem, partCount: 1)
            return
        }
        guard part.number == 1 else { return nil }
        self.init(stem: String(stem.dropLast(Self.suffixCount)), partCount: part.count)
    }

    private init?(stem: String, partCount: Int) {
        id = Catalog.normalized(stem)
        self.stem = stem
        self.partCount = partCount
        if id.isEmpty { return nil }
    }

    /// The names of all the model's files.
    func fileNames(first: String) -> [String] {
        guard partCount > 1 else { return [first] }
        return (1...partCount).map { number in
            "\(stem)-\(Self.padded(number))-of-\(Self.padded(partCount)).gguf"
        }
    }

    private static let suffixCount = "-00001-of-00003".count

    private static func part(of stem: String) -> (number: Int, count: Int)? {
        let suffix = Array(stem.utf8.suffix(suffixCount))
        guard suffix.count == suffixCount, suffix[0] == UInt8(ascii: "-"),
            Array(suffix[6..<10]) == Array("-of-".utf8),
            let number = decimal(suffix[1..<6]), let count = decimal(suffix[10..<15]),
            (1...count).contains(number)
        else { return nil }
        return (number, count)
    }

    private static func decimal(_ digits: ArraySlice<UInt8>) -> Int? {
        let value = Int(String(decoding: digits, as: UTF8.self))
        return digits.allSatisfy { (0x30...0x39).contains($0) } && value != 0 ? value : nil
    }

    private static func padded(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(5 - digits.count, 0)) + digits
    }
}
