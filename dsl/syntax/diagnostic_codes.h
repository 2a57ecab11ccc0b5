/* The codes of all diagnostics. A code never changes its meaning and is never used again for another; new ones are
 * added at the end. Only the front end of the language (lexer, parser, checker) includes this; everyone else sees the
 * code as text.
 *
 *   E001  a character, escape or string that cannot be read
 *   E002  a number or duration that cannot be read, or is too large or too fine
 *   E003  a limit: text, nesting, nodes, bindings
 *   E010  syntax: what was expected and what came
 *   E011  a clause stands twice
 *   E012  when without always and never
 *   E020  a binding is not visible here
 *   E021  constants are compared, or a constant stands alone on the left
 *   E022  `as` is not allowed here
 *   E023  a binding shadows another
 *   E024  a binding stands where one of its fields is needed
 *   E025  unknown field, or unknown literal of span.kind and span.status
 *   E030  a duration against something that has no unit
 *   E031  types in arithmetic and aggregates
 *   E032  a time against something that is no time, or a time where none can be
 *   E033  a regex that cannot be compiled
 *   E034  an operator that needs a string
 *   E035  an event's or a link's field where none can be
 *   E036  a test on a span that does not say which span: write trace.has(…)
 *   E037  a filter behind a reference
 *   E038  a relation over links in `when`, or without `within`
 *   E039  a count of events or links where no single span is, or of what is no test
 *   E040  annotations
 *   E041  a word for spans (@name, names) that stands for none
 *
 *   W001  a condition that can never hold, or always holds
 *   W002  an attribute where an intrinsic was probably meant: where(status == "error")
 *   W003  a bare word on the right of < <= > >=, or with a dot, or like null, is a string
 *   W004  no positive selector: every trace has to be read
 *   W005  a binding that is never used
 *   W006  `in []` and `not in []`
 *   W007  an attribute whose head is a span name elsewhere in the rule
 *   W008  `.start` or `.end` that belongs to a name
 *   W009  `duration` read as an attribute
 *   W010  a bare key inside event.where(…) or link.where(…) is the span's attribute, not the event's or link's
 *   W011  a span name that is nearly the name of a binding
 *   W012  `x == "a" or "b"`: the second string is a test of its own
 *   W013  `build#123`: # begins a comment
 *   W014  a field of spans behind a name: `checkout.span.status == error`
 *   W015  `checkout.count > 3` reads an attribute
 *   W016  `trace.has(checkout.amount > 5)` reads an attribute that is hardly called so
 *   W017  `"checkout*"`, `attributes["http.*"]`: names and keys match exactly
 *   W018  every(spans, test) where nothing asks for such a span: it holds without one
 *   W019  an aggregate in `always` where nothing says what is to be without such a span: then it does not hold
 *   W020  `y after q` where q may be a span of another trace, and y is one of the rule's own
 *   W021  `first(x) linked to p`: one of the own trace is picked before it is asked for its links
 *   W022  `a.k > 0 and a.m == 1`: two spans called a may meet them
 *   W023  `span.id == "ab"`: no span has such an id
 *   W024  a span name that is nearly a word of the rule file
 *   W025  `trace.has(count(event.name == "retry") > 3)` counts spans of the trace, not events of one
 *   W026  an attribute is read by a name that was changed
 *   W027  a name that changed, and that @semconv does not bridge
 *   W028  a name that the text gives, and that the rule does not use
 *   W029  `where(tool_call)` reads an attribute, and the rule file means spans by that word
 *   W030  an alias or a name of a rule file that no rule of the file uses
 *   W031  a word of the language alone, where it is a span's name */
#ifndef BT_DSL_SYNTAX_DIAGNOSTIC_CODES_H
#define BT_DSL_SYNTAX_DIAGNOSTIC_CODES_H

#define BT_E_TEXT           "E001"
#define BT_E_NUMBER         "E002"
#define BT_E_LIMIT          "E003"
#define BT_E_SYNTAX         "E010"
#define BT_E_CLAUSE_TWICE   "E011"
#define BT_E_NO_DEMAND      "E012"
#define BT_E_NOT_VISIBLE    "E020"
#define BT_E_CONSTANT       "E021"
#define BT_E_AS             "E022"
#define BT_E_SHADOW         "E023"
#define BT_E_LONE_BINDING   "E024"
#define BT_E_UNKNOWN        "E025"
#define BT_E_DURATION       "E030"
#define BT_E_ARITHMETIC     "E031"
#define BT_E_TIME           "E032"
#define BT_E_REGEX          "E033"
#define BT_E_STRING_WANTED  "E034"
#define BT_E_EVENT          "E035"
#define BT_E_WHICH_SPAN     "E036"
#define BT_E_FILTERED_REF   "E037"
#define BT_E_LINKED         "E038"
#define BT_E_PART_COUNT     "E039"
#define BT_E_ANNOTATION     "E040"
#define BT_E_OWN_NAME       "E041"
#define BT_W_CONSTANT       "W001"
#define BT_W_INTRINSIC      "W002"
#define BT_W_BARE_WORD      "W003"
#define BT_W_READS_ALL      "W004"
#define BT_W_UNUSED_BINDING "W005"
#define BT_W_EMPTY_LIST     "W006"
#define BT_W_HEAD_IS_SPAN   "W007"
#define BT_W_POINT_IN_NAME  "W008"
#define BT_W_DURATION       "W009"
#define BT_W_EVENT_KEY      "W010"
#define BT_W_NEAR_BINDING   "W011"
#define BT_W_LONE_STRING    "W012"
#define BT_W_GLUED_COMMENT  "W013"
#define BT_W_FIELD_OF_NAME  "W014"
#define BT_W_COUNT_OF_NAME  "W015"
#define BT_W_UNUSUAL_KEY    "W016"
#define BT_W_WILDCARD       "W017"
#define BT_W_EVERY_OF_NONE  "W018"
#define BT_W_OF_NOTHING     "W019"
#define BT_W_OWN_NAME       "W020"
#define BT_W_PICKED_LINK    "W021"
#define BT_W_TWO_SPANS      "W022"
#define BT_W_NO_SPAN_ID     "W023"
#define BT_W_NEAR_OWN_NAME  "W024"
#define BT_W_SPANS_COUNTED  "W025"
#define BT_W_RENAMED        "W026"
#define BT_W_UNBRIDGED      "W027"
#define BT_W_UNUSED_NAME    "W028"
#define BT_W_OWN_KEY        "W029"
#define BT_W_UNUSED_IN_FILE "W030"
#define BT_W_LANGUAGE_WORD  "W031"

/* The page on what no rule can say, to which messages lead by its headings. */
#define BT_NOT_SAID "docs/reference/not-said.md"

#endif
