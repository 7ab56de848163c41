/// How the similarities of several vectors become one number (Lightning IR
/// `bi_encoder/bi_encoder_model.py`, `aggregate_similarity`).
package enum Aggregation: String, Sendable, CaseIterable { case sum, mean, max }
