/* Names and tests as other languages write them: what is meant, where that is clear, and what to say of the others. See
 * checker.h. A fix is offered only where the text can be meant in one way, and never one that makes an error. */
#include <string.h>

#include "dsl/check/checker.h"
#include "dsl/syntax/diagnostic_codes.h"

/* Events and links are asked on the left of a comparison only. */
static bool may_stand_here(const char *head, const bt_place *place) {
  bool is_of_many = strcmp(head, "event.") == 0 || strcmp(head, "link.") == 0;
  return !is_of_many || (!place->on_right && !place->in_arithmetic && place->site != BT_SITE_AGGREGATE);
}

bool bt_checker_warn_of_head(bt_checker *checker, const bt_ast *node, bt_str key, bt_foreign_owner owner,
                             const bt_place *place) {
  bt_str rest;
  const char *head = bt_foreign_head(key, owner, &rest);
  if (!head) return false;
  bt_diagnostic *added = bt_checker_report(
      checker, BT_W_INTRINSIC, node->range,
      "%.*s reads the attribute `%.*s`: did you mean %s%.*s? The attribute can be written span.attributes[\"%.*s\"]",
      BT_FMT(node->text), BT_FMT(key), head, BT_FMT(rest), BT_FMT(key));
  bool is_bound = bt_scope_is_binding(checker, bt_path_head(node->text));
  if (!is_bound && may_stand_here(head, place) && strcmp(head, "scope.") != 0)
    bt_checker_fix(checker, added, node->range, "%s%.*s", head, BT_FMT(rest));
  return true;
}

/* Names of a route or a method of gRPC, written as a division: `GET /cart`, `shop.Cart/Add`. */
static bool is_path_name(const bt_checker *checker, const bt_ast *node) {
  if (node->kind == BT_AST_PATH && !node->parenthesised) return true;
  if (node->kind != BT_AST_DIVIDE || node->parenthesised) return false;
  const bt_ast *left = node->items[0], *right = node->items[1];
  if (right->kind != BT_AST_PATH || right->parenthesised || !is_path_name(checker, left)) return false;
  bt_str between = bt_checker_source(checker, (bt_range){left->range.end, right->range.start});
  return bt_str_equal(between, BT_STR("/")) || (bt_str_equal(between, BT_STR(" /")) && left->kind == BT_AST_PATH);
}

/* `what`: a name or a key. False: the node is something else. */
static bool offer_quotes(bt_checker *checker, const bt_ast *node, const char *code, const char *what) {
  if (node->kind != BT_AST_DIVIDE || !is_path_name(checker, node)) return false;
  bt_str text = bt_checker_source(checker, node->range);
  bt_diagnostic *added = bt_checker_report(
      checker, code, node->range, "this is a division: %s is written in quotes, as in \"%.*s\"", what, BT_FMT(text));
  bt_checker_fix(checker, added, node->range, "\"%.*s\"", BT_FMT(text));
  return true;
}

bool bt_checker_report_path_name(bt_checker *checker, const bt_ast *node) {
  return offer_quotes(checker, node, BT_E_SYNTAX, "a name with a blank or a slash");
}

void bt_checker_warn_of_path_key(bt_checker *checker, const bt_ast *node) {
  offer_quotes(checker, node, BT_W_UNUSUAL_KEY, "a key with a slash");
}

/* `"checkout*"`. A star behind a slash or a blank may well belong to the name of a route. */
void bt_checker_warn_of_wildcard(bt_checker *checker, const bt_ast *node, bool is_selection) {
  bt_str name = node->text;
  if (node->kind != BT_AST_STRING || name.len < 2 || name.ptr[name.len - 1] != '*') return;
  char before = name.ptr[name.len - 2];
  name.len--;
  bool is_word = (before >= 'a' && before <= 'z') || (before >= 'A' && before <= 'Z') || before == '-' ||
                 before == '_' || before == '.' || (before >= '0' && before <= '9');
  if (!is_word || bt_str_contains(name, BT_STR("\"")) || bt_str_contains(name, BT_STR("\\"))) return;
  bt_diagnostic *added = bt_checker_report(checker, BT_W_WILDCARD, node->range,
                                           "names match exactly, with the star: names that begin so are asked for with "
                                           "span(span.name starts_with \"%.*s\")",
                                           BT_FMT(name));
  bt_checker_fix(checker, added, node->range,
                 is_selection ? "(span(span.name starts_with \"%.*s\" or span.service starts_with \"%.*s\"))"
                              : "(span.name starts_with \"%.*s\" or span.service starts_with \"%.*s\")",
                 BT_FMT(name), BT_FMT(name));
}

