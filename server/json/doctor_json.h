/* What doctor found as JSON, for a bug report. The function returns a new value, NULL without memory. Thread: no state.
 */
#ifndef BT_SERVER_DOCTOR_JSON_H
#define BT_SERVER_DOCTOR_JSON_H

#include <jansson.h>

#include "server/doctor/doctor.h"
#include "server/doctor/exchange.h"

json_t *bt_doctor_report_json(const bt_doctor_report *report, const bt_exchanges *exchanges);

#endif
