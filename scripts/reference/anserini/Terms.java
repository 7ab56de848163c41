import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;

import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.Tokenizer;
import org.apache.lucene.analysis.core.KeywordTokenizer;
import org.apache.lucene.analysis.da.DanishAnalyzer;
import org.apache.lucene.analysis.de.GermanAnalyzer;
import org.apache.lucene.analysis.en.PorterStemFilter;
import org.apache.lucene.analysis.es.SpanishAnalyzer;
import org.apache.lucene.analysis.fi.FinnishAnalyzer;
import org.apache.lucene.analysis.fr.FrenchAnalyzer;
import org.apache.lucene.analysis.hu.HungarianAnalyzer;
import org.apache.lucene.analysis.it.ItalianAnalyzer;
import org.apache.lucene.analysis.nl.DutchAnalyzer;
import org.apache.lucene.analysis.no.NorwegianAnalyzer;
import org.apache.lucene.analysis.pt.PortugueseAnalyzer;
import org.apache.lucene.analysis.ru.RussianAnalyzer;
import org.apache.lucene.analysis.standard.StandardTokenizer;
import org.apache.lucene.analysis.sv.SwedishAnalyzer;
import org.apache.lucene.analysis.tokenattributes.CharTermAttribute;
import org.apache.lucene.analysis.tr.TurkishAnalyzer;

import io.anserini.analysis.DefaultEnglishAnalyzer;

/**
 * The terms of a text a line, a line each with tabs between them: of Lucene's StandardTokenizer
 * (words), of Anserini's English analyser (english) or of Lucene's for another language, or the stem of the
 * whole line (stem).
 */
public final class Terms {
  public static void main(String[] arguments) throws Exception {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), false, "UTF-8");
    Analyzer english = DefaultEnglishAnalyzer.newDefaultInstance();
    Analyzer language = of(arguments[0]);
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      TokenStream stream;
      switch (arguments[0]) {
        case "words": stream = over(new StandardTokenizer(), line); break;
        case "stem": stream = new PorterStemFilter(over(new KeywordTokenizer(), line)); break;
        case "english": stream = english.tokenStream("contents", line); break;
        default: stream = language.tokenStream("contents", line);
      }
      CharTermAttribute term = stream.getAttribute(CharTermAttribute.class);
      StringBuilder terms = new StringBuilder();
      stream.reset();
      while (stream.incrementToken()) {
        if (terms.length() > 0) terms.append('\t');
        terms.append(term);
      }
      stream.end();
      stream.close();
      out.print(terms.append('\n'));
    }
    out.flush();
  }

  /** The analyser that Anserini takes for a language. */
  private static Analyzer of(String language) {
    switch (language) {
      case "danish": return new DanishAnalyzer();
      case "dutch": return new DutchAnalyzer();
      case "finnish": return new FinnishAnalyzer();
      case "french": return new FrenchAnalyzer();
      case "german": return new GermanAnalyzer();
      case "hungarian": return new HungarianAnalyzer();
      case "italian": return new ItalianAnalyzer();
      case "norwegian": return new NorwegianAnalyzer();
      case "portuguese": return new PortugueseAnalyzer();
      case "russian": return new RussianAnalyzer();
      case "spanish": return new SpanishAnalyzer();
      case "swedish": return new SwedishAnalyzer();
      case "turkish": return new TurkishAnalyzer();
      default: return null;
    }
  }

  private static Tokenizer over(Tokenizer tokenizer, String line) {
    tokenizer.setReader(new StringReader(line));
    return tokenizer;
  }
}
