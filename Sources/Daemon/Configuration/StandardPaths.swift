import Glibc

/// Where things are when nobody says otherwise.
///
/// As a service, systemd says it (`CONFIGURATION_DIRECTORY`, `STATE_DIRECTORY`, `CACHE_DIRECTORY`,
/// `RUNTIME_DIRECTORY`, systemd.exec(5)); root uses the system's places; a user those of the XDG base
/// directory specification.
package struct StandardPaths: Sendable, Hashable {
    /// The configuration file, which need not exist.
    package let configurationFile: String
    /// The directory of models that need not exist either.
    package let modelDirectory: String
    /// The unix socket, or nil when there is no place for one.
    package let socket: String?
    /// The unix socket of operators, or nil when there is no place for one.
    package let adminSocket: String?
    /// The keys that `torii keys` makes.
    package let keyStore: String
    /// What keys have used.
    package let usage: String
    /// The directory of packed weights.
    package let weightCache: String
    /// The directory of what systemd hands over (`LoadCredential=`), or nil.
    package let credentials: String?

    /// The places for a process with these variables.
    package init(variables: [String: String], isRoot: Bool) {
        func variable(_ name: String) -> String? {
            guard let value = variables[name], value.hasPrefix("/") else { return nil }
            // systemd lists several directories parted by colons; the first is ours.
            return String(value.prefix { $0 != ":" })
        }
        let home = variable("HOME") ?? "/"
        let configuration: String
        let state: String
        let cache: String
        if let service = variable("STATE_DIRECTORY") {
            configuration = variable("CONFIGURATION_DIRECTORY") ?? "/etc/torii"
            state = service
            cache = "/var/cache/torii"
        } else if isRoot {
            configuration = "/etc/torii"
            state = "/var/lib/torii"
            cache = "/var/cache/torii"
        } else {
            configuration = (variable("XDG_CONFIG_HOME") ?? home + "/.config") + "/torii"
            state = (variable("XDG_DATA_HOME") ?? home + "/.local/share") + "/torii"
            cache = (variable("XDG_CACHE_HOME") ?? home + "/.cache") + "/torii"
        }
        configurationFile = configuration + "/torii.json"
        modelDirectory = state + "/models"
        keyStore = state + "/keys.json"
        usage = state + "/usage.json"
        weightCache = (variable("CACHE_DIRECTORY") ?? cache) + "/weights"
        credentials = variable("CREDENTIALS_DIRECTORY")
        let runtime: String?
        if let directory = variable("RUNTIME_DIRECTORY") {
            runtime = directory
        } else if isRoot {
            runtime = "/run/torii"
        } else {
            runtime = variable("XDG_RUNTIME_DIR").map { $0 + "/torii" }
        }
        socket = runtime.map { $0 + "/torii.sock" }
        adminSocket = runtime.map { $0 + "/admin.sock" }
    }

    /// The path of what systemd hands over under that name, if it does.
    func credential(_ name: String) -> String? {
        guard let path = credentials.map({ "\($0)/\(name)" }) else { return nil }
        // Safety: the string outlives the call as a NUL-terminated copy.
        return unsafe access(path, F_OK) == 0 ? path : nil
    }
}
