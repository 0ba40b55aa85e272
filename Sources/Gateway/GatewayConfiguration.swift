/// What the gateway's request pipeline needs to know.
package struct GatewayConfiguration: Sendable {
    /// The product's version, as `/version` shows it.
    package var version: String
    /// Keys of which each request must carry one; without any, keys are not asked for.
    package var apiKeys: [APIKey]
    /// Names that a `Host` header may carry besides IP literals, `localhost` and the machine's own.
    package var allowedHosts: [String]
    /// Browser origins that may call, for example `http://localhost:3000`; `*` allows all.
    package var allowedOrigins: [String]
    /// Bounds on time and size.
    package var limits: GatewayLimits

    /// Makes a configuration; what is left out has its default value.
    package init(
        version: String,
        apiKeys: [APIKey] = [],
        allowedHosts: [String] = [],
        allowedOrigins: [String] = [],
        limits: GatewayLimits = GatewayLimits()
    ) {
        self.version = version
        self.apiKeys = apiKeys
        self.allowedHosts = allowedHosts
        self.allowedOrigins = allowedOrigins
        self.limits = limits
    }
}

/// Every bound of the gateway, with its default.
package struct GatewayLimits: Sendable, Hashable {
    /// How long a streamed answer waits for its first output before it commits to status 200, so
    /// that errors found early keep their own status: 5 s.
    package var streamCommitDelay: Duration = .seconds(5)
    /// Silence on a stream after which a comment is sent: 10 s.
    package var keepAliveInterval: Duration = .seconds(10)
    /// Bytes of a client's name for its user that tell users apart: 256.
    package var maximumUserNameByteCount = 256

    /// The defaults.
    package init() {}
}
