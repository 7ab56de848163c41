/// A set of byte strings with ids, looked up byte by byte: a double array.
///
/// The children of a node lie at its base plus their byte; a slot belongs to the node that its
/// `check` names. Source: J. Aoe, An Efficient Digital Search Algorithm by Using a Double-Array
/// Structure, 1989.
struct ByteTrie: Sendable {
  struct Node: BitwiseCopyable, Sendable {
    /// Twice where the children start, plus 1 where a string ends here.
    var base: Int32
    /// The parent; `free` or `rootCheck` where there is none.
    var check: Int32
  }

  private static let free: Int32 = -1
  private static let rootCheck: Int32 = -2

  private let nodes: [Node]
  /// The ids of strings by the node where they end.
  private let ids: [Int32]

  /// The tokens of a vocabulary, without the empty one.
  init(_ vocabulary: Vocabulary) {
    (nodes, ids) = vocabulary.arena.withUnsafeBufferPointer { arena in
      vocabulary.spans.withUnsafeBufferPointer { spans in
        var builder = Builder(arena, spans)
        builder.build()
        return (builder.nodes, builder.ids)
      }
    }
  }

  /// Opens the trie for reading.
  @inline(__always)
  func withReader<R>(_ body: (Reader) -> R) -> R {
    nodes.withUnsafeBufferPointer { nodes in
      ids.withUnsafeBufferPointer { ids in
        body(
          Reader(
            nodes: nodes.baseAddress.unsafelyUnwrapped, ids: ids.baseAddress.unsafelyUnwrapped))
      }
    }
  }

  /// A trie opened for reading.
  struct Reader {
    fileprivate let nodes: UnsafePointer<Node>
    fileprivate let ids: UnsafePointer<Int32>

    /// Calls `found` with the id and the length of each string that `bytes` starts with, shortest
    /// first.
    @inline(__always)
    func prefixes(
      _ bytes: UnsafePointer<UInt8>, _ count: Int, _ found: (_ id: Int32, _ length: Int) -> Void
    ) {
      var node: Int32 = 0
      var base = nodes[0].base &>> 1
      var i = 0
      while i < count {
        let next = base &+ Int32(truncatingIfNeeded: bytes[i])
        let entry = nodes[Int(next)]
        if entry.check != node { return }
        i &+= 1
        if entry.base & 1 != 0 { found(ids[Int(next)], i) }
        node = next
        base = entry.base &>> 1
      }
    }

    /// The id of a string, -1 where it is not in the set.
    func find(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
      var result: Int32 = -1
      prefixes(bytes, count) { id, length in if length == count { result = id } }
      return result
    }
  }

  // MARK: Building

  /// Lays out the nodes, depth first; free slots are in a list, so that lone children, which most
  /// are, fill the gaps.
  private struct Builder {
    private let arena: UnsafeBufferPointer<UInt8>
    private let spans: UnsafeBufferPointer<Vocabulary.Span>
    private(set) var nodes: [Node] = []
    private(set) var ids: [Int32] = []
    /// The free slots after and before each free slot; slot 0, the root, heads the list.
    private var following: [Int32] = []
    private var preceding: [Int32] = []
    /// The strings, those below a node side by side.
    private var order: [Int32]
    private var spare: [Int32]
    private var todo: [Range] = []
    /// All slots from here on are free.
    private var used = 1

    /// Strings that share their first `depth` bytes, which lead to `node`.
    private struct Range { var start, end, depth, node: Int }

    /// How many free slots are tried before a node with several children goes to the end.
    private static let patience = 64

    init(
      _ arena: UnsafeBufferPointer<UInt8>, _ spans: UnsafeBufferPointer<Vocabulary.Span>
    ) {
      self.arena = arena
      self.spans = spans
      order = (0..<Int32(spans.count)).filter { spans[Int($0)].length > 0 }
      spare = order
      grow(to: 1024)
      nodes[0].check = ByteTrie.rootCheck
      unlink(0)
    }

