import Autograd
import Failures
import JSON
import Kernels
import Tensors
import Vectors

/// The last part of a bi-encoder: it turns the hidden states of a text into the vectors that stand
/// for it in scoring.
///
/// Its function is written once over `Operations`: inference and training run the same text. A new
/// head is one file, which holds it and its `HeadSettings`, and a row of `Heads`.
package protocol BiEncoderHead: Sendable {
  /// Form of a text's embedding.
  var form: VectorForm { get }

  /// Whether vectors have length 1, so that a part of one is to be normalised again.
  var normalizes: Bool { get }

  /// The vectors of a batch's texts: one matrix for each kind of vectors that a text has.
  func vectors<O: Operations>(_ texts: HeadInput<O>, _ o: O) -> [O.Value]

  /// What `vectors` gives where the model is trained: one matrix for each part that has losses of its own.
  func trainedVectors<O: Operations>(_ texts: HeadInput<O>, _ o: O) -> [O.Value]

  /// Rows of each text in each of these matrices.
  ///
  /// - Parameters:
  ///   - batch: The texts.
  ///   - role: Role of the texts.
  ///   - counted: Those of some tokens of the batch that count in scoring.
  /// - Returns: The rows of each matrix of `vectors`.
  func groups(
    _ batch: PackedBatch, _ role: Role, counted: (Range<Int>) -> [Int]
  ) -> [VectorGroups]

  /// Whether sparse vectors of a role have no other terms than the text's own.
  func hasOwnTermsAlone(_ role: Role) -> Bool

  /// Whether a document has several vectors, each of which a query's only one is compared with.
  var givesViews: Bool { get }

  /// Layers that get some of a text's tokens: which masks of dropout these have is not known.
  var layersOfSomeTokens: [Linear] { get }

  /// What makes scores of the vectors; nil where a rule does.
  var scorer: LearnedScorer? { get }

  /// Whether texts have fewer vectors than tokens that count, because some become one.
  var mergesVectors: Bool { get }

  /// A text's vectors as they are stored and compared.
  func merged(_ set: VectorSet, _ role: Role) -> VectorSet

  /// Members that `lir-encode --inspect` prints of the head behind its form.
  var facts: [JSON.Member] { get }
}

extension BiEncoderHead {
  package var normalizes: Bool { false }

  package func groups(
    _ batch: PackedBatch, _ role: Role, counted: (Range<Int>) -> [Int]
  ) -> [VectorGroups] { [VectorGroups(texts: batch.sequences)] }

  package func trainedVectors<O: Operations>(_ texts: HeadInput<O>, _ o: O) -> [O.Value] {
    vectors(texts, o)
  }

  package func hasOwnTermsAlone(_ role: Role) -> Bool { false }

  package var givesViews: Bool { false }

  package var layersOfSomeTokens: [Linear] { [] }

  package var scorer: LearnedScorer? { nil }

  package var mergesVectors: Bool { false }

  package func merged(_ set: VectorSet, _ role: Role) -> VectorSet { set }

  package var facts: [JSON.Member] { [] }
}

/// The last part of a cross-encoder: it turns the hidden states of a query and a document that were
/// read together into a score.
package protocol CrossEncoderHead: Sendable {
  /// The numbers of a batch's pairs that the scores are made of, [B,1]: of two pairs the one with the
  /// higher number has the higher score, as far as the score's precision goes.
  func margins<O: Operations>(_ pairs: HeadInput<O>, _ o: O) -> O.Value

  /// The scores that pairs with these margins have, [B,1].
  func scores<O: Operations>(
    _ margins: O.Value, _ activation: ScoreActivation, _ o: O
  ) -> O.Value

  /// Index of the one token whose state the score of a pair is made of; nil where others count, too.
  func lastRead(_ ids: ArraySlice<Int32>) -> Int?

  /// Members that `lir-encode --inspect` prints of the head.
  var facts: [JSON.Member] { get }
}

extension CrossEncoderHead {
  package func lastRead(_ ids: ArraySlice<Int32>) -> Int? { nil }
}

/// A head with its weights.
package enum Head: Sendable {
  case biEncoder(any BiEncoderHead)
  case crossEncoder(any CrossEncoderHead)
}

/// Form of the embedding that a bi-encoder makes of a text.
package enum VectorForm: Sendable, Equatable {
  /// One vector.
  case dense(dimension: Int)
  /// Weights of a vocabulary's terms.
  case sparse(dimension: Int)
  /// Several vectors, perhaps with one of the text's own beside them. Where each belongs to a token,
  /// the last matrix of a head has a row for every token of the batch.
  case vectors(VectorShape)

  /// Width of the vectors that `dim` names: those of tokens where there are two kinds.
  package var dimension: Int {
    switch self {
    case .dense(let dimension), .sparse(let dimension): dimension
    case .vectors(let shape): shape.width
    }
  }

  /// The kind of stream that holds it.
  package var kind: StreamKind {
    switch self {
    case .dense: .dense
    case .sparse: .sparse
    case .vectors(let shape): shape.cls == nil ? .multivector : .coil
    }
  }
}
