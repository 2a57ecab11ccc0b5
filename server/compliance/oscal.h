/* A compliance report as OSCAL assessment results (1.1.2): each rule is an activity and an observation, each control
 * that rules speak of an objective and a finding. OSCAL knows satisfied and not-satisfied; only a `pass` becomes
 * satisfied, everything else is not-satisfied with its reason. All ids are made of the report's hashes, so that the
 * same report always gives the same document. Thread: no state. */
#ifndef BT_SERVER_OSCAL_H
#define BT_SERVER_OSCAL_H

#include <jansson.h>

#include "dsl/base/error.h"

/* new, or nothing: a document that lacks a part is BT_NO_MEMORY. */
bt_status bt_oscal_json(const json_t *document, json_t **out, bt_error *error) BT_MUST_CHECK;

#endif
