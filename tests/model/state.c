/*
 * Many states are the same but for names: nonces and epochs are only ever compared, relays are alike
 * and so are fillers. Others differ only in what can have no effect any more. Both are brought into
 * one form before they are looked up; without it the search would take a hundred times as long.
 */
#include "model.h"

#include <assert.h>
#include <string.h>

/* A nonce that no node knows: nothing that asks for it will ever be found. */
enum { NONCE_DEAD = 15, NAMES = 16 };

enum { IN_WORD = 16 };
static_assert(sizeof(struct state) <= WORDS_MAX * IN_WORD, "the state does not fit");

void state_start(const struct model *model, struct state *s)
{
    memset(s, 0, sizeof *s);
    s->db.epoch = 1;
    s->node[0].pos = model->bounds.cold ? POS_NONE : 1;
    if (model->bounds.warm) {
        struct version first = {.epoch = 1};
        s->node[0].v_kind = V_NUMBER;
        s->node[0].v = s->node[0].d[VIEW_OPEN] = s->node[0].d[VIEW_CLOSED] = first;
    }
    s->evictions_left = model->bounds.evictions;
    s->failovers_left = model->bounds.failovers;
    s->raises_left = model->bounds.raises;
    for (int i = 0; i < model->bounds.processes; i++) {
        s->l1.process[i].tracked = TRACKED_FIRST;
        s->l1.process[i].last_age = processes_oldest(model);
    }
}

/* ── what can have no effect ── */

static bool node_knows(const struct state *s, uint8_t hb_nonce)
{
    return s->node[0].hb_nonce == hb_nonce || s->node[1].hb_nonce == hb_nonce;
}

/* A relay whose nonce is gone will be refused, which changes nothing. But before it polls it may
 * find that pos is no use, and raise the epoch. */
static void bury_relay(const struct model *model, const struct state *s, struct relay *relay)
{
    if (relay->nonce == 0 || node_knows(s, relay->nonce)) {
        return;
    }
    bool may_raise = relay->at == RELAY_LOST || relay->at == RELAY_UNPLACED
                     || ((relay->at == RELAY_MARKED || relay->at == RELAY_HOLDS)
                         && (relay->pos == POS_NONE || model->bounds.purges));
    relay->nonce = NONCE_DEAD;
    if (!may_raise) {
        memset(relay, 0, sizeof *relay);
    }
}

static bool lease_matters(const struct state *s, uint8_t lease)
{
    return s->node[0].v_nonce == lease || s->node[1].v_nonce == lease || s->joiner.nonce == lease;
}

/* The last commit that everything shows which the process could serve. */
static uint8_t oldest_in_process(const struct process *process)
{
    uint8_t oldest = COMMITS_MAX;
    for (int view = 0; view < VIEWS; view++) {
        struct version d = process->d[view];
        oldest = d.epoch > 0 && d.commit < oldest ? d.commit : oldest;
    }
    const struct reader *reader = &process->reader;
    return reader->at >= READER_GOT && reader->d_commit < oldest ? reader->d_commit : oldest;
}

/* How old a commit is matters only as long as something could still be served that lacks it. */
static void forget_ages(const struct model *model, struct state *s)
{
    uint8_t oldest = s->db.commits;
    for (int i = 0; i < NODES * VIEWS; i++) {
        struct version d = s->node[i / VIEWS].d[i % VIEWS];
        oldest = d.epoch > 0 && d.commit < oldest ? d.commit : oldest;
    }
    for (int i = 0; i < FILLERS_MAX; i++) {
        bool has_value = s->filler[i].at >= FILLER_LOADED;
        uint8_t commit = s->filler[i].version.commit;
        oldest = has_value && commit < oldest ? commit : oldest;
    }
    for (int i = 0; i < model->bounds.processes; i++) {
        uint8_t commit = oldest_in_process(&s->l1.process[i]);
        oldest = commit < oldest ? commit : oldest;
    }
    if (s->l1.request.d.epoch > 0 && s->l1.request.d.commit < oldest) {
        oldest = s->l1.request.d.commit;
    }
    memset(s->db.age, 0, oldest);
}

