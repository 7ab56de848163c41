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
import org.apache.lucene.analysis.en.PorterStemFilter;
import org.apache.lucene.analysis.standard.StandardTokenizer;
import org.apache.lucene.analysis.tokenattributes.CharTermAttribute;

import io.anserini.analysis.DefaultEnglishAnalyzer;

/**
 * The terms of a text a line, a line each with tabs between them: of Lucene's StandardTokenizer
 * (words), of Anserini's English analyser (english), or the stem of the whole line (stem).
 */
public final class Terms {
  public static void main(String[] arguments) throws Exception {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), false, "UTF-8");
    Analyzer english = DefaultEnglishAnalyzer.newDefaultInstance();
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      TokenStream stream;
      switch (arguments[0]) {
        case "words": stream = over(new StandardTokenizer(), line); break;
        case "stem": stream = new PorterStemFilter(over(new KeywordTokenizer(), line)); break;
        default: stream = english.tokenStream("contents", line);
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

  private static Tokenizer over(Tokenizer tokenizer, String line) {
    tokenizer.setReader(new StringReader(line));
    return tokenizer;
  }
}
