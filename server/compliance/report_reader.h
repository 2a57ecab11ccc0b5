/* Reading a report back: for whoever checks one. The bytes come from outside. What is read is only what is needed to
 * look again: the range, the assumptions, the rules, their counts and their samples. Thread: values, no state. */
#ifndef BT_SERVER_REPORT_READER_H
#define BT_SERVER_REPORT_READER_H

#include <jansson.h>
#include <stddef.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/compliance/measurement.h"
#include "server/replay/replay.h"
#include "server/rules/rule_definition.h"
#include "tempo/wire/source.h"

enum { BT_REPORT_MAX_BYTES = 64 << 20 };

/* new. A JSON object, each key once. BT_INVALID: it is none, and where. */
bt_status bt_report_parse(bt_str text, json_t **out, bt_error *error) BT_MUST_CHECK;

/* 1 where none is said; 0: this program does not know the report's version. */
int bt_report_version(const json_t *document);

/* Whether what a report concludes follows from its own numbers: a pass from counts, a control from its rules, the
 * totals from the controls. Whoever has the key can sign anything; this is what he has to get right all the same.
 * BT_INVALID: it does not follow, and where. */
bt_status bt_report_check_conclusions(const json_t *document, bt_error *error) BT_MUST_CHECK;

typedef struct bt_reported_rule {
  bt_rule_definition *rule; /* owned; compiled of the report's text, with the report's condition hash */
  bt_time_range range;      /* up to where it was settled: what its counts are of */
  bt_measured counts;       /* as the report has them; counts.rule is `rule` */
} bt_reported_rule;

typedef struct bt_reported {
  const char *report_id, *tenant; /* of the document, borrowed; tenant "": none */
  int version;                    /* of its conclusions: 1 to BT_REPORT_VERSION */
  bt_time_range range;            /* that it is about; of version 1: up to where all of it was settled */
  bt_assumptions assumptions;
  bt_reported_rule *rules; /* those that were evaluated; one with settings of its own twice, also as the service's
                              settings judge it */
  size_t rule_count;
  size_t
      foreign_count; /* rules whose text this program does not take, and which can therefore not be looked at again */
} bt_reported;
/* BT_INVALID: the report contradicts itself, and where: a condition hash that is not that of the rule's text, a count
 * that is none. */
bt_status bt_reported_read(const json_t *document, bt_reported *out, bt_error *error) BT_MUST_CHECK;
void bt_reported_dispose(bt_reported *reported);

#endif
