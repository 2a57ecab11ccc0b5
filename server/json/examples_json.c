/* See examples_json.h. */
#include "server/json/examples_json.h"

#include "dsl/example/example_text.h"
#include "server/json/json_values.h"
#include "server/json/otlp_document.h"

static json_t *trace_json(const bt_trace *trace) {
  bt_redaction everything = {.keeps_all = true};
  bt_buffer text = {0};
  if (!trace) return json_null();
  bt_example_say(trace, &text);
  json_t *object =
      json_pack("{s:o, s:I, s:o}", "text", bt_text_json(bt_buffer_str(&text)), "spans", (json_int_t)trace->span_count,
                "trace", bt_otlp_document_json(BT_ALONE(trace), &everything));
  bt_buffer_dispose(&text);
  return object;
}

json_t *bt_examples_json(const bt_examples *examples) {
  return json_pack("{s:o, s:o, s:b, s:i}", "violating", trace_json(examples->violating), "keeping",
                   trace_json(examples->keeping), "keeps_by_one_change", examples->keeps_by_one_change, "most_spans",
                   BT_EXAMPLE_MOST_SPANS);
}

static void say_trace(const bt_trace *trace, const char *what, const char *not_found, bool in_markdown,
                      bt_buffer *out) {
  if (!trace) {
    bt_buffer_printf(out, "No trace of at most %d spans was found that %s.\n", BT_EXAMPLE_MOST_SPANS, not_found);
    return;
  }
  bt_buffer_printf(out, in_markdown ? "%s\n```text\n" : "%s\n", what);
  bt_example_say(trace, out);
  if (in_markdown) bt_buffer_append(out, BT_STR("```\n"));
}

void bt_examples_say(const bt_examples *examples, bool in_markdown, bt_buffer *out) {
  say_trace(examples->violating, "This trace violates the rule:", "violates the rule", in_markdown, out);
  bt_buffer_append_char(out, '\n');
  say_trace(examples->keeping, examples->keeps_by_one_change ? "One change, and this keeps it:" : "This one keeps it:",
            "exercises and keeps it", in_markdown, out);
}

void bt_meaning_say(const bt_meaning *meaning, const char *first, const char *second, bt_buffer *out) {
  switch (meaning->kind) {
  case BT_MEANING_EQUIVALENT:
    bt_buffer_printf(out, "equivalent (proven): the same traces violate %s and %s", first, second);
    return;
  case BT_MEANING_STRICTER:
    bt_buffer_printf(out, "stricter: %s calls violations what %s does not; ", second, first);
    break;
  case BT_MEANING_LAXER: bt_buffer_printf(out, "laxer: %s lets pass what %s calls a violation; ", second, first); break;
  case BT_MEANING_DIFFERENT:
    bt_buffer_printf(out, "different: each of %s and %s calls violations what the other does not", first, second);
    return;
  case BT_MEANING_NOT_TOLD:
    bt_buffer_printf(out,
                     "not told apart: no trace of at most %d spans was found that violates %s or %s alone, which "
                     "proves nothing",
                     BT_EXAMPLE_MOST_SPANS, first, second);
    if (meaning->first_is_within || meaning->second_is_within)
      bt_buffer_printf(out, "; proven: what violates %s violates %s", meaning->first_is_within ? first : second,
                       meaning->first_is_within ? second : first);
    return;
  }
  bool is_stricter = meaning->kind == BT_MEANING_STRICTER;
  const char *from = is_stricter ? first : second, *to = is_stricter ? second : first;
  if (is_stricter ? meaning->first_is_within : meaning->second_is_within)
    bt_buffer_printf(out, "what violates %s violates %s (proven)", from, to);
  else
    bt_buffer_printf(out, "no trace of at most %d spans was found that violates %s alone, which proves nothing",
                     BT_EXAMPLE_MOST_SPANS, from);
}

json_t *bt_meaning_json(const bt_meaning *meaning, const char *first, const char *second) {
  bt_buffer says = {0};
  bt_meaning_say(meaning, first, second, &says);
  json_t *object =
      json_pack("{s:s, s:b, s:b, s:o, s:o, s:i, s:o}", "meaning", bt_meaning_name(meaning->kind), "first_is_within",
                meaning->first_is_within, "second_is_within", meaning->second_is_within, "only_first",
                trace_json(meaning->only_first), "only_second", trace_json(meaning->only_second), "most_spans",
                BT_EXAMPLE_MOST_SPANS, "says", bt_text_json(bt_buffer_str(&says)));
  bt_buffer_dispose(&says);
  return object;
}
