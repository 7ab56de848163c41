import JSON
import Testing

/// The parser on valid texts.
struct JSONValueTests {
  @Test func numbers() throws {
    let integers: [(String, Int)] = [
      ("0", 0), ("-0", 0), ("7", 7), ("-12", -12), ("999999999999999999", 999_999_999_999_999_999),
      ("9223372036854775807", .max), ("-9223372036854775808", .min),
    ]
    for (text, value) in integers {
      guard case .integer(value) = try JSONParser.parse(text) else {
        Issue.record("\(text) is not the integer \(value)")
        continue
      }
    }
    let doubles: [(String, Double)] = [
      ("0.5", 0.5), ("-0.0", 0), ("1e3", 1000), ("1E+2", 100), ("25e-2", 0.25), ("1.5e0", 1.5),
      ("9223372036854775808", 9_223_372_036_854_775_808), ("5e-324", 5e-324),
      ("1.7976931348623157e308", .greatestFiniteMagnitude),
    ]
    for (text, value) in doubles {
      guard case .double(value) = try JSONParser.parse(text) else {
        Issue.record("\(text) is not the double \(value)")
        continue
      }
    }
    #expect(try JSONParser.parse("1e2").integer == 100)
    #expect(try JSONParser.parse("1.5").integer == nil)
    #expect(try JSONParser.parse("3").double == 3)
  }

