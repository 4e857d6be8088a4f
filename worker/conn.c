#include "worker/conn.h"
#include "worker/check.h"
#include "worker/fault.h"
#include <errno.h>
#include <sys/mman.h>

static_assert(sizeof(struct conn) == 24, "an idle connection stays small");

static uint32_t ticks(int64_t ms)
{
    /* One tick more, since the current one is partly over. */
    return ms <= 0 ? 0 : (uint32_t)((ms + TICK_MS - 1) / TICK_MS) + 1;
}

int conn_table_init(struct conn_table *table, uint32_t capacity, struct conn_timeouts timeouts)
{
    void *memory = fault_mmap((size_t)capacity * sizeof(struct conn), MAP_NORESERVE);
    if (memory == MAP_FAILED)
        return -errno;
    *table = (struct conn_table){.conns = memory, .capacity = capacity};
    const int64_t timeout_ms[DEADLINE_KIND_COUNT] = {[DEADLINE_IDLE] = timeouts.idle_ms,
                                                     [DEADLINE_WRITE] = timeouts.write_ms,
                                                     [DEADLINE_LINGER] = LINGER_MS};
    for (int kind = DEADLINE_IDLE; kind < DEADLINE_KIND_COUNT; kind++)
        deadlines_init(&table->deadlines[kind], &table->conns[0].link, sizeof(struct conn),
                       ticks(timeout_ms[kind]));
    return 0;
}

struct conn *conn_find(struct conn_table *table, int fd)
{
    if (fd < FIRST_CONNECTION || (uint32_t)(fd - FIRST_CONNECTION) >= table->capacity)
        return NULL;
    return &table->conns[fd - FIRST_CONNECTION];
}

int conn_fd(const struct conn_table *table, const struct conn *conn)
{
    return (int)(conn - table->conns) + FIRST_CONNECTION;
}

static uint32_t index_of(const struct conn_table *table, const struct conn *conn)
{
    return (uint32_t)(conn - table->conns);
}

void conn_open(struct conn_table *table, struct conn *conn)
{
    CHECK(conn->state == CONN_CLOSED);
    conn->state = CONN_OPEN;
    conn->flags &= CONN_READY; /* it may still stand in the ready list for the number's last use */
    conn->unsent_mark = 0;
    table->open_count++;
}

void conn_close(struct conn_table *table, struct conn *conn)
{
    CHECK(conn->state != CONN_CLOSED);
    conn_deadline_set(table, conn, DEADLINE_NONE, 0);
    conn->state = CONN_CLOSED;
    table->open_count--;
}

void conn_ready_push(struct conn_table *table, struct conn *conn)
{
    if (conn->flags & CONN_READY)
        return;
    conn->flags |= CONN_READY;
    conn->ready_next = 0;
    uint32_t place = index_of(table, conn) + 1;
    if (table->ready_last)
        table->conns[table->ready_last - 1].ready_next = place;
    else
        table->ready_first = place;
    table->ready_last = place;
    table->ready_count++;
}

struct conn *conn_ready_pop(struct conn_table *table)
{
    if (!table->ready_first)
        return NULL;
    struct conn *conn = &table->conns[table->ready_first - 1];
    table->ready_first = conn->ready_next;
    if (!table->ready_first)
        table->ready_last = 0;
    table->ready_count--;
    conn->flags &= (uint8_t)~CONN_READY;
    return conn;
}

void conn_deadline_set(struct conn_table *table, struct conn *conn, enum conn_deadline kind,
                       uint32_t now_tick)
{
    uint32_t index = index_of(table, conn);
    if (conn->deadline != DEADLINE_NONE && conn->deadline != kind)
        deadlines_disarm(&table->deadlines[conn->deadline], index);
    conn->deadline = DEADLINE_NONE;
    if (kind == DEADLINE_NONE || table->deadlines[kind].timeout_ticks == 0)
        return;
    deadlines_arm(&table->deadlines[kind], index, now_tick);
    conn->deadline = (uint8_t)kind;
}

struct conn *conn_deadline_expired(struct conn_table *table, enum conn_deadline kind, uint32_t now_tick)
{
    uint32_t index = deadlines_expired(&table->deadlines[kind], now_tick);
    if (index == DEADLINES_NONE)
        return NULL;
    table->conns[index].deadline = DEADLINE_NONE;
    return &table->conns[index];
}

bool conn_deadlines_any(const struct conn_table *table)
{
    for (int kind = DEADLINE_IDLE; kind < DEADLINE_KIND_COUNT; kind++)
        if (table->deadlines[kind].count > 0)
            return true;
    return false;
}
