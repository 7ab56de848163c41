extension Analyzer {
  /// A language whose words become terms.
  package enum Language: String, Sendable, CaseIterable {
    case english
    /// Lower case alone.
    case none
    case arabic, armenian, basque, catalan, danish, dutch, finnish, french, german, greek, hindi
    case hungarian, indonesian, irish, italian, lithuanian, nepali, norwegian, portuguese, romanian
    case russian, serbian, spanish, swedish, tamil, turkish, yiddish

    /// The languages' ISO 639-1 codes.
    package static let codes: [String: String] = [
      "ar": "arabic", "hy": "armenian", "eu": "basque", "ca": "catalan", "da": "danish",
      "nl": "dutch", "en": "english", "fi": "finnish", "fr": "french", "de": "german",
      "el": "greek", "hi": "hindi", "hu": "hungarian", "id": "indonesian", "ga": "irish",
      "it": "italian", "lt": "lithuanian", "ne": "nepali", "no": "norwegian", "pt": "portuguese",
      "ro": "romanian", "ru": "russian", "sr": "serbian", "es": "spanish", "sv": "swedish",
      "ta": "tamil", "tr": "turkish", "yi": "yiddish",
    ]

    /// How Lucene's analyser of the language makes stems, as far as that is here.
    enum LuceneStems { case porter, light, snowball }

    /// Nil for a language that Lucene stems in another way than is known here.
    ///
    /// Source: the analysers of Lucene 9.5, compared on Snowball's vocabularies
    /// (scripts/reference/anserini).
    var lucene: LuceneStems? {
      switch self {
      case .english: .porter
      case .french, .german, .italian, .portuguese, .spanish: .light
      case .danish, .dutch, .finnish, .hungarian, .norwegian, .russian, .swedish: .snowball
      default: nil
      }
    }

    /// What makes terms of words unless something else is asked for.
    package var usualStemmer: Stemmer {
      self == .none ? .none : lucene == nil ? .snowball : .lucene
    }

    /// Words whose stems Lucene's analyser has from a list.
    ///
    /// Source: DutchAnalyzer of Lucene 9.5.
    var luceneOverrides: [[UInt16]: [UInt16]] {
      guard self == .dutch else { return [:] }
      let pairs = [
        ("fiets", "fiets"), ("bromfiets", "bromfiets"), ("ei", "eier"), ("kind", "kinder"),
      ]
      return Dictionary(
        uniqueKeysWithValues: pairs.map { (Array($0.utf16), Array($1.utf16)) })
    }

    /// Articles and such that stand before a word, with an apostrophe between.
    ///
    /// Source: FrenchAnalyzer, ItalianAnalyzer, CatalanAnalyzer and IrishAnalyzer of Lucene 9.5.
    var elided: Set<[UInt16]> {
      let words =
        switch self {
        case .french: "l m t qu n s j d c jusqu quoiqu lorsqu puisqu"
        case .italian:
          "c l all dall dell nell sull coll pell gl agl dagl degl negl sugl un m t s v d"
        case .catalan: "d l m n s t"
        case .irish: "d m b"
        default: ""
        }
      return Set(words.split(separator: " ").map { Array($0.utf16) })
    }
  }

  /// What makes terms of words that are no stop words.
  package enum Stemmer: String, Sendable, CaseIterable {
    /// As Lucene's analyser of the language does it, and so Anserini.
    case lucene
    /// The stemmers of Snowball, which libstemmer has.
    case snowball
    /// Words stay as they are.
    case none
  }
}