bool bt_means_nothing(bt_str word) {
  return bt_is_spelled(word, "null") || bt_is_spelled(word, "nil") || bt_is_spelled(word, "none") ||
         bt_is_spelled(word, "undefined");
}

/* `k == null` is `not exists(k)`; "none" may be a value. Of events and links that would say something about all of
 * them. */
static void fix_nothing(bt_checker *checker, bt_diagnostic *added, const bt_ast *node, const bt_place *place) {
  const bt_ast *whole = place->whole, *left = whole ? whole->items[0] : NULL;
  if (!whole || whole->kind != BT_AST_COMPARE || whole->items[1] != node || bt_is_spelled(node->text, "none")) return;
  if (whole->op != BT_EQUAL && whole->op != BT_NOT_EQUAL) return;
  bool is_field = left->kind == BT_AST_PATH || left->kind == BT_AST_INDEX || left->kind == BT_AST_STRING;
  bt_str head = bt_path_head(left->text), written = bt_checker_source(checker, left->range);
  bool is_bound = left->kind != BT_AST_STRING && bt_scope_is_binding(checker, head);
  bool is_of_many = bt_str_equal(head, BT_STR("event")) || bt_str_equal(head, BT_STR("link"));
  if (!is_field || left->parenthesised || is_of_many || bt_str_equal(head, BT_STR("trace"))) return;
  const char *test = whole->op == BT_EQUAL ? "not exists" : "exists";
  if (place->is_direct) {
    bt_str name = bt_path_front(left->text), key = bt_path_last(left->text);
    bt_checker_fix(checker, added, whole->range, "%.*s.where(%s(%.*s))", BT_FMT(name), test, BT_FMT(key));
  } else if (place->site != BT_SITE_CONDITION) {
    bt_checker_fix(checker, added, whole->range, "%s(%.*s)", test, BT_FMT(written));
  } else if (is_bound && written.len > head.len + 1) {
    bt_str key = {written.ptr + head.len + 1, written.len - head.len - 1};
    bool is_indexed = bt_str_starts_with(key, BT_STR("attributes["));
    if (!is_indexed)
      bt_checker_fix(checker, added, whole->range, "%.*s.where(%s(%.*s))", BT_FMT(head), test, BT_FMT(key));
  }
}

void bt_checker_report_nothing(bt_checker *checker, const bt_ast *node, const bt_place *place) {
  bool is_word = place->whole && bt_str_starts_with(bt_checker_source(checker, place->whole->op_range), BT_STR("is"));
  bt_diagnostic *added =
      is_word ? bt_checker_report(checker, BT_E_SYNTAX, place->whole->op_range,
                                  "whether a field is there is asked with exists(key) and not exists(key)")
              : bt_checker_report(
                    checker, BT_W_BARE_WORD, node->range,
                    "a bare word on the right is the string \"%.*s\": quote it; whether an attribute is there is asked "
                    "with exists(key) and not exists(key)",
                    BT_FMT(node->text));
  fix_nothing(checker, added, node, place);
}

/* The first place where a name stops and a field of spans begins: `span.status` in `checkout.span.status`; empty:
 * nowhere. */
bt_str bt_field_behind_name(bt_str path) {
  for (bt_str rest = bt_path_rest(path); rest.len; rest = bt_path_rest(rest)) {
    bt_str head = bt_path_head(rest);
    bool is_owner = bt_str_equal(head, BT_STR("span")) || bt_str_equal(head, BT_STR("resource")) ||
                    bt_str_equal(head, BT_STR("event")) || bt_str_equal(head, BT_STR("link"));
    if (is_owner && bt_path_rest(rest).len) return rest;
  }
  return (bt_str){0};
}

bool bt_field_owner_ends(bt_str path) {
  bt_str last = bt_path_last(path);
  return bt_path_front(path).len && (bt_str_equal(last, BT_STR("span")) || bt_str_equal(last, BT_STR("resource")));
}

/* The test would be an error where the types do not fit. Spans may well be called job.event or job.link: nobody can
 * tell what is meant. */
