/// The formats of strings (Validation §7.3) as regular expressions.
///
/// Each describes texts that are certainly of the format, not all that are.
enum StringFormat {
    /// OpenAPI's formats of numbers, which say how they are stored.
    static let ofNumbers: Set<String> = ["int32", "int64", "float", "double"]

    /// Formats that say what a string is for.
    static let annotations: Set<String> = [
        "password", "binary", "byte", "textarea", "markdown",
    ]

    private static let month30 = "(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    private static let month31 = "(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    private static let leapYear =
        "(?:(?:19|2[0-9])(?:0[48]|[2468][048]|[13579][26])|2[048]00)"
    private static let date =
        "(?:(?:19|2[0-9])[0-9]{2}-(?:\(month30)|\(month31)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
        + "|\(leapYear)-02-29)"
    private static let time =
        "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,6})?"
        + "(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
    private static let octet = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
    private static let label = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,20}[a-zA-Z0-9])?"
    private static let hostname = "\(label)(?:\\.\(label)){0,4}"
    private static let group = "[0-9a-fA-F]{1,4}"
    private static let segment = "(?:[a-zA-Z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
    private static let path =
        "(?:/\(segment)*)*(?:\\?(?:\(segment)|[/?])*)?(?:#(?:\(segment)|[/?])*)?"

    /// What a regular expression may repeat, without groups.
    private static let atom =
        #"(?:[A-Za-z0-9 _,:;=@%&~!<>/"'#-]|\\[dDwWsS.|?*+()\[\]{}^$\\]|\.|\[\^?[A-Za-z0-9_ ]+\])"#
    private static let branch = #"\^?(?:\#(atom)[*+?]?)*\$?"#

    /// The expressions by the format's name; each must match as a whole.
    static let patterns: [String: String] = [
        "date": date,
        "time": time,
        "date-time": "\(date)T\(time)",
        "duration":
            "P(?:[0-9]{1,6}W|(?:[0-9]{1,6}Y)?(?:[0-9]{1,6}M)?[0-9]{1,6}D"
            + "(?:T(?:[0-9]{1,6}H)?(?:[0-9]{1,6}M)?[0-9]{1,6}S)?"
            + "|T(?:[0-9]{1,6}H)?(?:[0-9]{1,6}M)?[0-9]{1,6}S)",
        "uuid": "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        "email":
            "[a-zA-Z0-9_+-]{1,32}(?:\\.[a-zA-Z0-9_+-]{1,16}){0,2}@\(label)(?:\\.\(label)){1,3}",
        "hostname": hostname,
        "ipv4": "\(octet)(?:\\.\(octet)){3}",
        "ipv6":
            "(?:\(group):){7}\(group)|::|(?:\(group):){1,7}:|::(?:\(group):){0,6}\(group)"
            + "|\(group)::(?:\(group):){0,5}\(group)",
        "uri": "[a-zA-Z][a-zA-Z0-9+-]{1,10}://\(hostname)(?::[0-9]{1,4})?\(path)",
        "uri-reference":
            "[a-zA-Z][a-zA-Z0-9+-]{1,10}://\(hostname)(?::[0-9]{1,4})?\(path)"
            + "|(?:/\(segment)+)+",
        "json-pointer": "(?:/(?:[^~/]|~[01])*)*",
        "regex": #"\#(branch)(?:\|\#(branch))*"#,
    ]
}
