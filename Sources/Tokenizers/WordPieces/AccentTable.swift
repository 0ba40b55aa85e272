/// What is left of characters when the marks above, below and in them go, as BERT's vocabularies want it:
/// the canonical decomposition of each (Unicode 14) without nonspacing marks.
enum AccentTable {
    /// The characters that remain of one; nil if it stays as it is.
    static func base(of value: UInt32) -> [UInt32]? {
        if let base = bases[value] { return [base] }
        if hangul.contains(value) { return jamo(value - hangul.lowerBound) }
        return sequences[value]
    }

    /// Letters, each followed by those that it is with marks.
    private static let groups = """
        AÀÁÂÃÄÅĀĂĄǍǞǠǺȀȂȦḀẠẢẤẦẨẪẬẮẰẲẴẶÅ CÇĆĈĊČḈ EÈÉÊËĒĔĖĘĚȄȆȨḔḖḘḚḜẸẺẼẾỀỂỄỆ \
        IÌÍÎÏĨĪĬĮİǏȈȊḬḮỈỊ NÑŃŅŇǸṄṆṈṊ OÒÓÔÕÖŌŎŐƠǑǪǬȌȎȪȬȮȰṌṎṐṒỌỎỐỒỔỖỘỚỜỞỠỢ \
        UÙÚÛÜŨŪŬŮŰŲƯǓǕǗǙǛȔȖṲṴṶṸṺỤỦỨỪỬỮỰ YÝŶŸȲẎỲỴỶỸ aàáâãäåāăąǎǟǡǻȁȃȧḁạảấầẩẫậắằẳẵặ \
        cçćĉċčḉ eèéêëēĕėęěȅȇȩḕḗḙḛḝẹẻẽếềểễệ iìíîïĩīĭįǐȉȋḭḯỉị nñńņňǹṅṇṉṋ \
        oòóôõöōŏőơǒǫǭȍȏȫȭȯȱṍṏṑṓọỏốồổỗộớờởỡợ uùúûüũūŭůűųưǔǖǘǚǜȕȗṳṵṷṹṻụủứừửữự \
        yýÿŷȳẏẙỳỵỷỹ DĎḊḌḎḐḒ dďḋḍḏḑḓ GĜĞĠĢǦǴḠ gĝğġģǧǵḡ HĤȞḢḤḦḨḪ hĥȟḣḥḧḩḫẖ JĴ jĵǰ \
        KĶǨḰḲḴK kķǩḱḳḵ LĹĻĽḶḸḺḼ lĺļľḷḹḻḽ RŔŖŘȐȒṘṚṜṞ rŕŗřȑȓṙṛṝṟ SŚŜŞŠȘṠṢṤṦṨ sśŝşšșṡṣṥṧṩ \
        TŢŤȚṪṬṮṰ tţťțṫṭṯṱẗ WŴẀẂẄẆẈ wŵẁẃẅẇẉẘ ZŹŻŽẐẒẔ zźżžẑẓẕ ÆǢǼ æǣǽ ƷǮ ʒǯ ØǾ øǿ ʹʹ \
        \u{3B}\u{37E} ¨΅῁῭΅ ΑΆἈἉἊἋἌἍἎἏᾈᾉᾊᾋᾌᾍᾎᾏᾸᾹᾺΆᾼ \u{B7}\u{387} ΕΈἘἙἚἛἜἝῈΈ \
        ΗΉἨἩἪἫἬἭἮἯᾘᾙᾚᾛᾜᾝᾞᾟῊΉῌ ΙΊΪἸἹἺἻἼἽἾἿῘῙῚΊ ΟΌὈὉὊὋὌὍῸΌ ΥΎΫὙὛὝὟῨῩῪΎ \
        ΩΏὨὩὪὫὬὭὮὯᾨᾩᾪᾫᾬᾭᾮᾯῺΏῼΩ ιΐίϊἰἱἲἳἴἵἶἷὶίιῐῑῒΐῖῗ αάἀἁἂἃἄἅἆἇὰάᾀᾁᾂᾃᾄᾅᾆᾇᾰᾱᾲᾳᾴᾶᾷ \
        εέἐἑἒἓἔἕὲέ ηήἠἡἢἣἤἥἦἧὴήᾐᾑᾒᾓᾔᾕᾖᾗῂῃῄῆῇ υΰϋύὐὑὒὓὔὕὖὗὺύῠῡῢΰῦῧ οόὀὁὂὃὄὅὸό \
        ωώὠὡὢὣὤὥὦὧὼώᾠᾡᾢᾣᾤᾥᾦᾧῲῳῴῶῷ ϒϓϔ ЕЀЁӖ ГЃ ІЇ КЌ ИЍЙӢӤ УЎӮӰӲ ийѝӣӥ еѐёӗ гѓ ії кќ \
        уўӯӱӳ ѴѶ ѵѷ ЖӁӜ жӂӝ АӐӒ аӑӓ ӘӚ әӛ ЗӞ зӟ ОӦ оӧ ӨӪ өӫ ЭӬ эӭ ЧӴ чӵ ЫӸ ыӹ \
        \u{627}\u{622}\u{623}\u{625} \u{648}\u{624} \u{64A}\u{626} \u{6D5}\u{6C0} \
        \u{6C1}\u{6C2} \u{6D2}\u{6D3} नऩ रऱ ळऴ कक़ खख़ गग़ जज़ डड़ ढढ़ फफ़ यय़ ডড় ঢঢ় যয় ਲਲ਼ ਸਸ਼ \
        ਖਖ਼ ਗਗ਼ ਜਜ਼ ਫਫ਼ \u{B47}\u{B48} ଡଡ଼ ଢଢ଼ \u{CD5}\u{CC0}\u{CC7} \u{CD6}\u{CC8} \
        \u{CC2}\u{CCA} \u{DD9}\u{DDA} གགྷ ཌཌྷ དདྷ བབྷ ཛཛྷ ཀཀྵ ဥဦ \
        \u{1B35}\u{1B3B}\u{1B3D}\u{1B43} BḂḄḆ bḃḅḇ FḞ fḟ MḾṀṂ mḿṁṃ PṔṖ pṕṗ VṼṾ vṽṿ XẊẌ \
        xẋẍ ſẛ ᾿῍῎῏ ῾῝῞῟ ρῤῥ ΡῬ `` ´´ \u{2002}\u{2000} \u{2003}\u{2001} ←↚ →↛ ↔↮ ⇐⇍ ⇔⇎ \
        ⇒⇏ ∃∄ ∈∉ ∋∌ ∣∤ ∥∦ ∼≁ ≃≄ ≅≇ ≈≉ =≠ ≡≢ ≍≭ <≮ >≯ ≤≰ ≥≱ ≲≴ ≳≵ ≶≸ ≷≹ ≺⊀ ≻⊁ ⊂⊄ ⊃⊅ ⊆⊈ \
        ⊇⊉ ⊢⊬ ⊨⊭ ⊩⊮ ⊫⊯ ≼⋠ ≽⋡ ⊑⋢ ⊒⋣ ⊲⋪ ⊳⋫ ⊴⋬ ⊵⋭ \u{3008}\u{2329} \u{3009}\u{232A} ⫝⫝̸ かが \
        きぎ くぐ けげ こご さざ しじ すず せぜ そぞ ただ ちぢ つづ てで とど はばぱ ひびぴ ふぶぷ へべぺ ほぼぽ うゔ ゝゞ カガ キギ クグ \
        ケゲ コゴ サザ シジ スズ セゼ ソゾ タダ チヂ ツヅ テデ トド ハバパ ヒビピ フブプ ヘベペ ホボポ ウヴ ワヷ ヰヸ ヱヹ ヲヺ ヽヾ \
        \u{5D9}\u{FB1D}\u{FB39} \u{5F2}\u{FB1F} \
        \u{5E9}\u{FB2A}\u{FB2B}\u{FB2C}\u{FB2D}\u{FB49} \
        \u{5D0}\u{FB2E}\u{FB2F}\u{FB30} \u{5D1}\u{FB31}\u{FB4C} \u{5D2}\u{FB32} \
        \u{5D3}\u{FB33} \u{5D4}\u{FB34} \u{5D5}\u{FB35}\u{FB4B} \u{5D6}\u{FB36} \
        \u{5D8}\u{FB38} \u{5DA}\u{FB3A} \u{5DB}\u{FB3B}\u{FB4D} \u{5DC}\u{FB3C} \
        \u{5DE}\u{FB3E} \u{5E0}\u{FB40} \u{5E1}\u{FB41} \u{5E3}\u{FB43} \
        \u{5E4}\u{FB44}\u{FB4E} \u{5E6}\u{FB46} \u{5E7}\u{FB47} \u{5E8}\u{FB48} \
        \u{5EA}\u{FB4A} \u{11099}\u{1109A} \u{1109B}\u{1109C} \u{110A5}\u{110AB} \
        \u{114B9}\u{114BB}
        """

