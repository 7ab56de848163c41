import Evaluation
import Failures

/// `lir-eval trec_eval -h`.
enum TrecHelp {
  private static let usage = """
    lir-eval trec_eval [-cnqJ] [-l LEVEL] [-M DEPTH] [-N DOCS] [-R FORMAT] [-Z FILE]
                       [-m MEASURE[.PARAMETERS]]... JUDGEMENTS RUN

      -m  a measure, or all of official (the default), set, all_trec, prefs, all_prefs, qrels_jg
      -q  print the values of queries, too          -n  do not print the values over all
      -c  average over all judged queries           -l  lowest grade that is relevant (1)
      -M  look at so many documents of a query      -J  leave out documents without a judgement
      -N  number of documents in the collection     -T  form of the run: trec_results
      -R  form of the judgements: qrels, qrels_jg (a judge an iteration), prefs (query judge group
          doc level), qrels_prefs
      -Z  print deviations from the means in a file of lines "query measure mean deviation"
      -D  LEVEL.QUERY: look at this query alone     -v  print the version

    """

  static func text(_ options: TrecOptions) throws(Failure) -> String {
    var text = usage
    for (measure, _) in try TrecMeasure.resolve(options.measures) {
      text += "\n\(measure.name)\n  \(try measure.explanation)\n"
    }
    if options.measures.isEmpty {
      text += "\nMeasures: "
      text += TrecMeasure.all.map(\.name).joined(separator: " ") + "\n"
    }
    return text
  }
}
