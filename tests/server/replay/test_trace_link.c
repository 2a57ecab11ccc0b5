/* Templates of links to traces: which are taken, and what is made of them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "server/replay/trace_link.h"

static void templates_of_products_are_taken(void **state) {
  (void)state;
  static const char *const taken[] = {
      "https://signoz.example/trace/{trace_id}?spanId={span_id}",
      "http://127.0.0.1:16686/trace/{trace_id}?uiFind={span_id}",
      "https://h/search?traceId={trace_id}&from={start_ms}&to={end_ms}",
      "https://g/explore?panes=%7B%22t%22:%7B%22query%22:%22{trace_id}%22,%22from%22:%22{start_ms}%22%7D%7D",
      "https://[::1]:8080?{trace_id}",
      "https://h/{trace_id}#{trace_id}",
  };
  for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
    if (!bt_trace_link_is_valid(taken[i])) fail_msg("refused: %s", taken[i]);
}

static void other_templates_are_refused(void **state) {
  (void)state;
  static const char *const refused[] = {
      "",
      "{trace_id}",
      "/trace/{trace_id}",
      "ftp://h/{trace_id}",
      "javascript:alert('{trace_id}')",
      "https://",
      "https:///{trace_id}",
      "https://h/trace",
      "https://h/{span_id}",
      "https://h/{traceId}",
      "https://h/{trace_id}?{}",
      "https://h/{trace_id}{",
      "https://h/{trace_id}}",
      "https://h/{{trace_id}}",
      "https://{trace_id}/x",
      "https://{trace_id}.example/{trace_id}",
      "https://user:secret@h/{trace_id}",
      "https://h/ {trace_id}",
      "https://h/{trace_id}\n",
      "https://h/\x1b[31m{trace_id}",
      "https://h/{trace_id}\">",
      "https://h/\xc3\xa9{trace_id}",
  };
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
    if (bt_trace_link_is_valid(refused[i])) fail_msg("taken: %s", refused[i]);
}

static void what_does_not_fit_is_refused(void **state) {
  (void)state;
  static char template[BT_TRACE_LINK_BYTES + 2];
  memset(template, 'a', BT_TRACE_LINK_BYTES);
  memcpy(template, "http://h/{trace_id}", strlen("http://h/{trace_id}"));
  assert_true(bt_trace_link_is_valid(template));
  template[BT_TRACE_LINK_BYTES] = 'a';
  assert_false(bt_trace_link_is_valid(template));
}

static void assert_link(const bt_violation *violation, const char *template, const char *expected) {
  bt_buffer out = {0};
  bt_trace_link_install(template);
  bt_trace_link_append("<", violation, ">", &out);
  assert_string_equal(out.len ? out.ptr : "", expected);
  bt_buffer_dispose(&out);
  bt_trace_link_install(NULL);
}

static void places_are_filled(void **state) {
  (void)state;
  bt_violation violation = {.trace_id = {{0xAB, 1}}, .span_id = {{0xCD, 2}}, .time_ns = INT64_C(1767268800123999999)};
  const bt_violation of_the_trace = {.trace_id = {{0xAB, 1}}}; /* no witness, and no time */
  assert_link(&violation, NULL, "");
  assert_link(&violation, "https://h/trace/{trace_id}?spanId={span_id}",
              "<https://h/trace/ab010000000000000000000000000000?spanId=cd02000000000000>");
  assert_link(&violation, "http://h/{trace_id}{span_id}?from={start_ms}&to={end_ms}&{start_ms}",
              "<http://h/ab010000000000000000000000000000cd02000000000000?from=1767265200123&to=1767272400123&"
              "1767265200123>");
  assert_link(&violation, "http://h/{trace_id}?from={start_time}&to={end_time}",
              "<http://h/ab010000000000000000000000000000?from=2026-01-01T11:00:00.123Z&to=2026-01-01T13:00:00.123Z>");
  assert_link(&of_the_trace, "http://h/{trace_id}?spanId={span_id}&from={start_ms}&to={end_ms}",
              "<http://h/ab010000000000000000000000000000?spanId=&from=0&to=3600000>");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(templates_of_products_are_taken),
      cmocka_unit_test(other_templates_are_refused),
      cmocka_unit_test(what_does_not_fit_is_refused),
      cmocka_unit_test(places_are_filled),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