    private static let bases: [UInt32: UInt32] = {
        var bases: [UInt32: UInt32] = [:]
        for group in groups.unicodeScalars.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
            guard let base = group.first else { continue }
            for scalar in group.dropFirst() { bases[scalar.value] = base.value }
        }
        return bases
    }()

    /// Vowel signs and notes that are made of several characters which aren't nonspacing.
    private static let sequences: [UInt32: [UInt32]] = [
        0x9CB: [0x9C7, 0x9BE], 0x9CC: [0x9C7, 0x9D7], 0xB4B: [0xB47, 0xB3E],
        0xB4C: [0xB47, 0xB57], 0xB94: [0xB92, 0xBD7], 0xBCA: [0xBC6, 0xBBE],
        0xBCB: [0xBC7, 0xBBE], 0xBCC: [0xBC6, 0xBD7], 0xCCB: [0xCC2, 0xCD5],
        0xD4A: [0xD46, 0xD3E], 0xD4B: [0xD47, 0xD3E], 0xD4C: [0xD46, 0xD57],
        0xDDC: [0xDD9, 0xDCF], 0xDDD: [0xDD9, 0xDCF], 0xDDE: [0xDD9, 0xDDF],
        0x1B06: [0x1B05, 0x1B35], 0x1B08: [0x1B07, 0x1B35], 0x1B0A: [0x1B09, 0x1B35],
        0x1B0C: [0x1B0B, 0x1B35], 0x1B0E: [0x1B0D, 0x1B35], 0x1B12: [0x1B11, 0x1B35],
        0x1B40: [0x1B3E, 0x1B35], 0x1B41: [0x1B3F, 0x1B35], 0x1134B: [0x11347, 0x1133E],
        0x1134C: [0x11347, 0x11357], 0x114BC: [0x114B9, 0x114B0],
        0x114BE: [0x114B9, 0x114BD], 0x115BA: [0x115B8, 0x115AF],
        0x115BB: [0x115B9, 0x115AF], 0x11938: [0x11935, 0x11930],
        0x1D15E: [0x1D157, 0x1D165], 0x1D15F: [0x1D158, 0x1D165],
        0x1D160: [0x1D158, 0x1D165, 0x1D16E], 0x1D161: [0x1D158, 0x1D165, 0x1D16F],
        0x1D162: [0x1D158, 0x1D165, 0x1D170], 0x1D163: [0x1D158, 0x1D165, 0x1D171],
        0x1D164: [0x1D158, 0x1D165, 0x1D172], 0x1D1BB: [0x1D1B9, 0x1D165],
        0x1D1BC: [0x1D1BA, 0x1D165], 0x1D1BD: [0x1D1B9, 0x1D165, 0x1D16E],
        0x1D1BE: [0x1D1BA, 0x1D165, 0x1D16E], 0x1D1BF: [0x1D1B9, 0x1D165, 0x1D16F],
        0x1D1C0: [0x1D1BA, 0x1D165, 0x1D16F],
    ]

    // MARK: Hangul

    private static let hangul: ClosedRange<UInt32> = 0xAC00...0xD7A3

    /// The two or three letters of a syllable (Unicode 16, section 3.12).
    private static func jamo(_ index: UInt32) -> [UInt32] {
        let letters = [0x1100 + index / 588, 0x1161 + index % 588 / 28]
        return index % 28 == 0 ? letters : letters + [0x11A7 + index % 28]
    }
}
