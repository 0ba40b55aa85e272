import Glibc

/// Which models go when memory is needed: the set that is cheapest to load again.
///
/// Pure.
enum VictimSelection {
    /// A model that may go.
    struct Candidate: Sendable, Hashable {
        var model: String
        /// Bytes that it gives back.
        var byteCount: Int
        /// What it will probably cost to have it gone; see ``expectedCost(reload:idle:)``.
        var cost: Double
    }

    /// Seconds that it will probably take to load a model again: the longer nobody has used it, the
    /// less likely is it that somebody will, by half every ten minutes.
    static func expectedCost(reload: Duration, idle: Duration) -> Double {
        let seconds =
            Double(reload.components.seconds) + Double(reload.components.attoseconds) * 1e-18
        let minutes = Double(idle.components.seconds) / 60
        return max(seconds, 0.001) * exp2(-min(minutes, 600) / 10)
    }

    /// The cheapest set of candidates that gives back at least `byteCount`, in the order given; nil
    /// if all of them are not enough.
    ///
    /// Of two sets that cost the same, the one that gives back less. Exact for up to sixteen
    /// candidates; of more the cheapest per byte are taken, without those that turn out not to be
    /// needed.
    static func cheapest(
        of candidates: [Candidate],
        givingBack byteCount: Int
    ) -> [Candidate]? {
        guard byteCount > 0 else { return [] }
        guard sum(candidates) >= byteCount else { return nil }
        let chosen =
            candidates.count <= exactCount
            ? exact(candidates, byteCount) : greedy(candidates, byteCount)
        return candidates.indices.filter { chosen.contains($0) }.map { candidates[$0] }
    }

    private static let exactCount = 16

    private static func exact(_ candidates: [Candidate], _ byteCount: Int) -> Set<Int> {
        var best: (cost: Double, byteCount: Int, members: Int)?
        for members in 1..<(1 << candidates.count) {
            var freed = 0
            var cost = 0.0
            for index in candidates.indices where members >> index & 1 == 1 {
                freed += candidates[index].byteCount
                cost += candidates[index].cost
            }
            guard freed >= byteCount else { continue }
            if let best, (best.cost, best.byteCount) <= (cost, freed) { continue }
            best = (cost, freed, members)
        }
        let members = best?.members ?? 0
        return Set(candidates.indices.filter { members >> $0 & 1 == 1 })
    }

    private static func greedy(_ candidates: [Candidate], _ byteCount: Int) -> Set<Int> {
        func costPerByte(_ index: Int) -> Double {
            candidates[index].cost / Double(max(candidates[index].byteCount, 1))
        }
        var chosen: [Int] = []
        var freed = 0
        for index in candidates.indices.sorted(by: { costPerByte($0) < costPerByte($1) }) {
            guard freed < byteCount else { break }
            chosen.append(index)
            freed += candidates[index].byteCount
        }
        for index in chosen.sorted(by: { candidates[$0].cost > candidates[$1].cost })
        where freed - candidates[index].byteCount >= byteCount {
            freed -= candidates[index].byteCount
            chosen.removeAll { $0 == index }
        }
        return Set(chosen)
    }

    private static func sum(_ candidates: [Candidate]) -> Int {
        candidates.reduce(0) { $0 + $1.byteCount }
    }
}