    private mutating func grow(to count: Int) {
      let old = nodes.count
      if count <= old { return }
      let new = max(count, 2 * old)
      nodes.append(
        contentsOf: repeatElement(Node(base: 0, check: ByteTrie.free), count: new - old))
      ids.append(contentsOf: repeatElement(-1, count: new - old))
      for slot in old..<new {
        following.append(Int32(slot + 1 == new ? 0 : slot + 1))
        preceding.append(Int32(slot - 1))
      }
      if old > 0 {
        // The list ends where the root's predecessor is.
        let last = preceding[0]
        following[Int(last)] = Int32(old)
        preceding[old] = last
      }
      preceding[0] = Int32(new - 1)
    }

    private mutating func unlink(_ slot: Int) {
      // The root stays as the head of the list.
      if slot == 0 { return }
      following[Int(preceding[slot])] = following[slot]
      preceding[Int(following[slot])] = preceding[slot]
    }

    mutating func build() {
      todo.append(Range(start: 0, end: order.count, depth: 0, node: 0))
      while let range = todo.popLast() { place(range) }
      // So that any byte can be looked up at any base.
      grow(to: used + 512)
    }

    private func byte(_ index: Int, _ depth: Int) -> UInt8 { byte(of: order[index], depth) }

    private func byte(of id: Int32, _ depth: Int) -> UInt8 {
      arena[Int(spans[Int(id)].offset) + depth]
    }

    /// Makes the children of a node.
    private mutating func place(_ range: Range) {
      let start = takeEnding(range)
      if start == range.end { return }
      sort(start, range.end, range.depth)
      var children: [(label: UInt8, start: Int)] = []
      for i in start..<range.end {
        let label = byte(i, range.depth)
        if children.last?.label != label { children.append((label, i)) }
      }
      let base = findBase(children.map { Int($0.label) })
      nodes[range.node].base |= Int32(base) << 1
      for (number, child) in children.enumerated() {
        let slot = base + Int(child.label)
        unlink(slot)
        used = max(used, slot + 1)
        nodes[slot].check = Int32(range.node)
        let end = number + 1 < children.count ? children[number + 1].start : range.end
        todo.append(Range(start: child.start, end: end, depth: range.depth + 1, node: slot))
      }
    }

    /// Takes the strings that end at the node to the front; says where the others start.
    private mutating func takeEnding(_ range: Range) -> Int {
      var start = range.start
      for i in range.start..<range.end where Int(spans[Int(order[i])].length) == range.depth {
        nodes[range.node].base |= 1
        ids[range.node] = order[i]
        order.swapAt(i, start)
        start += 1
      }
      return start
    }

    /// Sorts strings by one byte.
    private mutating func sort(_ start: Int, _ end: Int, _ depth: Int) {
      if end - start <= 16 {
        for i in start + 1..<max(end, start + 1) {
          let moving = order[i]
          let label = byte(of: moving, depth)
          var j = i
          while j > start, byte(j - 1, depth) > label {
            order[j] = order[j - 1]
            j -= 1
          }
          order[j] = moving
        }
        return
      }
      var offsets = [Int](repeating: 0, count: 257)
      for i in start..<end { offsets[Int(byte(i, depth)) + 1] += 1 }
      for label in 1...256 { offsets[label] += offsets[label - 1] }
      for i in start..<end {
        let label = Int(byte(i, depth))
        spare[start + offsets[label]] = order[i]
        offsets[label] += 1
      }
      for i in start..<end { order[i] = spare[i] }
    }

    /// A base at which the slots of all labels are free.
    private mutating func findBase(_ labels: [Int]) -> Int {
      var slot = Int(following[0])
      var tries = 0
      while slot != 0, tries < Self.patience {
        let base = slot - labels[0]
        if base >= 0 {
          grow(to: base + 256)
          if labels.allSatisfy({ nodes[base + $0].check == ByteTrie.free }) { return base }
          tries += 1
        }
        slot = Int(following[slot])
      }
      let base = used
      grow(to: base + 256)
      return base
    }
  }
}
