/// Naive twins of the kernels: the plainest text that computes the same, to be read rather than run.
///
/// Those that return `Float` do the operations in the defined order, so that their bits are those
/// of the kernels. Those that return `Double` are the true value, against which accuracy is stated.
package enum Reference {}
