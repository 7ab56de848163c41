import COniguruma
import UnicodeTables

/// UTF-8 as Oniguruma asks for it, with the Unicode of the reference (16.0): classes and properties
/// are of our own tables, and so is which characters are another in another case.
enum RegexEncoding {
  /// Depth of groups, classes and quantifiers in each other; the library's own is 4096, which the
  /// stack of a thread may not hold.
  private static let deepestPattern: UInt32 = 500

  /// The syntax of the reference without callouts, which differ by version: a pattern that has one is
  /// none.
  nonisolated(unsafe) static let syntax: UnsafeMutablePointer<OnigSyntaxType> = {
    let made = UnsafeMutablePointer<OnigSyntaxType>.allocate(capacity: 1)
    var syntax = coniguruma_syntax().pointee
    // ONIG_SYN_OP2_QMARK_BRACE_CALLOUT_CONTENTS and ONIG_SYN_OP2_ASTERISK_CALLOUT_NAME.
    syntax.op2 &= ~(1 << 28 | 1 << 29)
    made.initialize(to: syntax)
    return made
  }()

  /// Made once, and never changed: the library keeps the address.
  nonisolated(unsafe) static let shared: UnsafeMutablePointer<OnigEncodingType> = {
    let made = UnsafeMutablePointer<OnigEncodingType>.allocate(capacity: 1)
    var encoding = coniguruma_utf8().unsafelyUnwrapped.pointee
    encoding.property_name_to_ctype = { _, start, end in
      guard let start, let end, let found = RegexClass.named(start, end - start) else {
        return ONIGERR_INVALID_CHAR_PROPERTY_NAME
      }
      return found
    }
    encoding.is_code_ctype = { scalar, type in
      RegexClass.contains(Int32(bitPattern: type), scalar) ? 1 : 0
    }
    encoding.get_ctype_code_range = { type, singleBytes, ranges in
      guard let table = RegexClass.ranges(Int32(bitPattern: type)) else { return ONIGERR_TYPE_BUG }
      singleBytes?.pointee = 0x80
      ranges?.pointee = table
      return 0
    }
    encoding.mbc_case_fold = RegexCase.fold
    encoding.apply_all_case_fold = RegexCase.applyAll
    encoding.get_case_fold_codes_by_str = RegexCase.codes
    made.initialize(to: encoding)
    var encodings: [OnigEncoding?] = [made]
    onig_initialize(&encodings, 1)
    onig_set_parse_depth_limit(deepestPattern)
    return made
  }()
}

/// Which characters are others in another case, in Unicode 16.0, for a library that may know 14.0 or
/// a later one.
private enum RegexCase {
  /// Pairs that came after Unicode 14.0, the larger form first.
  static let added: [(upper: UInt32, lower: UInt32)] =
    [
      (0x1C89, 0x1C8A), (0xA7CB, 0x264), (0xA7CC, 0xA7CD), (0xA7DA, 0xA7DB), (0xA7DC, 0x19B),
    ] + (0x10D50...0x10D65).map { ($0, $0 + 0x20) }

  /// Whether the library came after Unicode 16.0 where it knows `scalar`.
  static func isLater(_ scalar: UInt32) -> Bool {
    scalar < 0x110000 && GeneralCategory.of(scalar) == GeneralCategory.named("Cn")
  }

  /// Whether the library folds `scalar` by itself.
  private static func isKnown(_ scalar: UInt32) -> Bool {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 32) { buffer in
      let start = buffer.baseAddress.unsafelyUnwrapped
      let length = UTF8Scalar.encode(scalar, start)
      var next: UnsafePointer<UInt8>? = UnsafePointer(start)
      let count = coniguruma_utf8().pointee.mbc_case_fold(
        multiCharacterFolds, &next, start + length, start + 8)
      return Int(count) != length || (0..<length).contains { start[$0] != start[8 + $0] }
    }
  }

  /// The added pairs that the library does not know.
  private static let missing = added.filter { !isKnown($0.upper) }

  private static let multiCharacterFolds = OnigCaseFoldType(1 << 30)

  static let fold:
    @convention(c) (
      OnigCaseFoldType, UnsafeMutablePointer<UnsafePointer<UInt8>?>?, UnsafePointer<UInt8>?,
      UnsafeMutablePointer<UInt8>?
    ) -> Int32 = { flag, place, end, output in
      guard let place, let start = place.pointee, let output else { return 0 }
      let (scalar, length) = UTF8Scalar.decode(start)
      if scalar >= 0x80 {
        if let pair = missing.first(where: { $0.upper == scalar }) {
          place.pointee = start + length
          return Int32(UTF8Scalar.encode(pair.lower, output))
        }
        if isLater(scalar) {
          place.pointee = start + length
          output.update(from: start, count: length)
          return Int32(length)
        }
      }
      return coniguruma_utf8().pointee.mbc_case_fold(flag, place, end, output)
    }

  /// Where the library's pairs go through a filter.
  private struct Receiver {
    let function: OnigApplyAllCaseFoldFunc
    let argument: UnsafeMutableRawPointer?
  }

  static let applyAll:
    @convention(c) (
      OnigCaseFoldType, OnigApplyAllCaseFoldFunc?, UnsafeMutableRawPointer?
    ) -> Int32 = { flag, function, argument in
      guard let function else { return 0 }
      var receiver = Receiver(function: function, argument: argument)
      let code = coniguruma_utf8().pointee.apply_all_case_fold(
        flag,
        { from, to, count, receiver in
          guard let receiver, let to else { return 0 }
          if isLater(from) || (0..<Int(count)).contains(where: { isLater(to[$0]) }) { return 0 }
          let real = receiver.assumingMemoryBound(to: Receiver.self).pointee
          return real.function(from, to, count, real.argument)
        }, &receiver)
      if code != 0 { return code }
      for pair in missing {
        var (upper, lower) = pair
        for result in [function(upper, &lower, 1, argument), function(lower, &upper, 1, argument)]
        where result != 0 { return result }
      }
      return 0
    }

  static let codes:
    @convention(c) (
      OnigCaseFoldType, UnsafePointer<UInt8>?, UnsafePointer<UInt8>?,
      UnsafeMutablePointer<OnigCaseFoldCodeItem>?
    ) -> Int32 = { flag, start, end, items in
      guard let start, let items else { return 0 }
      let found = Int(
        coniguruma_utf8().pointee.get_case_fold_codes_by_str(flag, start, end, items))
      if found < 0 { return Int32(found) }
      var kept = 0
      for index in 0..<found {
        let item = items[index]
        let codes = [item.code.0, item.code.1, item.code.2].prefix(Int(item.code_len))
        if codes.contains(where: isLater) { continue }
        items[kept] = item
        kept += 1
      }
      let (scalar, length) = UTF8Scalar.decode(start)
      for pair in missing where pair.upper == scalar || pair.lower == scalar {
        items[kept] = OnigCaseFoldCodeItem(
          byte_len: Int32(length), code_len: 1,
          code: (pair.upper == scalar ? pair.lower : pair.upper, 0, 0))
        kept += 1
      }
      return Int32(kept)
    }
}
