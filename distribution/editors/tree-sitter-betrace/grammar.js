// BeTraceDSL, the language of BeTrace's rules, after docs/spec/grammar.md. src/scanner.c reads words and paths, because which words are special
// depends on where they are and on what follows: no word of the language is reserved everywhere. What a text means (bindings, types, how many
// clauses) is the checker's to say; `betrace lsp` shows it.

const list = ($, item) => seq(item, repeat(seq(",", item)), optional(","));

module.exports = grammar({
  name: "betrace",

  // In the order of src/scanner.c.
  externals: ($) => [
    $._path, $._indexed_path, $._owner, $._function_of_one, $._function_of_two,
    $._when, $._always, $._never,
    $._or, $._and, $._not, $._as, $._in, $._of,
    $._before, $._after, $._within, $._between, $._under, $._above, $._child, $._parent, $._sibling,
    $._linked, $._to, $._from, $._downstream, $._over, $._links, $._link, $._where,
    $._contains, $._starts_with, $._ends_with, $._matches, $._true, $._false,
    $._recovery,
  ],

  extras: ($) => [/[ \t\r\n]/, $.comment],

  conflicts: ($) => [[$.order, $.order]],

  rules: {
    rule: ($) => seq(repeat($.annotation), choice(repeat1($.clause), $._condition)),

    comment: () => token(choice(/#[^\n]*/, /\/\/[^\n]*/, /\/\*[^*]*\*+([^/*][^*]*\*+)*\//)),

    annotation: ($) => prec.right(seq("@", field("name", $.name), optional(seq("(", optional(list($, $.argument)), ")")))),
    argument: ($) => seq(optional(seq(field("name", $.name), "=")),
      choice($._item, seq("{", optional(list($, $._item)), "}"), seq("[", optional(list($, $._item)), "]"))),
    _item: ($) => choice($.name, $.string),

    clause: ($) => seq(field("keyword", alias(choice($._when, $._always, $._never), $.keyword)), "{", $._condition, "}"),

    _condition: ($) => choice($.or, $.and, $.not, $._basic),
    or: ($) => prec.left(1, seq($._condition, choice(alias($._or, $.operator), alias("||", $.operator)), $._condition)),
    and: ($) => prec.left(2, seq($._condition, choice(alias($._and, $.operator), alias("&&", $.operator)), $._condition)),
    not: ($) => prec(3, seq(choice(alias($._not, $.operator), alias("!", $.operator)), $._condition)),

    _basic: ($) => choice($.as, $._related),
    as: ($) => seq($._related, alias($._as, $.keyword), field("binding", alias($._path, $.binding))),

    _related: ($) => choice($.order, $.tree, $.linked, $.filtered, $._compared),
    order: ($) => choice(
      seq($._related, alias(choice($._before, $._after), $.relation), $._point, optional(seq(alias($._within, $.relation), $.duration))),
      seq($._related, alias($._within, $.relation), $.duration, alias($._of, $.relation), $._point),
      seq($._related, alias($._between, $.relation), $._point, alias($._and, $.relation), $._point)),
    tree: ($) => seq($._related,
      choice(alias(choice($._under, $._above), $.relation),
        seq(alias(choice($._child, $._parent, $._sibling), $.relation), alias($._of, $.relation))),
      $._reference),
    linked: ($) => choice(
      seq($._related, alias($._linked, $.relation), alias(choice($._to, $._from), $.relation), $._reference, $._bound),
      seq($._related, alias($._downstream, $.relation), alias($._of, $.relation), $._reference, $._bound, optional($._steps))),
    _bound: ($) => seq(alias($._within, $.relation), $.duration),
    _steps: ($) => seq(alias($._over, $.relation), $.number, alias(choice($._links, $._link), $.relation)),
    filtered: ($) => choice(
      seq($._related, alias($._where, $.keyword), "(", $._condition, ")"),
      seq($.comparison, ".", alias($._where, $.keyword), "(", $._condition, ")")),

    _point: ($) => choice($._reference, $.point),
    point: ($) => seq(choice($.string, $.owned_name, $.call, $.group), ".", field("end", $.name)),
    _reference: ($) => choice($.path, $.string, $.owned_name, $.call, $.group),

    _compared: ($) => choice($.comparison, $._value),
    comparison: ($) => choice(
      seq($._value, field("operator", $._comparison_sign), $._value),
      seq($._value, optional(alias($._not, $.operator)), alias($._in, $.operator), $.list)),
    _comparison_sign: ($) => choice(
      ...["==", "=", "!=", "<", "<=", ">", ">=", "=~", "!~"].map((sign) => alias(sign, $.operator)),
      alias(choice($._contains, $._starts_with, $._ends_with, $._matches), $.operator)),
    list: ($) => seq("[", optional(list($, $._value)), "]"),

    _value: ($) => choice($.sum, $.product, $.negative, $._primary),
    sum: ($) => prec.left(7, seq($._value, choice(alias("+", $.operator), alias("-", $.operator)), $._value)),
    product: ($) => prec.left(8, seq($._value, choice(alias("*", $.operator), alias("/", $.operator)), $._value)),
    negative: ($) => prec(9, seq(alias("-", $.operator), $._value)),

    _primary: ($) => choice($.path, $.index, $.string, $.owned_name, $.boolean, $.number, $.duration, $.call, $.filter, $.group),
    filter: ($) => prec(10, seq(choice($.path, $.string, $.owned_name, $.call, $.group, $.filter), ".", alias($._where, $.keyword), "(", $._condition, ")")),
    group: ($) => seq("(", $._condition, ")"),
    call: ($) => choice(
      seq(field("function", alias($._function_of_one, $.function)), "(", $._condition, optional(","), ")"),
      seq(field("function", alias($._function_of_two, $.function)), "(", $._condition, ",", $._condition, optional(","), ")")),
    index: ($) => seq(alias($._indexed_path, $.path), "[", field("key", $.string), "]"),
    owned_name: ($) => seq(field("owner", alias($._owner, $.owner)), choice($.path, $.string)),

    path: ($) => $._path,
    name: ($) => $._path,
    boolean: ($) => choice($._true, $._false),
    string: () => token(choice(/"([^"\\\n]|\\["\\ntr]|\\u[0-9a-fA-F]{4})*"/, /`[^`]*`/)),
    number: () => token(/\d(_?\d)*(\.\d(_?\d)*)?([eE][+-]?\d(_?\d)*)?/),
    duration: () => token(/(\d(_?\d)*(\.\d(_?\d)*)?(d|h|m|s|ms|us|µs|μs|ns))+/),
  },
});