static bool fits_field(const bt_checker *checker, const bt_ast *node, bt_str field) {
  bool is_duration = bt_str_equal(field, BT_STR("span.duration"));
  bt_str head = bt_path_head(field);
  if (bt_str_equal(head, BT_STR("event")) || bt_str_equal(head, BT_STR("link"))) return false;
  if (bt_str_equal(field, BT_STR("span.start")) || bt_str_equal(field, BT_STR("span.end"))) return false;
  if (bt_str_equal(bt_path_head(bt_path_rest(field)), BT_STR("attributes"))) return false;
  for (uint32_t i = 1; i < node->item_count; i++)
    if ((bt_checker_unit(checker, node->items[i]) == BT_TYPE_DURATION) != is_duration) return false;
  if (bt_str_equal(field, BT_STR("span.status"))) return bt_is_literal_of(node, "status");
  return !bt_str_equal(field, BT_STR("span.kind")) || bt_is_literal_of(node, "kind");
}

void bt_checker_warn_of_direct(bt_checker *checker, const bt_ast *node) {
  const bt_ast *path = node->items[0];
  bt_str field = bt_field_behind_name(path->text), rest = {0};
  rest = bt_checker_source(checker, (bt_range){path->range.end, node->range.end});
  if (field.len) {
    bt_str name = {path->text.ptr, path->text.len - field.len - 1};
    bt_diagnostic *added = bt_checker_report(checker, BT_W_FIELD_OF_NAME, path->range,
                                             "this reads the attribute `%.*s` of spans that are called `%.*s`: a field "
                                             "of `%.*s` is written %.*s.where(%.*s …)",
                                             BT_FMT(bt_path_last(path->text)), BT_FMT(bt_path_front(path->text)),
                                             BT_FMT(name), BT_FMT(name), BT_FMT(field));
    if (fits_field(checker, node, field))
      bt_checker_fix(checker, added, node->range, "%.*s.where(%.*s%.*s)", BT_FMT(name), BT_FMT(field), BT_FMT(rest));
    return;
  }
  bool is_number = node->kind == BT_AST_COMPARE && node->items[1]->kind == BT_AST_INTEGER;
  if (!is_number || !bt_str_equal(bt_path_last(path->text), BT_STR("count"))) return;
  bt_str name = bt_path_front(path->text);
  bt_diagnostic *added = bt_checker_report(
      checker, BT_W_COUNT_OF_NAME, path->range,
      "this reads the attribute `count` of `%.*s`: how many there are is count(%.*s), and to say that the attribute is "
      "meant, %.*s.where(count …)",
      BT_FMT(name), BT_FMT(name), BT_FMT(name));
  bt_checker_fix(checker, added, node->range, "count(%.*s)%.*s", BT_FMT(name), BT_FMT(rest));
}

bool bt_is_usual_namespace(bt_str head) {
  static const char *const heads[] = {
      "access",      "android",  "app",        "artifact",    "aspnetcore", "auth",
      "aws",         "azure",    "browser",    "build",       "cache",      "cassandra",
      "cicd",        "client",   "cloud",      "cloudevents", "code",       "container",
      "cpu",         "cpython",  "customer",   "data",        "db",         "deployment",
      "destination", "device",   "disk",       "dns",         "dotnet",     "elasticsearch",
      "enduser",     "error",    "event",      "exception",   "faas",       "feature_flag",
      "file",        "gcp",      "gen_ai",     "geo",         "go",         "graphql",
      "grpc",        "hardware", "heroku",     "host",        "http",       "hw",
      "ios",         "job",      "jvm",        "k8s",         "kestrel",    "linux",
      "llm",         "log",      "mcp",        "message",     "messaging",  "net",
      "network",     "nodejs",   "oci",        "openai",      "openshift",  "opentracing",
      "os",          "otel",     "peer",       "pool",        "process",    "profile",
      "queue",       "request",  "response",   "rpc",         "rule",       "server",
      "service",     "session",  "signalr",    "source",      "sql",        "system",
      "telemetry",   "tenant",   "test",       "thread",      "tls",        "tool",
      "url",         "user",     "user_agent", "v8js",        "vcs",        "webengine",
      "zos",         "betrace",
  };
  for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
    if (bt_str_equal(head, bt_str_from(heads[i]))) return true;
  return false;
}
