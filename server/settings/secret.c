/* Reading secrets. See secret.h. */
#include "server/settings/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* One line break at the end is the editor's. */
static size_t trimmed_length(const char *text, size_t length) {
  if (length && text[length - 1] == '\n') length--;
  if (length && text[length - 1] == '\r') length--;
  return length;
}

static bt_status read_descriptor(int descriptor, bt_secret *out, size_t *length, bt_error *error, const char *name) {
  *length = 0;
  for (;;) {
    ssize_t got = read(descriptor, out->text + *length, sizeof out->text - *length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return bt_error_set(error, BT_IO, "%s: the file cannot be read: %s", name, strerror(errno));
    *length += (size_t)got;
    if (got == 0) return BT_OK;
    if (*length > BT_SECRET_MAX)
      return bt_error_set(error, BT_INVALID,
                          "%s: the file is larger than %d bytes; it should hold nothing but the secret", name,
                          BT_SECRET_MAX);
  }
}

bt_status bt_secret_read(const bt_secret_setting *setting, const char *name, bt_secret *out, bt_error *error) {
  out->value = setting->text;
  if (!setting->file) return BT_OK;
  int descriptor = open(setting->file, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return bt_error_set(error, BT_IO, "%s wants the name of a file that holds the secret; it cannot be opened: %s",
                        name, strerror(errno));
  size_t length = 0;
  bt_status status = read_descriptor(descriptor, out, &length, error, name);
  close(descriptor);
  if (status != BT_OK) return status;
  length = trimmed_length(out->text, length);
  if (!length || memchr(out->text, '\0', length))
    return bt_error_set(error, BT_INVALID, "%s: one line of text was expected in the file; it %s", name,
                        length ? "holds NUL bytes" : "is empty");
  out->text[length] = '\0';
  out->value = out->text;
  return BT_OK;
}

void bt_secret_forget(bt_secret *secret) {
  explicit_bzero(secret->text, sizeof secret->text);
}
