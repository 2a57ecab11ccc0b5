/* The facts as data. See facts.h. */
#include "server/doctor/facts.h"

#include <stddef.h>

/* ---- tests ---- */

static const bt_doctor_test attribute_tests[] = {{"%F == \"GET\"", true},
                                                 {"%F != \"GET\"", true},
                                                 {"%F =~ \"G.*\"", false},
                                                 {"%F !~ \"G.*\"", false},
                                                 {"%F contains \"E\"", false},
                                                 {"%F == \"nil\"", false},
                                                 {"%F != \"nil\"", false},
                                                 {"%F == \"\"", false},
                                                 {"%F == \"gr\u00f6\u00dfe \\\"q\\\" \\\\ \u2713\\nend\"", false},
                                                 {"%F matches \"gr\u00f6+\u00dfe\"", false},
                                                 {"%F == 500", true},
                                                 {"%F != 500", true},
                                                 {"%F > 499", false},
                                                 {"%F <= 499.5", false},
                                                 {"%F == 500.5", false},
                                                 {"%F == 9007199254740993", false},
                                                 {"%F == true", false},
                                                 {"%F == false", false},
                                                 {"%F in [\"GET\", \"POST\"]", false},
                                                 {"%F in [200, 500]", false},
                                                 {"%F in [\"POST\", 200]", false},
                                                 {"%F == true or %F == false", false},
                                                 {"%F =~ \"G.*\" or %F =~ \"P.*\"", false},
                                                 {"%F not in [\"POST\", 200]", false},
                                                 {"exists(%F)", true},
                                                 {0}};

static const bt_doctor_test field_tests[] = {{"span.name == \"doctor.first\"", false},
                                             {"span.name != \"doctor.root\"", false},
                                             {"span.name =~ \"doctor\\\\.f.*\"", false},
                                             {"span.name !~ \"doctor\\\\..*\"", false},
                                             {"span.name contains \"\u00f6\"", false},
                                             {"span.name == \"doctor gr\u00f6\u00dfe \\\"q\\\" \\\\ \u2713\"", false},
                                             {"span.kind == server", false},
                                             {"span.kind != internal", false},
                                             {"span.kind == unspecified", false},
                                             {"span.status == error", false},
                                             {"span.status != unset", false},
                                             {"span.status_message == \"it \\\"broke\\\"\"", false},
                                             {"span.status_message contains \"broke\"", false},
                                             {"span.duration > 1s", false},
                                             {"span.duration >= 1s", false},
                                             {"span.duration <= 1ns", false},
                                             {"span.duration == 0ns", false},
                                             {"span.duration != 2ms", false},
                                             {0}};
/* Rules that a few spans decide, one with each way to do so. */
static const char *const field_rules[] = {"when { doctor.first } always { trace.has(span.status == error) }",
                                          "when { doctor.first } never { trace.has(span.kind == client) }",
                                          "when { doctor.root } always { doctor.second }",
                                          "when { doctor.early } never { doctor.late }",
                                          "count(doctor.step) > 298",
                                          "when { doctor.root } always { count(doctor.step) == 299 }",
                                          "max(span.name == \"doctor.third\", span.duration) >= 2s",
                                          "doctor.third.where(span.duration < 1s) and not doctor.second",
                                          "when { doctor.call as c } always { c.where(span.kind == client) }",
                                          "never { doctor.clockless }",
                                          "when { doctor.root } never { doctor.clockless }",
                                          "when { doctor.clockless } always { doctor.second }",
                                          NULL};

static const bt_doctor_test service_tests[] = {{"span.service == \"betrace-doctor-other\"", false},
                                               {"span.service != \"betrace-doctor\"", false},
                                               {"span.service contains \"other\"", false},
                                               {0}};
static const char *const service_rules[] = {
    "doctor.served.where(exists(resource.service.name))",
    "when { doctor.served } always { doctor.served.where(exists(resource.service.name)) }",
    "betrace-doctor-other",
    "when { doctor.root } always { betrace-doctor-other }",
    "when { doctor.served } always { trace.has(span.service == \"betrace-doctor-other\") }",
    NULL};

