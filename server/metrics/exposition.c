/* Prometheus text. See exposition.h. Bytes of a label value that are not UTF-8 become U+FFFD: one such byte would make
 * a scraper refuse the whole page. */
#include "server/metrics/exposition.h"

#include <inttypes.h>
#include <math.h>

static void append_escaped(bt_buffer *out, const char *text) {
  bt_str rest = bt_str_from(text);
  while (rest.len) {
    size_t length = bt_utf8_sequence(rest, NULL);
    if (!length)
      bt_buffer_append(out, BT_STR("\xEF\xBF\xBD"));
    else if (*rest.ptr == '\n')
      bt_buffer_append(out, BT_STR("\\n"));
    else if (*rest.ptr == '"' || *rest.ptr == '\\')
      bt_buffer_printf(out, "\\%c", *rest.ptr);
    else
      bt_buffer_append(out, (bt_str){rest.ptr, length});
    rest.ptr += length ? length : 1;
    rest.len -= length ? length : 1;
  }
}

/* name{label="value",…}, and the further label that buckets have. */
static void append_name(bt_buffer *out, const char *name, const char *suffix, const bt_label *labels, const char *le) {
  const char *before = "{";
  bt_buffer_printf(out, "%s%s", name, suffix);
  for (; labels && labels->name; labels++, before = ",") {
    bt_buffer_printf(out, "%s%s=\"", before, labels->name);
    append_escaped(out, labels->value);
    bt_buffer_append_char(out, '"');
  }
  if (le) {
    bt_buffer_printf(out, "%sle=\"%s\"", before, le);
    before = ",";
  }
  bt_buffer_append(out, *before == ',' ? BT_STR("} ") : BT_STR(" "));
}

void bt_expose_family(bt_buffer *out, const char *name, const char *type, const char *help) {
  bt_buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void bt_expose_count(bt_buffer *out, const char *name, const bt_label *labels, uint64_t value) {
  append_name(out, name, "", labels, NULL);
  bt_buffer_printf(out, "%" PRIu64 "\n", value);
}

void bt_expose_number(bt_buffer *out, const char *name, const bt_label *labels, double value) {
  append_name(out, name, "", labels, NULL);
  bt_buffer_printf(out, isinf(value) ? "+Inf\n" : "%.15g\n", value);
}

void bt_expose_histogram(bt_buffer *out, const char *name, const bt_label *labels, const bt_histogram *histogram,
                         const int64_t *bounds_ns) {
  size_t count = bt_histogram_bound_count(bounds_ns);
  uint64_t below = 0;
  for (size_t i = 0; i <= count; i++) {
    bt_buffer bound = {0};
    bt_buffer_printf(&bound, "%.15g", (double)bounds_ns[i] / 1e9);
    below += atomic_load_explicit(&histogram->buckets[i], memory_order_relaxed);
    append_name(out, name, "_bucket", labels, i < count && bound.ptr ? bound.ptr : "+Inf");
    bt_buffer_printf(out, "%" PRIu64 "\n", below);
    bt_buffer_dispose(&bound);
  }
  append_name(out, name, "_sum", labels, NULL);
  bt_buffer_printf(out, "%.15g\n", (double)atomic_load_explicit(&histogram->sum_ns, memory_order_relaxed) / 1e9);
  append_name(out, name, "_count", labels, NULL);
  bt_buffer_printf(out, "%" PRIu64 "\n", below);
}
