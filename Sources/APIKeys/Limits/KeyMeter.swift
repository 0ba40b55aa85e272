package import Platform
import Synchronization

/// Holds requests against the limits of their keys.
///
/// Safe from any thread. Tokens are counted when they are known, at a request's end: a key whose
/// tokens are used up waits until the minute has paid for them.
package final class KeyMeter: Sendable {
    /// Which limit a request came up against, and how long to wait.
    package enum Refusal: Error, Sendable, Hashable {
        case requests(limit: Int, wait: Duration)
        case tokens(limit: Int, wait: Duration)
        case concurrency(limit: Int)

        /// When to try again.
        package var wait: Duration {
            switch self {
            case .requests(_, let wait), .tokens(_, let wait): wait
            case .concurrency: .seconds(1)
            }
        }
    }

    /// How much of one limit is left.
    package struct Allowance: Sendable, Hashable {
        /// How much a minute.
        package let limit: Int
        /// How much of it could be used now.
        package let remaining: Int
        /// When all of it is there again.
        package let reset: Duration
    }

    private struct Account {
        var requests: RateBucket?
        var tokens: RateBucket?
        var running = 0
    }

    private let accounts = Mutex<[String: Account]>([:])

    /// A meter that has seen nothing.
    package init() {}

    /// Begins a request, or says which limit is in its way; what begins must `end`.
    package func begin(_ terms: KeyTerms, now: MonotonicInstant) throws(Refusal) {
        let refusal: Refusal? = accounts.withLock { accounts in
            var account = Self.account(accounts[terms.name], terms, now)
            defer { accounts[terms.name] = account }
            if let limit = terms.concurrentRequests, account.running >= limit {
                return .concurrency(limit: limit)
            }
            if let limit = terms.requestsPerMinute,
                let wait = account.requests?.wait(for: 1, now: now), wait > .zero
            {
                return .requests(limit: limit, wait: wait)
            }
            if let limit = terms.tokensPerMinute,
                let wait = account.tokens?.wait(for: 1, now: now), wait > .zero
            {
                return .tokens(limit: limit, wait: wait)
            }
            account.requests?.take(1, now: now)
            account.running += 1
            return nil
        }
        if let refusal { throw refusal }
    }

    /// Ends a request that began, which took so many tokens.
    package func end(_ terms: KeyTerms, tokenCount: Int, now: MonotonicInstant) {
        accounts.withLock { accounts in
            guard var account = accounts[terms.name] else { return }
            account.running -= 1
            account.tokens?.take(Double(tokenCount), now: now)
            let isUnlimited = account.requests == nil && account.tokens == nil
            accounts[terms.name] = isUnlimited && account.running == 0 ? nil : account
        }
    }

    /// What is left of the limits that the key has.
    package func allowances(
        _ terms: KeyTerms,
        now: MonotonicInstant
    ) -> (requests: Allowance?, tokens: Allowance?) {
        accounts.withLock { accounts in
            guard var account = accounts[terms.name] else { return (nil, nil) }
            func allowance(_ bucket: inout RateBucket?) -> Allowance? {
                guard let limit = bucket?.perMinute, let state = bucket?.state(now: now) else {
                    return nil
                }
                return Allowance(limit: limit, remaining: state.remaining, reset: state.reset)
            }
            return (allowance(&account.requests), allowance(&account.tokens))
        }
    }

    /// The account as the terms are now: other limits begin with full buckets.
    private static func account(
        _ present: Account?,
        _ terms: KeyTerms,
        _ now: MonotonicInstant
    ) -> Account {
        var account = present ?? Account()
        if account.requests?.perMinute != terms.requestsPerMinute {
            account.requests = terms.requestsPerMinute.map { RateBucket(perMinute: $0, now: now) }
        }
        if account.tokens?.perMinute != terms.tokensPerMinute {
            account.tokens = terms.tokensPerMinute.map { RateBucket(perMinute: $0, now: now) }
        }
        return account
    }
}