static const bt_doctor_test no_tests[] = {{0}};
static const char *const scope_rules[] = {
    "doctor.probe.where(betrace.either == \"one\")", "doctor.probe.where(betrace.either == \"two\")",
    "when { doctor.probe.where(exists(betrace.either)) } always { doctor.probe.where(betrace.either == \"two\") }",
    "when { doctor.probe.where(exists(betrace.either)) } never { doctor.probe.where(betrace.either != \"one\") }",
    NULL};
static const char *const pair_rules[] = {
    "doctor.probe.where(betrace.first == \"a\" and betrace.second == 1)",
    "doctor.probe.where(betrace.first == \"a\" or betrace.second == 1)",
    "when { doctor.probe.where(exists(betrace.first)) } always { doctor.probe.where(betrace.first == \"a\" and "
    "betrace.second == 1) }",
    "when { doctor.probe.where(exists(betrace.first)) } never { doctor.probe.where(betrace.first == \"a\" and not "
    "(betrace.second == 1)) }",
    NULL};

const bt_doctor_topic bt_doctor_topics[] = {{"fields", "fields", field_tests, field_rules, false, true},
                                            {"service", "services", service_tests, service_rules, false, false},
                                            {"either", "span or resource", no_tests, scope_rules, false, false},
                                            {"pair", "two attributes", no_tests, pair_rules, false, false},
                                            {NULL, NULL, attribute_tests, NULL, true, false},
                                            {0}};

const char *const bt_doctor_forms[BT_DOCTOR_FORMS] = {"trace.has(%T)", "not trace.has(%T)",
                                                      "when { doctor.root } always { doctor.probe.where(%T) }",
                                                      "when { doctor.probe.where(%T) } always { doctor.nothing }"};

/* ---- what is looked at ---- */

const bt_doctor_aspect_row bt_doctor_aspects[BT_ASPECTS] = {
    [BT_ASPECT_FOUND_BY_ID] = {"by-id", "a pushed trace is there by its id",
                               "traces are missing where they are read whole: violations that rest on them are missed"},
    [BT_ASPECT_FOUND_BY_SEARCH] = {"by-search", "a search shows what is there by its id",
                                   "an empty answer where a match is certain: what search does not show is never "
                                   "read, and nothing says so. Look for the limits and the hand-over of this store, or "
                                   "replay files (--traces) instead"},
    [BT_ASPECT_SAME_BY_ID] = {"same", "a trace by its id is as it was pushed",
                              "verdicts are made on what comes by id: they would be about other spans than were sent"},
    [BT_ASPECT_ABSENT_BY_ID] = {"absent", "an id that nobody has gives no trace",
                                "a trace that is gone cannot be told from one that could not be read"},
    [BT_ASPECT_FULL] =
        {"full-answer", "what one answer cannot hold comes with others",
         "where more traces match than an answer holds some are never asked for, and 'completed' is said"},
    [BT_ASPECT_WINDOW] = {"window", "a range finds a trace that reaches into it",
                          "a violating trace at the edge of a range, or longer than a part of it, is missed"},
    [BT_ASPECT_SEARCHED] = {"searched", "searched",
                            "a trace that violates is not among those that the search finds: a replay misses it and "
                            "says 'completed'"},
    [BT_ASPECT_SUBTRACTED] = {"subtracted", "subtracted",
                              "a trace that violates is taken for one that does not, unread: a replay misses it and "
                              "says 'completed'"},
    [BT_ASPECT_COUNTED] = {"counted", "counted",
                           "the number of traces that exercise a rule is wrong, and rates with it; violations are not"},
    [BT_ASPECT_READ] = {"read", "read",
                        "a batch says something else than the trace holds: violations are missed or made up"},
    [BT_ASPECT_SOME_SPANS] = {"some-spans", "few spans",
                              "a trace that violates is decided by some of its spans as one that does not, unread: a "
                              "replay misses it and says 'completed'"},
};

const char bt_doctor_means_empty[] =
    "an empty answer where a match is certain: searches like this find nothing here and nothing says so. Answers of "
    "replays on this store cannot be trusted for such rules: use files (--traces)";
const char bt_doctor_means_refused[] =
    "this store refuses what has to be asked: rules that need it end 'incomplete' and say so; replay files (--traces) "
    "instead";
const char bt_doctor_means_unknown[] = "not known: it was not answered";
