/* Keys and ids of problems. See problem_id.h. */
#include "server/query/problem_id.h"

#include <stdlib.h>
#include <string.h>

#include "dsl/compile.h"
#include "dsl/rule/rule_sentence.h"
#include "server/base/sha256.h"
#include "server/rules/rule_compile.h"

typedef struct bt_written_rule {
  bool is_tried;
  bt_rule *canonical; /* as `betrace fmt` writes it; NULL: that is longer than a rule can be */
} bt_written_rule;

bt_status bt_problem_namer_init(bt_problem_namer *namer, const bt_rule_definition *const *rules, size_t count,
                                bt_error *error) {
  *namer = (bt_problem_namer){.rules = rules, .rule_count = count};
  namer->written = calloc(count + 1, sizeof *namer->written);
  return namer->written ? BT_OK : bt_error_no_memory(error);
}

void bt_problem_namer_dispose(bt_problem_namer *namer) {
  for (size_t i = 0; namer->written && i < namer->rule_count; i++) bt_rule_free(namer->written[i].canonical);
  free(namer->written);
  bt_buffer_dispose(&namer->part);
  *namer = (bt_problem_namer){0};
}

/* *out stays NULL where the canonical text is none that a rule can have. */
static bt_status canonize_rule(const bt_rule *rule, bt_rule **out, bt_error *error) {
  bt_diagnostics diagnostics;
  bt_diagnostics_init(&diagnostics);
  bt_status status = bt_compile_rule(rule->canonical, false, out, &diagnostics, error);
  bt_diagnostics_dispose(&diagnostics);
  return status == BT_INVALID || status == BT_LIMIT ? BT_OK : status;
}

bt_status bt_problem_key_of(bt_problem_namer *namer, size_t rule, const bt_violation *violation, bt_problem_key *out,
                            bt_error *error) {
  bt_range failed = violation->choice_count ? violation->choices[0].failed : (bt_range){0};
  const bt_rule *text = namer->rules[rule]->rule;
  bt_written_rule *written = &namer->written[rule];
  bt_status status = written->is_tried ? BT_OK : canonize_rule(text, &written->canonical, error);
  if (status) return status;
  written->is_tried = true;
  const bt_rule *canonical = written->canonical ? written->canonical : text;
  bt_buffer_clear(&namer->part);
  bt_rule_write_blamed(canonical, bt_rule_same_part(text, failed, canonical), &namer->part);
  *out = (bt_problem_key){.has_root = violation->has_root,
                          .service = violation->has_root ? bt_str_from(violation->root_service) : BT_STR(""),
                          .failed = failed,
                          .clause = bt_violation_clause(text, failed),
                          .part = bt_buffer_str(&namer->part)};
  return namer->part.failed ? bt_error_no_memory(error) : BT_OK;
}

bt_status bt_problem_id_of(const char *rule_id, const bt_problem_key *key, char out[BT_PROBLEM_ID_HEX + 1],
                           bt_error *error) {
  static const bt_problem_key nothing = {.clause = ""};
  const char *place = !key ? "not looked at" : key->has_root ? "root" : "no root";
  if (!key) key = &nothing;
  const bt_str fields[] = {BT_STR("problem"), bt_str_from(rule_id), bt_str_from(key->clause),
                           key->part,         bt_str_from(place),   key->service};
  char hex[BT_SHA256_HEX + 1];
  bt_sha256 hash;
  bt_status status = bt_sha256_fields(fields, sizeof fields / sizeof fields[0], &hash, error);
  if (status) return status;
  bt_sha256_format(&hash, hex);
  memcpy(out, hex, BT_PROBLEM_ID_HEX);
  out[BT_PROBLEM_ID_HEX] = '\0';
  return BT_OK;
}

bool bt_problem_id_is_valid(const char *text) {
  return strlen(text) == BT_PROBLEM_ID_HEX && strspn(text, "0123456789abcdef") == BT_PROBLEM_ID_HEX;
}
