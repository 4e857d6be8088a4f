#include "worker/image.h"
#include "worker/fault.h"
#include "worker/heritage.h"
#include "worker/title.h"
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ARGUMENT_COUNT_MAX 256 /* of a command line; the kernel's own limit is one of bytes */

/* ---- who this program is ---- */

static size_t padded(size_t size)
{
    return (size + 3) & ~(size_t)3;
}

/* elf(5): notes are name and text behind a header, each padded to four bytes. */
static uint64_t build_id_in(const char *notes, size_t size)
{
    size_t at = 0;
    while (at + sizeof(ElfW(Nhdr)) <= size) {
        ElfW(Nhdr) header;
        memcpy(&header, notes + at, sizeof header);
        const char *name = notes + at + sizeof header, *text = name + padded(header.n_namesz);
        uint64_t id = 0;
        if (header.n_type == NT_GNU_BUILD_ID && header.n_namesz == 4 && memcmp(name, "GNU", 4) == 0 &&
            header.n_descsz >= sizeof id) {
            memcpy(&id, text, sizeof id);
            return id;
        }
        at += sizeof header + padded(header.n_namesz) + padded(header.n_descsz);
    }
    return 0;
}

/* The first object is the program itself (dl_iterate_phdr(3)). */
static int look_at_object(struct dl_phdr_info *info, size_t size, void *result)
{
    uint64_t *id = result;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum && *id == 0; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        if (header->p_type == PT_NOTE)
            *id = build_id_in((const char *)(info->dlpi_addr + header->p_vaddr), header->p_memsz);
    }
    return 1;
}

uint64_t image_build(void)
{
    uint64_t id = 0;
    dl_iterate_phdr(look_at_object, &id);
    return id;
}

uint64_t image_layout(size_t memory_bytes)
{
    const uint64_t parts[] = {BOARD_VERSION,
                              sizeof(struct shared_pages),
                              sizeof(struct orders),
                              sizeof(struct board),
                              sizeof(struct load_cell),
                              COUNTER_COUNT,
                              SIGNAL_KIND_COUNT,
                              FIRST_CONNECTION,
                              FD_POKE,
                              memory_bytes};
    uint64_t sum = 0xcbf29ce484222325u; /* FNV-1a, a word at a time */
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        sum = (sum ^ parts[i]) * 0x100000001b3u;
    return sum;
}

/* ---- becoming another ---- */

int image_find(struct shared_pages *pages, uint32_t number)
{
    for (int place = 0; place < IMAGE_PLACE_COUNT; place++)
        if (number != 0 &&
            atomic_load_explicit(&pages->orders.images[place].number, memory_order_acquire) == number)
            return place;
    return -ENOENT;
}

int image_exec_path(const char *path, char *name, char *role, char **argv)
{
    char *arguments[ARGUMENT_COUNT_MAX + 3] = {name, role};
    for (int i = 1; argv && argv[0] && argv[i]; i++) {
        if (i > ARGUMENT_COUNT_MAX)
            return -E2BIG;
        arguments[i + 1] = argv[i];
    }
    execve(path, arguments, environ);
    return -errno;
}

int image_exec(struct shared_pages *pages, uint32_t number, const char *role)
{
    char path[48], name[] = "prefork-upper", role_argument[sizeof IMAGE_ROLE + IMAGE_ROLE_SIZE];
    int place = image_find(pages, number);
    if (place < 0)
        return place;
    snprintf(role_argument, sizeof role_argument, IMAGE_ROLE "%s", role);
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pages->orders.master_pid, FD_IMAGE + place);
    if (fault_fails(FAULT_exec))
        return -errno;
    return image_exec_path(path, name, role_argument, title_arguments());
}
