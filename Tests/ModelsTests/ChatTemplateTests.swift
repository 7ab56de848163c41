import Failures
import Models
import Testing

/// Chat templates, with what Jinja 3.1.6 makes of them under transformers' settings (`trim_blocks`,
/// `lstrip_blocks`).
struct ChatTemplateTests {
  private static let messages = [
    ["role": "system", "content": "be kind"], ["role": "query", "content": " q ué "],
    ["role": "document", "content": "d\n"],
  ]

  private static func text(_ template: String) throws -> String {
    try ChatTemplate.text(of: template, messages, tokens: ["bos_token": "<s>"])
  }

  static let cases: [(template: String, text: String)] = [
    ("a\n\n", "a\n"),
    ("a{{ bos_token }}b\n", "a<s>b"),
    (
      "{% for m in messages %}\n  {{ m.role }}:{{ m['content'] | trim }}\n{% endfor %}\nend",
      "  system:be kind\n  query:q ué\n  document:d\nend"
    ),
    (
      "{%- for m in messages -%} {{ loop.index }}{{ loop.first }}{{ loop.last }} {%- endfor -%}",
      "1TrueFalse2FalseFalse3FalseTrue"
    ),
    (
      "{% if messages[0].role == 'system' and messages|length > 2 %}yes{% elif true %}x{% else %}no{% endif %}",
      "yes"
    ),
    (
      "{{ messages | selectattr('role', 'eq', 'query') | map(attribute='content') | first }}|",
      " q ué |"
    ),
    (
      "{{ messages | rejectattr('role', 'equalto', 'query') | map(attribute='role') | join(', ') }}",
      "system, document"
    ),
    ("{{ (messages | selectattr('role', 'eq', 'none') | first | default('nobody')) }}", "nobody"),
    (
      "{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}",
      "3"
    ),
    ("{% set x = 1 %}{% for m in messages %}{% set x = 5 %}{{ x }}{% endfor %}{{ x }}", "5551"),
    ("{{ 'a' ~ 1 ~ none }}{{ [1, 'b'] }}{{ true }}", "a1None[1, 'b']True"),
    ("{{ 7 // 2 }}{{ -7 % 3 }}{{ 2 * 3 - 1 }}", "325"),
    (
      "{{ 9223372036854775806 % 9223372036854775807 }}|{{ -7 // 2 }}|{{ (-9223372036854775807 - 1) // 1 }}",
      "9223372036854775806|-4|-9223372036854775808"
    ),
    ("{{ 'aaab'.replace('aa', 'x') }}{{ 'a' in '' }}{{ '' in '' }}", "xabFalseTrue"),
    (
      "{{ 'q' in messages[1].content }}{{ 'x' not in 'abc' }}{{ 'role' in messages[0] }}",
      "TrueTrueTrue"
    ),
    (
      "{{ nothing is defined }}{{ messages is iterable }}{{ bos_token is string }}{{ nothing is not none }}",
      "FalseTrueTrueTrue"
    ),
    (
      "{{ messages[1:] | length }}{{ messages[-1].role }}{{ messages[::-1][0].role }}{{ 'abcd'[1:3] }}",
      "2documentdocumentbc"
    ),
    ("{{ 'x' if nothing else 'y' }}{{ ('a' if true) }}", "ya"),
    ("{# c #}\n{{ '{%' }} {{ \"it's\" }}{{ 'l\\n' }}|", "{% it'sl\n|"),
    ("  {% if true %}\n  a\n  {%- endif %}\n  b", "  a  b"),
    (
      "{{ messages[0].content.split(' ')[1].upper() }}{{ ' a '.strip() }}{{ 'aXb'.replace('X', '--') }}",
      "KINDaa--b"
    ),
    (
      "{% for m in messages if m.role != 'system' %}{{ loop.index0 }}{{ m.role }}{% endfor %}",
      "0query1document"
    ),
    ("{{ not false and (1 < 2) or x }}{{ 3 >= 3 }}{{ 'b' == \"b\" }}", "TrueTrueTrue"),
    ("{{ '' | default('d', true) }}{{ nope | d('e') }}", "de"),
  ]

  @Test(arguments: cases.indices) func rendered(index: Int) throws {
    let (template, text) = Self.cases[index]
    #expect(try Self.text(template) == text, "\(template)")
  }

  /// What would give another text is refused.
  @Test(arguments: [
    "{{ messages | groupby('role') }}", "{% macro a() %}{% endmacro %}", "{{ 1 / 2 }}",
    "{{ f(1) }}",
    "{% if true %}a", "{{ 'a }}", "{% for a in messages %}", "{{ messages[0].items() }}",
    "{{ 'a' + 1 }}", "{{ raise_exception('no') }}", "{% include 'x' %}", "{{ 1 + }}",
  ])
  func refused(template: String) throws {
    let failure = #expect(throws: Failure.self) { try Self.text(template) }
    #expect(failure?.message.hasPrefix("chat template: ") == true, "\(template)")
  }

  /// A small template that would go on for ever, take all memory or overflow the stack.
  static let endless: [(template: String, message: String)] = [
    ("{{ -(-9223372036854775807 - 1) }}", "64 bits"),
    ("{{ 9223372036854775807 + 1 }}", "64 bits"),
    (
      String(repeating: "{% for a in messages %}", count: 40)
        + String(repeating: "{% endfor %}", count: 40), "steps"
    ),
    ("{% set x = 'ab' %}" + String(repeating: "{% set x = x ~ x %}", count: 40), "characters"),
    (
      "{% set x = [1] %}" + String(repeating: "{% set x = [x, x] %}", count: 70) + "{{ x }}",
      "elements"
    ),
    (
      "{% set n = namespace(a=1) %}"
        + (0..<70).map { "{% set n.x\($0) = n %}" }.joined() + "{{ n }}", "elements"
    ),
    (
      "{% set x = '\(String(repeating: "a", count: 2000))' %}"
        + String(repeating: "{% set x = x.replace('a', x) %}", count: 3), "characters"
    ),
    ("{{ " + String(repeating: "(", count: 500) + "1 }}", "levels"),
    ("{{ " + String(repeating: "not ", count: 500) + "1 }}", "levels"),
    ("{{ " + String(repeating: "-", count: 500) + "1 }}", "levels"),
    (String(repeating: "{% if true %}", count: 5000), "levels"),
    ("{{ a" + String(repeating: ".a", count: 100_000) + " }}", "words"),
  ]

  @Test(arguments: endless.indices) func bounded(index: Int) throws {
    let (template, message) = Self.endless[index]
    let failure = #expect(throws: Failure.self) { try Self.text(template) }
    #expect(failure?.message.contains(message) == true, "\(failure?.message ?? "")")
  }
}
