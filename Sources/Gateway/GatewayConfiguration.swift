package import APIKeys

/// What the gateway's request pipeline needs to know.
package struct GatewayConfiguration: Sendable {
    /// The product's version, as `/version` shows it.
    package var version: String
    /// The keys of the operator's own file, besides those of the key ring's store.
    package var apiKeys: [APIKey]
    /// Paths of the unix sockets that the system lets operators alone use: whoever comes by one may
    /// do everything.
    package var adminSockets: Set<String>
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
        adminSockets: Set<String> = [],
        allowedHosts: [String] = [],
        allowedOrigins: [String] = [],
        limits: GatewayLimits = GatewayLimits()
    ) {
        self.version = version
        self.apiKeys = apiKeys
        self.adminSockets = adminSockets
        self.allowedHosts = allowedHosts
        self.allowedOrigins = allowedOrigins
        self.limits = limits
    }
}

/// Every bound of the gateway, with its default.
package struct GatewayLimits: Sendable, Hashable {
    /// How long a stream whose request is accepted, or waits for its model, is held back before it
    /// commits to status 200, so that errors found early keep their own status: 1 s.
    package var streamCommitDelay: Duration = .seconds(1)
    /// How long any other answer takes until its head is sent, so that the client sees life: 8 s.
    package var wholeCommitDelay: Duration = .seconds(8)
    /// The longest silence of an answer under way; then a comment or white space is sent: 10 s.
    package var keepAliveInterval: Duration = .seconds(10)
    /// How long the model service may take to say how it is: 2 s.
    package var readinessTimeout: Duration = .seconds(2)
    /// Bytes of the bodies of all generation requests under way: 512 MiB; what comes on top is
    /// refused, unless it is alone.
    package var maximumBodyByteCount = 512 << 20
    /// Bytes of a client's name for its user that tell users apart: 256.
    package var maximumUserNameByteCount = 256

    /// The defaults.
    package init() {}

    /// How often an answer is looked at: what came just after one look is quiet for two.
    var keepAlivePeriod: Duration { keepAliveInterval / 2 }
}