  @Test func stringsAndEscapes() throws {
    let cases: [(String, String)] = [
      (#""""#, ""), (#""a\"b\\c\/d""#, "a\"b\\c/d"), (#""\b\f\n\r\t""#, "\u{8}\u{C}\n\r\t"),
      (#""\u0041\u00e9\u4E2D""#, "Aé中"), (#""\ud83d\ude00""#, "😀"),
      (#""\uDBFF\uDFFF""#, "\u{10FFFF}"),
      (#""\u0000""#, "\0"), ("\"é中😀\u{7F}\"", "é中😀\u{7F}"), (#""x\u00e9y\n""#, "xéy\n"),
    ]
    for (text, value) in cases {
      let parsed = try JSONParser.parse(text).string
      #expect(parsed?.utf8.elementsEqual(value.utf8) == true, "\(text)")
    }
  }

  @Test func nestingAndSpace() throws {
    let value = try JSONParser.parse(
      " \t\r\n{ \"a\" : [ 1 , true , null , { } , [ ] ] , \"b\":\"\" } ")
    #expect(value.serialized() == #"{"a":[1,true,null,{},[]],"b":""}"#)
    #expect(value["a"]?.array?.count == 5)
    #expect(value["c"] == nil)
    #expect(try JSONParser.parse("true").bool == true)
    #expect(try JSONParser.parse("null").isNull)
  }

  @Test func canonicallyEqualKeysStayApart() throws {
    let value = try JSONParser.parse("{\"\u{E9}\":1,\"e\u{301}\":2}")
    #expect(value["\u{E9}"]?.integer == 1)
    #expect(value["e\u{301}"]?.integer == 2)
  }

  @Test func depthIsLimited() throws {
    let limit = JSONParser.maximumDepth
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    _ = try JSONParser.parse(nested(limit))
    #expect(throws: JSONError.self) { try JSONParser.parse(nested(limit + 2)) }
  }

  @Test func serializedTextsParseBack() throws {
    let texts = [
      #"{"b":1,"a":[0.1,-2.5e-07,"\u0000\"\\é"],"c":{}}"#, "[]", #""\u001f""#, "-0.0", "1e+300",
    ]
    for text in texts {
      let value = try JSONParser.parse(text)
      for again in [value.serialized(), value.indented(), value.serialized(sortingKeys: true)] {
        #expect(
          try JSONParser.parse(again).serialized(sortingKeys: true)
            == value.serialized(sortingKeys: true))
      }
    }
    let value: JSON = ["b": 1, "a": 2]
    #expect(value.serialized(sortingKeys: true) == #"{"a":2,"b":1}"#)
  }
}

/// The parser on texts that are not JSON, or that it refuses.
struct JSONErrorTests {
  /// Texts, and the offsets of the bytes that make them wrong.
  static let invalid: [(String, Int)] = [
    ("", 0), ("  ", 2), ("nul", 0), ("True", 0), ("NaN", 0), ("Infinity", 0), ("-Infinity", 1),
    ("01", 1), ("-01", 2), ("1.", 2), (".5", 0), ("+1", 0), ("1e", 2), ("1e+", 3), ("-", 1),
    ("1e400", 0), ("0x10", 1), ("1 2", 2), ("[1,]", 3), ("[1 2]", 3), ("[", 1), ("]", 0),
    ("{\"a\":1,}", 7), ("{\"a\" 1}", 5), ("{a:1}", 1), ("{\"a\"}", 4), ("{1:2}", 1), ("{", 1),
    ("{\"a\":1,\"b\":2,\"a\":3}", 13), ("\"abc", 4), ("\"a\nb\"", 2), ("\"\\x\"", 2),
    ("\"\\u12g4\"", 5), ("\"\\u12", 5), ("\"\\ud800\"", 1), ("\"\\udc00x\"", 1),
    ("\"\\ud800\\u0041\"", 1), ("\"\\ud800\\ud800\"", 1), ("'a'", 0), ("[1]]", 3), ("//", 0),
    ("{\"a\":1}{", 7), ("tru\u{E9}", 0),
  ]

  @Test(arguments: invalid)
  func invalidTextsAreRefused(text: String, offset: Int) {
    do throws(JSONError) {
      _ = try JSONParser.parse(text)
      Issue.record("\(text) was accepted")
    } catch {
      #expect(error.offset == offset, "\(text): \(error.description)")
    }
  }

  @Test func invalidUTF8IsRefused() {
    let text: [UInt8] = Array("[\"abc".utf8) + [0xC3, 0x28] + Array("\"]".utf8)
    do throws(JSONError) {
      _ = try JSONParser.parse(text)
      Issue.record("accepted")
    } catch {
      #expect(error.offset == 5)
      #expect(error.found == "byte 0xc3")
    }
  }

  @Test func everyPrefixOfAnObjectIsRefused() throws {
    let text = Array(#"{"key": [1.5e3, "\u00e9\ud83d\ude00", true, null], "b": {"c": -1}}"#.utf8)
    _ = try JSONParser.parse(text)
    for length in 0..<text.count {
      #expect(throws: JSONError.self) { try JSONParser.parse(Array(text[..<length])) }
    }
  }
}

/// The pull interface.
struct JSONPullTests {
  @Test func objectsOfStringsAndBytes() throws {
    let text = Array(#"{"a":1,"\u00e9\n":-2 , "c" : 3}"#.utf8)
    let seen = try text.withUnsafeBytes { buffer in
      var parser = JSONParser(buffer)
      var seen: [String: Int] = [:]
      try parser.objectOfBytes(
        { (parser: inout JSONParser, key: UnsafeRawBufferPointer) throws(JSONError) in
          seen[String(decoding: key, as: UTF8.self)] = try parser.integer()
        }, wrap: { $0 })
      try parser.finish()
      parser = JSONParser(buffer)
      var keys: [String] = []
      try parser.object(
        { (parser: inout JSONParser, key: String) throws(JSONError) in
          keys.append(key)
          _ = try parser.value()
        }, wrap: { $0 })
      #expect(keys == ["a", "é\n", "c"])
      return seen
    }
    #expect(seen == ["a": 1, "é\n": -2, "c": 3])
  }

  @Test func integersAreIntegers() throws {
    for text in ["1.5", "\"1\"", "null", "1e2", "1E2", "01", "-", "", "9223372036854775808"] {
      Array(text.utf8).withUnsafeBytes { buffer in
        var parser = JSONParser(buffer)
        #expect(throws: JSONError.self) { try parser.integer() }
      }
    }
    for value in [0, 7, -7, 10, 999_999_999_999_999_999, Int.max, Int.min] {
      try Array("\(value),".utf8).withUnsafeBytes { buffer in
        var parser = JSONParser(buffer)
        let found = try parser.integer()
        #expect(found == value)
        #expect(throws: JSONError.self) { try parser.finish() }
      }
    }
  }
}

/// UTF-8 validation against the standard library's decoder.
struct UTF8ValidationTests {
  private func isValid(_ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBytes { UTF8Validation.firstInvalid($0) } == nil
  }

  @Test func allBoundarySequences() {
    let edges: [UInt8] = [
      0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1,
      0xEC,
      0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xF8, 0xFF,
    ]
    func check(_ bytes: [UInt8]) {
      #expect(isValid(bytes) == (String(validating: bytes, as: UTF8.self) != nil), "\(bytes)")
    }
    for a in edges {
      check([a])
      for b in edges {
        check([a, b])
        for c in edges {
          check([a, b, c])
          if a >= 0xF0 { for d in edges { check([a, b, c, d]) } }
        }
      }
    }
  }

  @Test func everyScalarIsValidAndCutOnesAreNot() {
    for value in UInt32(0)..<0x110000 {
      guard let scalar = Unicode.Scalar(value) else { continue }
      // Pads, so that the sequence starts at each place of a group of eight.
      let bytes = [UInt8](repeating: 0x61, count: Int(value % 9)) + Array(String(scalar).utf8)
      if !isValid(bytes) || value >= 0x80 && isValid(bytes.dropLast()) {
        Issue.record("U+\(String(value, radix: 16))")
      }
    }
  }

  @Test func offsetOfTheFirstInvalidByte() {
    let bytes = Array("0123456789abcdefé".utf8) + [0xED, 0xA0, 0x80]
    bytes.withUnsafeBytes {
      #expect(UTF8Validation.firstInvalid($0) == 18)
      #expect(UTF8Validation.firstInvalid($0, 0..<18) == nil)
    }
  }
}