static void bury(const struct model *model, struct state *s)
{
    bool is_checked = model->rules.beat == BEAT_CHECKED && model->rules.mark != MARK_NONE;
    for (int i = 0; i < RELAYS_MAX && is_checked; i++) {
        bury_relay(model, s, &s->relay[i]);
    }
    bool is_idle = true;
    for (int i = 0; i < FILLERS_MAX; i++) {
        struct filler *filler = &s->filler[i];
        if (!lease_matters(s, filler->lease)) {
            filler->lease = 0;
        }
        is_idle = is_idle && filler->at == FILLER_IDLE;
    }
    if (is_idle) {
        memset(&s->joiner, 0, sizeof s->joiner);
    }
    if (s->has_failed_over) {
        s->db.acked = 0;
    }
    if (model->bounds.processes > 0) {
        processes_bury(model, s);
    }
    if (model->rules.source == SOURCE_PRIMARY) {
        forget_ages(model, s);
    }
}

/* ── who is who ── */

static unsigned relay_order(const struct relay *relay)
{
    return (unsigned)relay->at << 16 | (unsigned)relay->node << 14 | (unsigned)relay->pos << 8
           | (unsigned)relay->version.epoch << 4 | relay->version.commit;
}

static unsigned filler_order(const struct filler *filler)
{
    return (unsigned)filler->at << 16 | (unsigned)filler->node << 14
           | (unsigned)(filler->lease > 0) << 8 | (unsigned)filler->version.epoch << 4
           | filler->version.commit;
}

static void sort_parties(const struct model *model, struct state *s)
{
    unsigned first = relay_order(&s->relay[0]) << 4 | s->l1.poll_age[0];
    unsigned second = relay_order(&s->relay[1]) << 4 | s->l1.poll_age[1];
    if (first < second) {
        struct relay relay = s->relay[0];
        s->relay[0] = s->relay[1];
        s->relay[1] = relay;
        uint8_t age = s->l1.poll_age[0];
        s->l1.poll_age[0] = s->l1.poll_age[1];
        s->l1.poll_age[1] = age;
    }
    if (filler_order(&s->filler[0]) < filler_order(&s->filler[1])) {
        struct filler filler = s->filler[0];
        s->filler[0] = s->filler[1];
        s->filler[1] = filler;
    }
    struct process *processes = s->l1.process;
    if (!model->bounds.requests && memcmp(&processes[0], &processes[1], sizeof *processes) < 0) {
        struct process process = processes[0];
        processes[0] = processes[1];
        processes[1] = process;
    }
}

/* ── names ── */

struct names {
    uint8_t by_old[NAMES];
    uint8_t count;
};

static void rename_nonce(struct names *names, uint8_t *nonce)
{
    if (*nonce == 0 || *nonce == NONCE_DEAD) {
        return;
    }
    if (names->by_old[*nonce] == 0) {
        names->by_old[*nonce] = ++names->count;
    }
    *nonce = names->by_old[*nonce];
}

static void rename_nonces(struct state *s)
{
    struct names beats = {0}, leases = {0};
    for (int i = 0; i < NODES; i++) {
        rename_nonce(&beats, &s->node[i].hb_nonce);
        rename_nonce(&leases, &s->node[i].v_nonce);
    }
    for (int i = 0; i < RELAYS_MAX; i++) {
        rename_nonce(&beats, &s->relay[i].nonce);
    }
    for (int i = 0; i < FILLERS_MAX; i++) {
        rename_nonce(&leases, &s->filler[i].lease);
    }
    rename_nonce(&leases, &s->joiner.nonce);
}

uint8_t state_fresh_nonce(const struct state *s)
{
    bool is_taken[NAMES] = {false};
    for (int i = 0; i < NODES; i++) {
        is_taken[s->node[i].hb_nonce] = is_taken[s->node[i].v_nonce] = true;
        is_taken[s->relay[i].nonce] = is_taken[s->filler[i].lease] = true;
    }
    is_taken[s->joiner.nonce] = true;
    uint8_t nonce = 1;
    while (is_taken[nonce]) {
        nonce++;
    }
    return nonce;
}

