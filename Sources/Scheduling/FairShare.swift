import WorkerProtocol

/// Who had how much of the engine: virtual time for each key, and below it for each user.
///
/// After Sheng et al., "Fairness in Serving Large Language Models" (OSDI 2024), with measured compute
/// time in the place of token counts, and on two levels. Whoever had the least comes first. A
/// key's time passes slower the more weight it has. Somebody who comes back after a pause starts
/// with the least time of those who are there, so that nobody can save up.
///
/// Pure. An account exists while its key has generations, and longer if it is ahead of the others.
struct FairShare: Sendable {
    /// A place in the order; the smallest comes first.
    struct Rank: Comparable, Sendable {
        fileprivate let key: Meter
        fileprivate let user: Meter

        static func < (first: Rank, second: Rank) -> Bool {
            if first.key != second.key { return first.key < second.key }
            return first.user < second.user
        }
    }

    fileprivate struct Meter: Comparable, Sendable {
        /// Compute seconds over weight.
        var time = 0.0
        /// The number of the last charge; between equals the one who waited longest comes first.
        var lastCharge: UInt64 = 0

        static func < (first: Meter, second: Meter) -> Bool {
            (first.time, first.lastCharge) < (second.time, second.lastCharge)
        }
    }

    private struct Account: Sendable {
        var meter = Meter()
        var weight = 1.0
        /// Generations that are there.
        var count = 0
        var users: [String: User] = [:]
    }

    private struct User: Sendable {
        var meter = Meter()
        var count = 0
    }

    private var accounts: [String: Account] = [:]
    private var chargeCount: UInt64 = 0

    /// Accounts without generations that are remembered for being ahead.
    private static let maximumAbsentCount = 1024

    /// Says that a generation came.
    mutating func enter(_ owner: GenerationAccount) {
        let leastTime = accounts.values.lazy.filter { $0.count > 0 }.map(\.meter.time).min()
        var account = accounts[owner.key] ?? Account()
        if account.count == 0 {
            account.meter.time = max(account.meter.time, leastTime ?? 0)
        }
        account.weight = max(Double(owner.weight), 1e-3)
        let leastUserTime = account.users.values.lazy.filter { $0.count > 0 }.map(\.meter.time)
            .min()
        var user = account.users[owner.user] ?? User()
        if user.count == 0 { user.meter.time = max(user.meter.time, leastUserTime ?? 0) }
        user.count += 1
        account.count += 1
        account.users[owner.user] = user
        accounts[owner.key] = account
    }

    /// Says that a generation went.
    mutating func leave(_ owner: GenerationAccount) {
        accounts[owner.key]?.count -= 1
        accounts[owner.key]?.users[owner.user]?.count -= 1
        guard let account = accounts[owner.key] else { return }
        if account.count == 0 {
            accounts[owner.key]?.users = [:]
            forgetAbsentAccounts()
        } else if account.users.count > Self.maximumAbsentCount {
            accounts[owner.key]?.users = account.users.filter { $0.value.count > 0 }
        }
    }

    /// Charges compute time.
    mutating func charge(_ owner: GenerationAccount, seconds: Double) {
        guard let account = accounts[owner.key] else { return }
        chargeCount += 1
        accounts[owner.key]?.meter.time += seconds / account.weight
        accounts[owner.key]?.meter.lastCharge = chargeCount
        accounts[owner.key]?.users[owner.user]?.meter.time += seconds
        accounts[owner.key]?.users[owner.user]?.meter.lastCharge = chargeCount
    }

    /// The place of somebody whose generation is there.
    func rank(of owner: GenerationAccount) -> Rank {
        let account = accounts[owner.key] ?? Account()
        return Rank(key: account.meter, user: account.users[owner.user]?.meter ?? Meter())
    }

    /// The part of all places that a key may claim, of those who are there; 0...1.
    func share(of key: String) -> Double {
        let total = accounts.values.reduce(0) { $0 + ($1.count > 0 ? $1.weight : 0) }
        guard let account = accounts[key], account.count > 0 else { return 0 }
        return account.weight / total
    }

    /// Whoever is absent and not ahead would start level anyway.
    private mutating func forgetAbsentAccounts() {
        guard let least = accounts.values.lazy.filter({ $0.count > 0 }).map(\.meter.time).min()
        else {
            accounts = [:]
            return
        }
        let isFull = accounts.count > Self.maximumAbsentCount
        accounts = accounts.filter { $0.value.count > 0 || $0.value.meter.time > least && !isFull }
    }
}
