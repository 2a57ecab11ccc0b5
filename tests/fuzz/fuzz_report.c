/* Reports from outside, as `betrace verify-report` reads them: checked, and read also where the chain is wrong, because
 * that is nearly always so here. A report that passes the check has a canonical form, and is made of it again. */
#include <jansson.h>
#include <stdlib.h>

#include "server/compliance/dsse.h"
#include "server/compliance/evidence.h"
#include "server/compliance/oscal.h"
#include "server/compliance/report_html.h"
#include "server/compliance/report_reader.h"
#include "server/json/canonical_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_form(const json_t *document) {
  bt_buffer text = {0};
  json_t *again = NULL;
  if (bt_canonical_json(document, &text, NULL) == BT_OK) {
    if (bt_report_parse(bt_buffer_str(&text), &again, NULL) != BT_OK || !json_equal(document, again)) abort();
  } else if (bt_evidence_check(document, NULL, NULL) == BT_OK) {
    abort(); /* what is outside of the entries is checked member by member */
  }
  json_decref(again);
  bt_buffer_dispose(&text);
}

/* The forms are made of reports that this program wrote; nothing else may break them all the same. */
static void show(const json_t *document) {
  bt_buffer page = {0};
  json_t *oscal = NULL;
  bt_report_html(document, &page);
  if (bt_oscal_json(document, &oscal, NULL) == BT_OK) json_decref(oscal);
  bt_buffer_dispose(&page);
}

/* What an envelope gives comes from outside as well. */
static void open_envelope(const json_t *document) {
  bt_buffer report = {0};
  json_t *inside = NULL;
  if (bt_dsse_is_envelope(document) && bt_dsse_open(document, NULL, &report, NULL) == BT_OK &&
      bt_report_parse(bt_buffer_str(&report), &inside, NULL) == BT_OK)
    check_form(inside);
  json_decref(inside);
  bt_buffer_dispose(&report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  json_t *document = NULL;
  bt_reported reported;
  bt_error error = {0};
  if (bt_report_parse((bt_str){(const char *)data, size}, &document, &error) != BT_OK) return 0;
  open_envelope(document);
  check_form(document);
  bt_status status = bt_report_check_conclusions(document, &error);
  (void)status;
  if (bt_reported_read(document, &reported, &error) == BT_OK) bt_reported_dispose(&reported);
  show(document);
  json_decref(document);
  return 0;
}
