/// The journal's ids of what happens, one for each sentence of the log that operators look for.
///
/// They never change, so that alerts can be made of them: `journalctl MESSAGE_ID=…`.
enum JournalMessageIDs {
    /// The id (128 bits in hexadecimal) by the entry's message.
    static let all = [
        "started": "f680496637d4450ab272f36dec15956a",
        "stopping": "15ede0894bd143ca937f3c2c119248d9",
        "stopped": "cea9374dc26f4def872b2adce465f508",
        "listening": "948fa823080c4edab79566270fc87378",
        "configuration": "60a23de1a06d45ab83ee3da669612d0c",
        "cannot start": "f2502d8230e949f6bbfe95e2c615a910",
        "reloaded": "7dd87072130e4c3f81f1eb7004121a61",
        "reload failed": "146c50bbe88d449291bf576ed032d124",
        "reload requested": "ca284596b5894f51999485e40ae88e51",
        "request": "8cc482acf5dc427395b86888f1e54dbf",
        "request cancelled": "e412e55a6c0b48e1b38ca0aee0ee19ab",
        "key added": "adcd41b944a74578af26178c7e8751b0",
        "key revoked": "1f6d16863a4c43109d29cf706472ddde",
        "keys read": "933b8aeb88754d5aa7417a9efb9f1ed5",
        "too many wrong keys": "2d806e3280a84872996b4f5e05e0bbe3",
        "the file of keys cannot be used; the keys stay": "322f891e82514becb73f8725cf5ef890",
        "usage cannot be kept": "afe9cef0bb4447c6a639737c021e67f4",
        "worker started": "1fc9d5a91fad4876b5463e950f2e284e",
        "worker ended": "b026560114b6416f892a6cd5ca574d51",
        "model is unloaded": "f7ea2b57995247de80099e4bcfd029b0",
        "model has to go": "12a89b9670aa475e95713c02788ec583",
        "model cannot be loaded": "4a5e8f39ab984b61ba23280a982409ca",
        "model cannot be preloaded": "ed97da5bfbbb4b14ba64c5c1f6e39d72",
        "the machine runs out of memory": "14aafb4d49114a129ca8b04003ff5ea8",
    ]
}
