import Failures
import Glibc
import IndexFormat
import Indexes
import Kernels
import Retrieval
import Streams
import TestSupport
import Testing
import Vectors
import Workers

/// Promises of every type of index, tested on all of the registry and one type more.
@Suite struct IndexContractTests {
  private static let count = IndexSample.types.count

  @Test func namesAndParameters() throws {
    let names = IndexSample.types.map { $0.name }
    #expect(Set(names).count == names.count)
    // The options of all types are one set: another name of a parameter is no type's own.
    let parameters = IndexSample.types.flatMap { $0.parameters }
    let others = Set(parameters.flatMap(\.aliases))
    #expect(others.isDisjoint(with: parameters.map(\.name)))
    for type in IndexSample.types {
      #expect(type.summary.count > 10)
      let files = (DocumentTable.files + type.files).map(\.name)
      #expect(Set(files).count == files.count, "\(type.name) declares a file twice")
      for stage in [IndexParameter.Stage.build, .search] {
        let arguments = try IndexArguments([], type, stage)
        for parameter in type.parameters(stage) {
          guard let value = parameter.value else { continue }
          // A default is a value like any other.
          _ = try IndexArguments([(parameter.name, value)], type, stage)
          #expect(arguments.text(parameter.name) == value)
        }
        let failure = #expect(throws: Failure.self) {
          try IndexArguments([("unheard-of", "1")], type, stage)
        }
        #expect(failure?.status == .usage)
        #expect(failure?.message == "--unheard-of: \(type.name) has no --unheard-of")
      }
    }
  }

  /// Knobs and presets are made of search parameters that the type has, and either all presets are
  /// there or none.
  @Test func knobsAndPresets() throws {
    for type in IndexSample.types {
      #expect(type.knobs.isEmpty == type.presets.isEmpty)
      for setting in SearchKnob.combinations(of: type.knobs) {
        _ = try IndexArguments(setting, type, .search)
      }
      if type.presets.isEmpty { continue }
      for preset in SearchPreset.allCases {
        let setting = try #require(type.presets[preset], "\(type.name): \(preset)")
        #expect(!setting.isEmpty)
        // What is said counts.
        let said = try IndexArguments(type.settings(preset, setting), type, .search)
        for (name, value) in setting { #expect(said.text(name) == value) }
      }
    }
  }

  /// Every file is declared, and every declared one is there.
  @Test(arguments: 0..<count)
  func files(index: Int) throws {
    let sample = try IndexSample(IndexSample.types[index])
    #expect(try sample.build("i") == sample.documents)
    let folder = try IndexFolder(sample.folder("i"))
    let declared = DocumentTable.files + sample.type.files
    let found = folder.manifest.segments[0].files
    #expect(Set(found.keys).isSubset(of: declared.map(\.name)))
    #expect(Set(declared.filter { $0.presence == .always }.map(\.name)).isSubset(of: found.keys))
    #expect(Set(found.values) == Set(folder.manifest.files.map(\.name)))
    #expect(try names(sample.folder("i")) == (found.values + ["manifest.json"]).sorted())
    try sample.type.verify(folder)
  }

  /// An index has the same bytes whatever the threads, in the place of another index, and from
  /// shards, given to one build or merged; those of a type that learns share what it learned.
  @Test(arguments: 0..<count)
  func sameBytes(index: Int) throws {
    let sample = try IndexSample(IndexSample.types[index])
    try sample.build("i")
    let whole = try contents(sample.folder("i"))
    try sample.build("threads", threads: 3)
    #expect(try contents(sample.folder("threads")) == whole)
    try sample.writeDocuments("others", 0..<9)
    try sample.build("replaced", of: ["others"])
    try sample.build("replaced")
    #expect(try contents(sample.folder("replaced")) == whole)
    #expect(try names(sample.folder("replaced")) == names(sample.folder("i")))
    guard sample.type.takes != .texts else { return }
    for (i, rows) in [0..<11, 11..<11, 11..<sample.documents].enumerated() {
      try sample.writeDocuments("s\(i)", rows, shard: "\(i + 1)/3")
      try sample.build("i\(i)", of: ["s\(i)"], like: "i")
    }
    try sample.build("joined", of: ["s0", "s1", "s2"], like: "i")
    #expect(try contents(sample.folder("joined")) == whole)
    let parts = try (0..<3).map { try IndexFolder(sample.folder("i\($0)")) }
    let work = IndexWork(Kernels(), WorkerPool(threads: 1))
    let merge = try IndexMerge(parts, sample.type)
    #expect(
      try merge.run(
        to: sample.folder("merged"), work, by: parts[0].manifest.source.description.by)
        == sample.documents)
    #expect(try contents(sample.folder("merged")) == whole)
    let failure = #expect(throws: Failure.self) {
      try IndexMerge([parts[0], parts[2]], sample.type)
    }
    #expect(failure?.status == .data)
  }

  @Test(arguments: 0..<count)
  func anEmptyCollection(index: Int) throws {
    let sample = try IndexSample(IndexSample.types[index], documents: 0)
    #expect(try sample.build("i") == 0)
    try sample.type.verify(IndexFolder(sample.folder("i")))
    #expect(try sample.open("i").search(sample.request(k: 3)).allSatisfy(\.isEmpty))
  }

  /// Queries together or one by one, on one thread or several; more of them is more of the same.
  @Test(arguments: 0..<count)
  func searchIsTheSame(index: Int) throws {
    let sample = try IndexSample(IndexSample.types[index])
    try sample.build("i")
    let all = try sample.open("i").search(sample.request(k: 1000))
    #expect(all.contains { $0.count > 5 })
    for threads in [1, 2, 3] {
      let index = try sample.open("i", threads: threads)
      #expect(try index.search(sample.request(k: 1000)) == all)
      for query in all.indices {
        let one = SearchRequest(
          ids: [Array("q".utf8)], queries: sample.queries[query..<query + 1], k: 4)
        #expect(try index.search(one) == [Array(all[query].prefix(4))])
      }
    }
  }

  /// Filters and own documents are left out before the best are chosen.
  @Test(arguments: 0..<count)
  func filters(index: Int) throws {
    let sample = try IndexSample(IndexSample.types[index])
    try sample.build("i")
    for threads in [1, 3] {
      let index = try sample.open("i", threads: threads)
      let all = try index.search(sample.request(k: 1000))
      let allowed = Set((0..<sample.documents).filter { $0 % 3 == 0 })
      let lines = allowed.map { IndexSample.id($0) + [0x0A] }
      try overwrite(sample.folder("filter"), lines.flatMap { $0 })
      var request = sample.request(k: 5)
      request.filter = try DocumentFilter(sample.folder("filter"), index.documents)
      let filtered = try index.search(request)
      for (found, whole) in zip(filtered, all) {
        #expect(found == Array(whole.filter { allowed.contains(Int($0.ordinal)) }.prefix(5)))
      }
      // What may not be found is the rest of what may.
      request.filter = nil
      request.filterOut = try DocumentFilter(sample.folder("filter"), index.documents)
      for (found, whole) in zip(try index.search(request), all) {
        #expect(found == Array(whole.filter { !allowed.contains(Int($0.ordinal)) }.prefix(5)))
      }
      request.filterOut = nil
      request.dropsSelf = true
      request.ids = all.map { $0.first.map { index.documents.id(Int($0.ordinal)) } ?? [0x71] }
      for (found, whole) in zip(try index.search(request), all) {
        #expect(found == Array(whole.dropFirst().prefix(5)))
      }
    }
  }

  /// Both lists hold for a query at once, and those of one query are no other's.
  @Test(arguments: 0..<count)
  func filtersOfQueries(index: Int) throws {
    let sample = try IndexSample(IndexSample.types[index])
    try sample.build("i")
    let index = try sample.open("i")
    let all = try index.search(sample.request(k: 1000))
    var (some, none) = ("", "")
    for (query, entries) in all.enumerated() {
      for (place, entry) in entries.enumerated() {
        let line =
          "q\(query)\t\(String(decoding: index.documents.id(Int(entry.ordinal)), as: UTF8.self))"
        if place % 2 == 0 { some += line + "\n" }
        if place % 3 == 0 { none += line + "\n" }
      }
    }
    try write(sample.folder("some"), some + "q0\tnowhere\n")
    try write(sample.folder("none"), none)
    var request = sample.request(k: 4)
    request.filter = try DocumentFilter(sample.folder("some"), index.documents)
    #expect(request.filter?.unknown == 1)
    request.filterOut = try DocumentFilter(sample.folder("none"), index.documents)
    for (found, whole) in zip(try index.search(request), all) {
      let expected = whole.enumerated().filter { $0.offset % 2 == 0 && $0.offset % 3 != 0 }
      #expect(found == Array(expected.map(\.element).prefix(4)))
    }
  }

  /// A least score leaves out all that is below it, and nothing that has it.
  @Test(arguments: 0..<count)
  func leastScore(index: Int) throws {
    let sample = try IndexSample(IndexSample.types[index])
    try sample.build("i")
    let index = try sample.open("i")
    let all = try index.search(sample.request(k: 1000))
    for floor in Set(all.flatMap { $0.map(\.score) }) {
      var request = sample.request(k: 1000)
      request.floor = floor
      #expect(try index.search(request) == all.map { $0.filter { $0.score >= floor } })
    }
  }

  /// What documents elsewhere reach leaves out what is below it, of each query, where an index heeds it, and
  /// nothing that has it.
  @Test(arguments: 0..<count)
  func reachedScores(index: Int) throws {
    let sample = try IndexSample(IndexSample.types[index])
    try sample.build("i")
    let index = try sample.open("i")
    let all = try index.search(sample.request(k: 1000))
    for place in 0..<5 {
      var request = sample.request(k: 1000)
      request.reached = all.indices.map { query in
        // Every query has another one.
        let scores = all[query].map(\.score)
        return scores.isEmpty ? -.infinity : scores[(place + query) % scores.count]
      }
      let wanted = zip(all, request.reached).map { entries, least in
        entries.filter { $0.score >= least }
      }
      let found = try index.search(request)
      #expect(zip(found, request.reached).map { f, r in f.filter { $0.score >= r } } == wanted)
      if index.heedsReached { #expect(found == wanted) }
    }
  }

  /// Types whose segments are searched one after the other.
  @Test func whoHeedsReachedScores() throws {
    let heeding = try IndexSample.types.indices.filter { number in
      let sample = try IndexSample(IndexSample.types[number])
      try sample.build("i")
      return try sample.open("i").heedsReached
    }.map { IndexSample.types[$0].name }
    #expect(Set(heeding) == ["flat", "sparse", "multivector", "coil", "bm25"])
  }

  @Test(arguments: 0..<count)
  func givenDocumentsHaveTheScoresOfASearch(index: Int) throws {
    let sample = try IndexSample(IndexSample.types[index])
    try sample.build("i")
    guard let index = try sample.open("i") as? any RescoringIndex else { return }
    for (query, entries) in try index.search(sample.request(k: 1000)).enumerated() {
      let scores = try index.scores(
        sample.queries, query, of: entries.reversed().map { Int($0.ordinal) })
      #expect(scores == entries.reversed().map(\.score))
    }
  }

  /// Every changed byte, every cut and every missing file is found.
  @Test(arguments: 0..<count)
  func damage(index: Int) throws {
    let sample = try IndexSample(IndexSample.types[index], documents: 5)
    try sample.build("i")
    let path = sample.folder("i")
    func status() -> Failures.ExitStatus? {
      IndexesTests.status { try sample.type.verify(IndexFolder(path)) }
    }
    for file in try IndexManifest(folder: path).files {
      let place = "\(path)/\(file.name)"
      let whole = try WholeFile.read(place)
      for offset in stride(from: 0, to: whole.count, by: 23) {
        var damaged = whole
        damaged[offset] ^= 0x10
        try overwrite(place, damaged)
        #expect(status() == .data, "\(file.name), byte \(offset)")
      }
      try overwrite(place, Array(whole.dropLast()))
      #expect(IndexesTests.status { _ = try IndexFolder(path) } == .data)
      unlink(place)
      #expect(IndexesTests.status { _ = try IndexFolder(path) } == .data)
      try overwrite(place, whole)
    }
    #expect(status() == nil)
    let manifest = try WholeFile.read(path + "/manifest.json")
    // All but the last brace and what is behind it.
    for length in 0..<manifest.count - 2 {
      try overwrite(path + "/manifest.json", Array(manifest[..<length]))
      #expect(status() == .data, "manifest of \(length) bytes")
    }
  }

  /// Files of an intact checksum and another shape than the type declares.
  @Test(arguments: 0..<count)
  func shapes(index: Int) throws {
    let sample = try IndexSample(IndexSample.types[index], documents: 5)
    for declared in DocumentTable.files + sample.type.files {
      try sample.build("i")
      guard try IndexFolder(sample.folder("i")).segments[0].has(declared) else { continue }
      let old = try IndexFolder(sample.folder("i")).segments[0].tensor(declared)
      let header = SafeTensorsBuilder.blob(
        header:
          #"{"\#(declared.tensor)":{"dtype":"I16","shape":[1,1,1],"data_offsets":[0,2]}}"#,
        data: [0, 0])
      try replace(declared.name, of: sample.folder("i"), by: header)
      let folder = try IndexFolder(sample.folder("i"))
      #expect(
        IndexesTests.status { try sample.type.verify(folder) } == .data, "\(declared.name)")
      withExtendedLifetime(old) {}
    }
  }

  /// A document that occurs twice, and documents of another form, leave no index.
  @Test(arguments: 0..<count)
  func refusals(index: Int) throws {
    let sample = try IndexSample(IndexSample.types[index])
    try sample.writeDocuments("a", 0..<5)
    try sample.writeDocuments("b", 3..<7)
    let before = try names(sample.folder.path)
    let twice = #expect(throws: Failure.self) { try sample.build("i", of: ["a", "b"]) }
    #expect(twice?.status == .data)
    #expect(twice?.message.contains("occurs twice") == true)
    #expect(try names(sample.folder.path) == before)
  }
}
