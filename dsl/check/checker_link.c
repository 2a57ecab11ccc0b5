/* Links: their fields and link.where(…). A span has many links, and each comparison of a link's field is met if some
 * link meets it; link.where(…) asks one and the same. Nothing here needs the trace that a link names. See checker.h. */
#include "dsl/base/suggestion.h"
#include "dsl/check/checker.h"
#include "dsl/syntax/diagnostic_codes.h"
#include "dsl/trace/trace.h"

/* ---- fields ---- */

bool bt_checker_allows_link(bt_checker *checker, const bt_ast *node, const bt_place *place) {
  const char *why = NULL;
  if (place->site == BT_SITE_AGGREGATE)
    why = "an aggregate takes a field of the span: links have no single value; count(span(link.…)) counts spans";
  else if (place->site == BT_SITE_EVENT)
    why = "a link's field in a test of one event would be about any link of the span: join it outside, with and";
  else if (place->on_right || place->in_arithmetic)
    why = "a link's field stands alone on the left of a comparison: a span has many links, so it has no single value";
  if (why) bt_checker_report(checker, BT_E_EVENT, node->range, "%s", why);
  return !why;
}

static bt_field_kind field_kind(bt_str name) {
  if (bt_str_equal(name, BT_STR("trace_id"))) return BT_FIELD_LINK_TRACE_ID;
  return bt_str_equal(name, BT_STR("span_id")) ? BT_FIELD_LINK_SPAN_ID : BT_FIELD_LINK_ATTRIBUTE;
}

/* `link.traceId`: a rule that reads an attribute of that name finds nothing, and would call every trace good. */
static void warn_of_near_id(bt_checker *checker, const bt_ast *node, bt_str key, const bt_place *place) {
  static const char *const spellings[] = {"traceid", "trace.id", "spanid", "span.id", "trace", "span", "id", NULL};
  const char *meant = NULL;
  for (size_t i = 0; spellings[i] && !meant; i++)
    if (bt_str_equal_nocase(key, bt_str_from(spellings[i]))) meant = spellings[i][0] == 't' ? "trace_id" : "span_id";
  static const char *const names[] = {"trace_id", "span_id", NULL};
  const char *advice = bt_foreign_hint(key, BT_FOREIGN_LINK);
  if (!meant && !advice) meant = bt_suggest_nearest(key, names);
  if (advice) {
    bt_diagnostic *added = bt_checker_report(
        checker, BT_W_INTRINSIC, node->range,
        "%.*s reads an attribute of the link: %s. The attribute can be written link.attributes[\"%.*s\"]",
        BT_FMT(node->text), advice, BT_FMT(key));
    bt_checker_fix_number_of_parts(checker, added, node, key, place);
  }
  if (!meant) return;
  bt_checker_report(checker, BT_W_INTRINSIC, node->range,
                    "%.*s reads an attribute of the link: did you mean link.%s? The attribute can be written "
                    "link.attributes[\"%.*s\"]",
                    BT_FMT(node->text), meant, BT_FMT(key));
}

bool bt_checker_link_field(bt_checker *checker, const bt_ast *node, bt_str rest, const bt_place *place, bt_field *out) {
  if (!bt_checker_allows_link(checker, node, place)) return false;
  if (bt_checker_report_dotted_attributes(checker, node, rest)) return false;
  *out = (bt_field){.kind = field_kind(rest), .binding = BT_NO_BINDING};
  if (out->kind != BT_FIELD_LINK_ATTRIBUTE) return true;
  out->key = rest;
  warn_of_near_id(checker, node, rest, place);
  return true;
}

/* ---- tests on one link ---- */

bool bt_is_link_test(const bt_ast *node) {
  return bt_is_where_behind(node, BT_STR("link"));
}

void bt_checker_report_link_test(bt_checker *checker, const bt_ast *node) {
  bt_checker_report(checker, BT_E_EVENT, node->range,
                    "link.where(…) is a test on a span: write trace.has(link.where(…)); a span named link is written "
                    "\"link\".where(…)");
}

const bt_predicate *bt_checker_link_test(bt_checker *checker, const bt_ast *node, bt_site site) {
  if (site == BT_SITE_EVENT || site == BT_SITE_LINK) {
    bt_checker_report(checker, BT_E_EVENT, node->range,
                      site == BT_SITE_LINK
                          ? "link.where(…) cannot be inside a test of one link: join the two with and"
                          : "link.where(…) cannot be inside a test of one event: join the two with and");
    return NULL;
  }
  return bt_checker_of_one_part(checker, BT_PREDICATE_LINK,
                                bt_checker_predicate(checker, node->parts[0].predicate, BT_SITE_LINK), node->range);
}
