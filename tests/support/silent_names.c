/* A name server that is silent. Preloaded, it lets every lookup of a name below "silent." hang for as long as the
 * program lives, and leaves all others as they are. The file that SILENT_NAMES names is made when the first one hangs.
 * Thread: any. */
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int lookup(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out);

int getaddrinfo(const char *restrict name, const char *restrict service, const struct addrinfo *restrict hints,
                struct addrinfo **restrict out) {
  const char *file = getenv("SILENT_NAMES");
  lookup *real = (lookup *)dlsym(RTLD_NEXT, "getaddrinfo");
  if (name && file && strncmp(name, "silent.", 7) == 0) {
    close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    for (;;) pause();
  }
  return real ? real(name, service, hints, out) : EAI_FAIL;
}
