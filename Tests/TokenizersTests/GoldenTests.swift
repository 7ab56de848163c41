import JSON
import TestSupport
import Testing
import Tokenizers

/// Every number of the fixtures, which transformers made.
struct GoldenTests {
  @Test(arguments: GoldenCase.names)
  func settings(name: String) throws {
    let golden = try GoldenCase(name)
    let tokenizer = golden.tokenizer
    let expected = golden.expected
    #expect(tokenizer.className + "Fast" == expected["cls"]?.string)
    #expect(tokenizer.count == expected["len"]?.integer)
    #expect(tokenizer.padID.map { Int($0) } == expected["pad_token_id"]?.integer)
    #expect(tokenizer.maskID.map { Int($0) } == expected["mask_token_id"]?.integer)
    #expect(tokenizer.modelMaxLength == expected["model_max_length"]?.integer)
    #expect(tokenizer.truncationSide.rawValue == expected["truncation_side"]?.string)
    #expect(tokenizer.cleansUpSpaces == expected["clean_up_tokenization_spaces"]?.bool)
    #expect(tokenizer.specialTokenCount(pair: false) == expected["num_special_single"]?.integer)
    #expect(tokenizer.specialTokenCount(pair: true) == expected["num_special_pair"]?.integer)
  }

  @Test(arguments: GoldenCase.names)
  func single(name: String) throws {
    let golden = try GoldenCase(name)
    let ids = try golden.rows("single.full", "ids")
    let types = try golden.rows("single.full", "type_ids")
    let masks = try golden.rows("single.full", "special_tokens_mask")
    #expect(golden.texts.count == ids.count)
    for (i, text) in golden.texts.enumerated() {
      let encoded = try golden.tokenizer.encoded(text)
      #expect(encoded.ids == ids[i], "text \(i): \(text)")
      #expect(encoded.typeIDs == types[i])
      #expect(encoded.specialTokensMask == masks[i])
      #expect(encoded.counts == EncodedCounts(tokens: ids[i].count, removed: 0))
    }
    for (i, row) in try golden.rows("single.no_special", "ids").enumerated() {
      #expect(try golden.tokenizer.encoded(golden.texts[i], addSpecialTokens: false).ids == row)
    }
    for (i, tokens) in (golden.expected["tokens"]?.array ?? []).enumerated() {
      #expect(ids[i].map { golden.tokenizer.token(of: $0) } == tokens.array?.map(\.string))
    }
  }

  @Test(arguments: GoldenCase.names)
  func truncated(name: String) throws {
    let golden = try GoldenCase(name)
    let full = try golden.rows("single.full", "ids")
    for length in golden.integers("trunc_lengths") {
      let ids = try golden.rows("single.trunc\(length)", "ids")
      for (i, text) in golden.integers("trunc_text_indices").enumerated() {
        let encoded = try golden.tokenizer.encoded(golden.texts[text], maxLength: length)
        #expect(encoded.ids == ids[i])
        #expect(encoded.counts.removed == full[text].count - ids[i].count)
      }
    }
  }

  @Test(arguments: GoldenCase.names)
  func pairs(name: String) throws {
    let golden = try GoldenCase(name)
    try check(golden, "pair.full", Array(golden.pairs.indices), nil, .longestFirst)
    let range = golden.integers("pair_longest_first_range")
    for name in golden.tensors.names where name.hasSuffix(".ids") {
      let key = String(name.dropLast(4))
      if let length = Int(key.drop { !$0.isNumber }), key.hasPrefix("pair.") {
        let isFirst = key.hasPrefix("pair.longest_first")
        try check(
          golden, key,
          isFirst ? Array(range[0]..<range[1]) : golden.integers("only_second_pair_indices"),
          length, isFirst ? .longestFirst : .onlySecond)
      }
    }
  }

  private func check(
    _ golden: GoldenCase, _ key: String, _ indices: [Int], _ length: Int?,
    _ truncation: TruncationStrategy
  ) throws {
    let ids = try golden.rows(key, "ids")
    let types = try golden.rows(key, "type_ids")
    let masks = try golden.rows(key, "special_tokens_mask")
    #expect(ids.count == indices.count)
    for (row, index) in indices.enumerated() {
      let (a, b) = golden.pairs[index]
      // transformers takes an empty second text for none, unless it is called with a batch.
      let second = golden.texts[b].isEmpty ? nil : golden.texts[b]
      let encoded = try golden.tokenizer.encoded(
        golden.texts[a], pair: second, maxLength: length, truncation: truncation)
      #expect(encoded.ids == ids[row], "\(key) \(index)")
      #expect(encoded.typeIDs == types[row])
      #expect(encoded.specialTokensMask == masks[row])
    }
  }

  @Test(arguments: GoldenCase.names)
  func paddedBatches(name: String) throws {
    let golden = try GoldenCase(name)
    for (index, batch) in (golden.inputs["batches"]?.array ?? []).enumerated() {
      let range = (batch["text_range"]?.array ?? []).compactMap(\.integer)
      let length = batch["truncation"]?.bool == true ? batch["max_length"]?.integer : nil
      for (row, text) in (range[0]..<range[1]).enumerated() {
        let encoded = try golden.tokenizer.encoded(golden.texts[text], maxLength: length)
        try check(golden, "batch\(index)", row, encoded)
      }
    }
    let batch = golden.inputs["pairbatch"]
    let range = (batch?["pair_range"]?.array ?? []).compactMap(\.integer)
    for (row, index) in (range[0]..<range[1]).enumerated() {
      let (a, b) = golden.pairs[index]
      let encoded = try golden.tokenizer.encoded(
        golden.texts[a], pair: golden.texts[b], maxLength: batch?["max_length"]?.integer)
      try check(golden, "pairbatch", row, encoded)
    }
  }

  /// Compares with a row of a padded batch, where the attention mask says it ends.
  private func check(_ golden: GoldenCase, _ key: String, _ row: Int, _ encoded: Encoded) throws {
    let width = try golden.tensors.tensor("\(key).input_ids").shape[1]
    func values(_ field: String) throws -> [Int32] {
      Array(try golden.tensors.integers("\(key).\(field)")[(row * width)..<((row + 1) * width)])
    }
    let count = try values("attention_mask").count { $0 == 1 }
    #expect(Array(try values("input_ids")[..<count]) == encoded.ids)
    #expect(Array(try values("token_type_ids")[..<count]) == encoded.typeIDs)
    #expect(Array(try values("special_tokens_mask")[..<count]) == encoded.specialTokensMask)
    #expect(try values("input_ids")[count...].allSatisfy { $0 == golden.tokenizer.padID })
  }

  @Test(arguments: GoldenCase.names)
  func decoded(name: String) throws {
    let golden = try GoldenCase(name)
    let ids = try golden.rows("single.full", "ids")
    let texts = golden.expected["decode"]?.array ?? []
    let skipping = golden.expected["decode_skip_special"]?.array ?? []
    let bare = golden.expected["decode_no_special"]?.array ?? []
    #expect(texts.count == ids.count)
    for (i, row) in ids.enumerated() {
      let tokenizer = golden.tokenizer
      #expect(try tokenizer.decode(row) == texts[i].string)
      #expect(
        try tokenizer.decode(row, skipSpecialTokens: true) == skipping[i].string ?? texts[i].string)
      if i < bare.count {
        let inner = try tokenizer.encoded(golden.texts[i], addSpecialTokens: false).ids
        #expect(try tokenizer.decode(inner) == bare[i].string ?? texts[i].string)
      }
    }
  }
}