enum {
    EPOCHS_MAX = 40,
    EPOCHS_UNNAMED = 12, /* in a trace they keep their numbers as long as these fit */
};
static_assert(RELAYS_MAX == NODES && FILLERS_MAX == NODES, "they are gone through together");

static int list_epochs(struct state *s, uint8_t *epochs[EPOCHS_MAX])
{
    int n = 0;
    epochs[n++] = &s->db.epoch;
    epochs[n++] = &s->db.open_epoch;
    epochs[n++] = &s->joiner.version.epoch;
    for (int i = 0; i < COMMITS_MAX; i++) {
        epochs[n++] = &s->db.apply_epoch[i];
    }
    for (int i = 0; i < NODES; i++) {
        epochs[n++] = &s->node[i].hb_epoch;
        epochs[n++] = &s->node[i].v.epoch;
        epochs[n++] = &s->node[i].d[VIEW_OPEN].epoch;
        epochs[n++] = &s->node[i].d[VIEW_CLOSED].epoch;
        epochs[n++] = &s->relay[i].version.epoch;
        epochs[n++] = &s->filler[i].version.epoch;
    }
    epochs[n++] = &s->l1.request.d.epoch;
    for (int i = 0; i < PROCESSES_MAX; i++) {
        struct process *process = &s->l1.process[i];
        epochs[n++] = &process->look_epoch;
        epochs[n++] = &process->last_epoch;
        epochs[n++] = &process->record.epoch;
        epochs[n++] = &process->d[VIEW_OPEN].epoch;
        epochs[n++] = &process->d[VIEW_CLOSED].epoch;
        epochs[n++] = &process->reader.v.epoch;
    }
    return n;
}

/* Only their order matters. */
static void rename_epochs(struct state *s)
{
    if (s->db.epoch == 1) {
        return;
    }
    uint8_t *epochs[EPOCHS_MAX];
    int count = list_epochs(s, epochs);
    unsigned used = 0;
    for (int i = 0; i < count; i++) {
        used |= 1U << *epochs[i];
    }
    used &= ~1U;
    for (int i = 0; i < count; i++) {
        unsigned up_to = (2U << *epochs[i]) - 1;
        *epochs[i] = (uint8_t)__builtin_popcount(used & up_to);
    }
}

void state_normalize(const struct model *model, struct state *s, bool merges)
{
    if (merges) {
        bury(model, s);
        sort_parties(model, s);
    }
    rename_nonces(s);
    if (merges || s->db.epoch >= EPOCHS_UNNAMED) {
        rename_epochs(s);
    }
}

/* ── two members in a byte ── */

static uint64_t squeeze(uint64_t bytes)
{
    bytes = (bytes | bytes >> 4) & 0x00ff00ff00ff00ff;
    bytes = (bytes | bytes >> 8) & 0x0000ffff0000ffff;
    return (bytes | bytes >> 16) & 0xffffffff;
}

static uint64_t stretch(uint64_t half)
{
    half = (half | half << 16) & 0x0000ffff0000ffff;
    half = (half | half << 8) & 0x00ff00ff00ff00ff;
    return (half | half << 4) & 0x0f0f0f0f0f0f0f0f;
}

size_t state_words(const struct model *model)
{
    size_t members = offsetof(struct state, l1);
    if (model->bounds.processes > 0) {
        members = offsetof(struct state, l1.process[model->bounds.processes]);
    }
    return (members + IN_WORD - 1) / IN_WORD;
}

void state_pack(const struct state *s, uint64_t *words, size_t count)
{
    uint64_t bytes[WORDS_MAX * 2] = {0};
    memcpy(bytes, s, sizeof *s);
    for (size_t i = 0; i < count; i++) {
        words[i] = squeeze(bytes[2 * i]) | squeeze(bytes[2 * i + 1]) << 32;
    }
}

void state_unpack(const uint64_t *words, size_t count, struct state *s)
{
    uint64_t bytes[WORDS_MAX * 2] = {0};
    for (size_t i = 0; i < count; i++) {
        bytes[2 * i] = stretch(words[i] & 0xffffffff);
        bytes[2 * i + 1] = stretch(words[i] >> 32);
    }
    memcpy(s, bytes, sizeof *s);
}
