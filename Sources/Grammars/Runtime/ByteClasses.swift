/// The bytes in classes that no edge of a grammar tells apart.
struct ByteClasses: Sendable {
    /// Each byte's class.
    let classes: [UInt8]
    /// A byte of each class.
    let representatives: [UInt8]
    /// Whether a class has only that.
    let isSingle: [Bool]

    init(_ grammar: Grammar) {
        var starts = [Bool](repeating: false, count: 257)
        starts[0] = true
        for state in grammar.states {
            for edge in state.byteEdges {
                starts[Int(edge.low)] = true
                starts[Int(edge.high) + 1] = true
            }
        }
        var classes: [UInt8] = []
        var representatives: [UInt8] = []
        for byte in UInt8.min...UInt8.max {
            if starts[Int(byte)] { representatives.append(byte) }
            classes.append(UInt8(representatives.count - 1))
        }
        let bounds = representatives.map(Int.init) + [256]
        isSingle = zip(bounds, bounds.dropFirst()).map { $1 - $0 == 1 }
        self.classes = classes
        self.representatives = representatives
    }
}
