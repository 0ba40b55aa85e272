// The case changes of Python's `str` that look at neighbours.
extension MarkedText {
    /// `str.capitalize`: the first character in title case, the rest in lower case.
    var capitalized: MarkedText {
        guard !isEmpty else { return self }
        let first = scalarRange(at: 0)
        var result = self[first].mapped { $0.properties.titlecaseMapping }
        result.append(self[first.upperBound..<count].lowercased)
        return result
    }

    /// `str.title`: a letter behind no letter in title case, the others in lower case.
    var pythonTitle: MarkedText {
        var followsLetter = false
        return mapped { scalar in
            defer { followsLetter = scalar.properties.isCased }
            return followsLetter
                ? scalar.properties.lowercaseMapping : scalar.properties.titlecaseMapping
        }
    }

    /// Jinja's `title` filter: every word's first character in upper case, the rest in lower case; words
    /// end at white space, `-` and opening brackets.
    var wordsCapitalized: MarkedText {
        var startsWord = true
        return mapped { scalar in
            let isSeparator = scalar.isPythonSpace || "-({[<".unicodeScalars.contains(scalar)
            defer { startsWord = isSeparator }
            return startsWord
                ? scalar.properties.uppercaseMapping : scalar.properties.lowercaseMapping
        }
    }

    var swappingCase: MarkedText {
        mapped { scalar in
            scalar.properties.isUppercase
                ? scalar.properties.lowercaseMapping : scalar.properties.uppercaseMapping
        }
    }
}
