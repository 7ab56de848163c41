import Failures
import IndexFormat
import Kernels
import Retrieval
import Streams
import Tensors
import Vectors

/// Where the queries of several collections come from: a stream that goes with the collection, or the
/// texts that are there for the others.
struct QuerySides {
  /// By collection; nil where texts are asked for.
  let streams: [QueryStream?]
  /// Operands that are texts.
  let texts: [String]

  /// All queries of one collection come from all operands.
  init(texts operands: [String]) {
    streams = [nil]
    texts = operands
  }

  /// - Parameters:
  ///   - operands: Streams, and texts for the collections that none of them is for.
  ///   - collections: What is searched.
  ///   - kernels: Compute.
  /// - Throws: 64 where queries of a collection are missing, 78 for a stream that goes with none.
  init(
    _ operands: [String], _ collections: [SearchedIndexes.Collection], _ kernels: Kernels
  ) throws(Failure) {
    var streams = [QueryStream?](repeating: nil, count: collections.count)
    var texts: [String] = []
    for operand in operands {
      guard ContentSort(of: operand) == .tensorStream || Self.isPacked(operand) else {
        texts.append(operand)
        continue
      }
      let stream = try QueryStream(operand, kernels)
      guard let place = try Self.place(of: stream, collections, streams) else { continue }
      streams[place] = stream
    }
    for (collection, stream) in zip(collections, streams) where stream == nil && texts.isEmpty {
      throw .usage(
        "there are no queries for \(collection.path)",
        hint: collection.source.schema == nil
          ? "it holds texts: name a file of queries that are texts"
          : "name a stream of its model's queries, or texts and --model")
    }
    self.streams = streams
    self.texts = texts
  }

  /// Whether a file is a compressed tensor stream.
  private static func isPacked(_ operand: String) -> Bool {
    guard operand != "-", WholeFile.isRegular(operand), let reader = try? ByteReader(operand) else {
      return false
    }
    return (try? TensorStreamReader.recognizes(reader)) ?? false
  }

  /// The first collection without queries that a stream goes with; nil for a stream without queries.
  private static func place(
    of stream: QueryStream, _ collections: [SearchedIndexes.Collection], _ taken: [QueryStream?]
  ) throws(Failure) -> Int? {
    guard let first = stream.first else {
      throw .data(stream.operand, "expected queries, found a stream without any")
    }
    var refusal: Failure?
    for (place, collection) in collections.enumerated() where taken[place] == nil {
      do throws(Failure) {
        try collection.source.check(
          queries: first.description, first.schema, stream.operand, cutTo: collection.dims)
        return place
      } catch {
        if refusal == nil || collection.source.schema?.kind == first.schema.kind { refusal = error }
      }
    }
    throw refusal ?? .usage("\(stream.operand): every index has its queries already")
  }

  /// The queries of each collection.
  ///
  /// - Parameters:
  ///   - ids: Their ids.
  ///   - embedded: Their vectors, for collections without a stream.
  ///   - texts: Their texts, for collections of texts.
  ///   - collections: What is searched.
  /// - Returns: Queries by collection.
  /// - Throws: 65 where a stream has other queries.
  func queries(
    _ ids: [[UInt8]], _ embedded: Embeddings, texts: [[UInt8]],
    _ collections: [SearchedIndexes.Collection]
  ) throws(Failure) -> [Embeddings] {
    if collections.count == 1 { return [embedded] }
    return try zip(collections, streams).map { collection, stream throws(Failure) in
      if let stream { return try stream.take(ids) ?? embedded }
      return collection.source.schema == nil ? .texts(texts) : embedded
    }
  }
}
