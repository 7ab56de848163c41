import Failures

extension FaissWriter {
  /// A graph in layers, behind the header of an index of one (`IHNf`); the index of the vectors follows.
  ///
  /// - Parameters:
  ///   - graph: The graph; nil for one without vectors.
  ///   - degree: Neighbours of a vector above the lowest layer.
  ///   - construction: Candidates that were kept when neighbours were looked for, for vectors that faiss
  ///     adds.
  /// - Throws: 73 and 74 where the file cannot be written.
  func writeGraph(_ graph: StoredHNSW?, degree: Int, construction: Int) throws(Failure) {
    let sizes = graph?.sizes ?? []
    // How many layers a vector that is added may get, and by which chance.
    var (chances, ends) = ([Double](), [Int32(0)])
    var share = 1.0
    while share * (1 - 1 / Double(degree)) >= 1e-9 || chances.count < sizes.count {
      chances.append(share * (1 - 1 / Double(degree)))
      share /= Double(degree)
      ends.append(ends[ends.count - 1] + Int32(HNSWMemory.degree(degree, ends.count - 1)))
    }
    try writeCounted(chances)
    try writeCounted(ends)
    let count = sizes.first ?? 0
    var layers = [Int32](repeating: 1, count: count)
    var places = [Int32](repeating: -1, count: count)
    if let graph {
      for size in sizes.dropFirst() {
        for place in 0..<size { layers[Int(graph.documents[place])] += 1 }
      }
      for place in 0..<(sizes.count > 1 ? sizes[1] : 0) {
        places[Int(graph.documents[place])] = Int32(place)
      }
    }
    try writeCounted(layers)
    var offsets: [UInt64] = [0]
    for layer in layers { offsets.append(offsets[offsets.count - 1] + UInt64(ends[Int(layer)])) }
    try writeCounted(offsets)
    try write(offsets[count])
    if let graph {
      for document in 0..<count {
        try write(Self.row(graph.lowest, document) { $0 })
        for links in graph.upper.prefix(Int(layers[document]) - 1) {
          try write(Self.row(links, Int(places[document])) { graph.documents[Int($0)] })
        }
      }
    }
    try write(Int32(graph?.entry ?? -1))
    try write(Int32(sizes.count - 1))
    // As faiss searches unless it is told otherwise; what follows has no meaning any more.
    try write([Int32(construction), 16, 1])
  }

  /// The neighbours of a vertex by their documents, with -1 where there are no more.
  private static func row(
    _ links: StoredHNSW.Links, _ vertex: Int, _ document: (Int32) -> Int32
  ) -> [Int32] {
    var row = links.neighbours(vertex).map(document)
    row += repeatElement(-1, count: links.degree - row.count)
    return row
  }
}
