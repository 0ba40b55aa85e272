/// The parts of a split model: `NAME-00001-of-00003.gguf` and its siblings.
///
/// Names of siblings follow from the path that the user gave and from nothing that stands in a file.
enum GGUFSplit {
    /// The paths of parts two and on; empty if the model is one file.
    ///
    /// `metadata` is that of the file which was opened; it must be the first part.
    static func siblings(
        of metadata: GGUFMetadata,
        limits: GGUFLimits
    ) throws(GGUFError) -> [String] {
        guard let count = try metadata.integer("split.count"), count > 1 else { return [] }
        func invalid(_ reason: String) -> GGUFError {
            GGUFError(path: metadata.path, problem: .invalidSplit(reason: reason))
        }
        guard count <= limits.maximumPartCount else {
            throw invalid("it has \(count) parts; at most \(limits.maximumPartCount) are allowed")
        }
        guard let name = SplitName(path: metadata.path), name.count == count else {
            throw invalid(
                "it is one of \(count) parts and must keep a name like "
                    + "NAME-00001-of-\(SplitName.fiveDigits(count)).gguf. Rename the parts"
            )
        }
        let number = try metadata.integer("split.no") ?? 0
        guard number == 0, name.number == 1 else {
            throw invalid(
                "it is part \(number + 1) of \(count). Give the path of the first part, "
                    + name.path(ofPart: 1)
            )
        }
        return (2...count).map { name.path(ofPart: $0) }
    }

    /// Checks that a sibling is the part that its name says.
    ///
    /// `index` counts from 0.
    static func check(
        _ metadata: GGUFMetadata,
        isPart index: Int,
        of count: Int
    ) throws(GGUFError) {
        let number = try metadata.integer("split.no")
        let total = try metadata.integer("split.count")
        guard number == index, total == count else {
            let found = "\((number ?? -1) + 1) of \(total ?? 0)"
            throw GGUFError(
                path: metadata.path,
                problem: .invalidSplit(
                    reason: "it should be part \(index + 1) of \(count) and says it is \(found)"
                )
            )
        }
    }

    /// Checks the number of tensors in all parts against what the first part says.
    static func checkTensorCount(
        _ count: Int,
        _ metadata: GGUFMetadata
    ) throws(GGUFError) {
        guard let expected = try metadata.integer("split.tensors.count"),
            let partCount = try metadata.integer("split.count"), partCount > 1
        else { return }
        guard count == expected else {
            throw GGUFError(
                path: metadata.path,
                problem: .invalidSplit(
                    reason: "its parts hold \(count) tensors together instead of \(expected); "
                        + "they may come from different downloads"
                )
            )
        }
    }
}

/// The pieces of a split file's name.
struct SplitName {
    let prefix: Substring
    /// From 1.
    let number: Int
    let count: Int

    /// Takes `…-%05d-of-%05d.gguf` apart; nil for any other path.
    init?(path: String) {
        // "-00001-of-00003.gguf" is 20 characters long.
        let suffix = path.suffix(20)
        let fields = suffix.split(separator: "-", omittingEmptySubsequences: false)
        guard fields.count == 4, fields[0].isEmpty, fields[2] == "of",
            fields[3].hasSuffix(".gguf"),
            let number = Self.number(fields[1]), let count = Self.number(fields[3].dropLast(5)),
            number >= 1, number <= count
        else { return nil }
        prefix = path.dropLast(20)
        self.number = number
        self.count = count
    }

    func path(ofPart number: Int) -> String {
        "\(prefix)-\(Self.fiveDigits(number))-of-\(Self.fiveDigits(count)).gguf"
    }

    static func fiveDigits(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
    }

    private static func number(_ digits: Substring) -> Int? {
        guard digits.utf8.count == 5, digits.utf8.allSatisfy({ (48...57).contains($0) }) else {
            return nil
        }
        return Int(digits)
    }
}
