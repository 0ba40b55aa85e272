extension SocketAddress {
    /// What clients are counted by: the address without the port, of IPv6 the network; nil for this
    /// machine's own, which a proxy may stand behind.
    package var origin: SocketAddress? {
        if isLoopback { return nil }
        return switch self {
        case .ipv4(let address, _): .ipv4(address: address, port: 0)
        // One host has a whole /64 of IPv6 addresses at its command.
        case .ipv6(let high, _, _, _): .ipv6(high: high, low: 0, port: 0, scope: 0)
        case .unix: nil
        }
    }
}
