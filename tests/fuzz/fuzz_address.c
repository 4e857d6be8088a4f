/* Where to listen, as a user writes it. Names are not looked up: nothing may leave the machine. */
/* wrap: getaddrinfo */
#include "tests/fuzz/fuzz.h"

#include "master/address.h"

#include <errno.h>
#include <netdb.h>
#include <sys/un.h>

int __real_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                       struct addrinfo **results);
int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                       struct addrinfo **results);

int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                       struct addrinfo **results)
{
    struct addrinfo numeric = *hints;

    numeric.ai_flags |= AI_NUMERICHOST | AI_NUMERICSERV;
    return __real_getaddrinfo(host, service, &numeric, results);
}

static void check_candidate(const struct address *address, unsigned i)
{
    int family = address->candidates[i].ss_family;

    FUZZ_MUST(address->lengths[i] > sizeof(sa_family_t));
    FUZZ_MUST(address->lengths[i] <= sizeof address->candidates[i]);
    if (address->kind == ADDRESS_UNIX)
        FUZZ_MUST(family == AF_UNIX && address->lengths[i] <= sizeof(struct sockaddr_un));
    else
        FUZZ_MUST(family == AF_INET || family == AF_INET6);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct address address;
    char error[128] = "";
    char *text = fuzz_text(data, size);
    int result = address_parse(&address, text, error, sizeof error);

    FUZZ_MUST(result == 0 || result == -EINVAL || result == -ENOENT);
    FUZZ_MUST((result == 0) == (error[0] == '\0'));
    if (result == 0) {
        FUZZ_MUST(strcmp(address.text, text) == 0);
        FUZZ_MUST(address.candidate_count >= 1 && address.candidate_count <= ADDRESS_CANDIDATE_MAX);
        for (unsigned i = 0; i < address.candidate_count; i++)
            check_candidate(&address, i);
    }
    free(text);
    return 0;
}
