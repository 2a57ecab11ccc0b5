/* Arbitrary bytes as what a Tempo says of its version and of its settings: no crash, and what is made of it is short,
 * plain text with a reason for each doubt. A checked version has a note if it has a known fault only. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tempo/api/tempo_tail.h"
#include "tempo/api/tempo_version.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const bt_source_about *about) {
  if (!memchr(about->version, '\0', sizeof about->version) || !memchr(about->note, '\0', sizeof about->note)) abort();
  for (const char *c = about->version; *c; c++)
    if (*c <= ' ' || *c > '~' || strchr("\"\\<>,()", *c)) abort();
  if (!about->is_checked && !about->note[0]) abort();
  if (about->is_checked && about->note[0] && !strstr(about->version, "2.8")) abort(); /* a known fault */
  if (about->is_checked && bt_tempo_version_major(about->version) < 2) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bt_str body = {(const char *)data, size};
  char *text = malloc(size + 1); /* as a body of an answer is: with a NUL behind it */
  int64_t tail_ns = 0;
  if (!text) abort();
  memcpy(text, data, size);
  text[size] = '\0';
  bt_source_about build = {.kind = "tempo"}, status = {.kind = "tempo"};
  if (bt_tempo_version_of_buildinfo(body, &build)) check(&build);
  if (bt_tempo_version_of_status(body, &status)) check(&status);
  if (bt_tempo_tail_of_config(text, &tail_ns) && tail_ns < 0) abort();
  free(text);
  return 0;
}
