/* What the scripts in fcgi/cache/scripts do with v and values, and what mutations make of them. mark
 * and beat stand with the relays. */
#include "model.h"

#include <string.h>

static void clear_v(struct node *node)
{
    node->v_kind = V_NONE;
    node->v_nonce = node->v_ticks = 0;
    node->v = (struct version){0};
}

static void set_number(struct node *node, struct version version)
{
    clear_v(node);
    node->v_kind = V_NUMBER;
    node->v = version;
}

/* Whether a has everything that b has. An epoch does not stand above the counters: a transaction may
 * read it, and commit only after others have read the next one. */
static bool reaches(struct version a, struct version b)
{
    return a.epoch >= b.epoch && a.commit >= b.commit;
}

/* The same with the epoch above the counters. */
static bool follows(struct version a, struct version b)
{
    return a.epoch > b.epoch || (a.epoch == b.epoch && a.commit >= b.commit);
}

uint8_t script_acquire(const struct model *model, struct node *node, uint8_t nonce)
{
    if (node->v_kind == V_NUMBER) {
        return 0;
    }
    if (node->v_kind == V_NONE) {
        node->v_kind = V_LEASE;
        node->v_nonce = nonce;
        node->v_ticks = model->bounds.lease_ticks;
    }
    return node->v_nonce;
}

static bool store_allowed(const struct model *model, const struct node *node, uint8_t lease,
                          struct version version)
{
    enum rule_store rule = model->rules.store;
    if (rule == STORE_ALWAYS) {
        return true;
    }
    switch ((enum mark)node->v_kind) {
    case V_NONE:
        return rule == STORE_CREATES;
    case V_LEASE:
        return rule == STORE_CREATES || rule == STORE_ANY_LEASE || node->v_nonce == lease;
    case V_NUMBER:
        return model->rules.epochs == EPOCHS_FIRST_IN_STORE ? follows(version, node->v)
                                                            : reaches(version, node->v);
    }
    return false;
}

bool script_store(const struct model *model, struct node *node, uint8_t lease,
                  struct version version, enum view view)
{
    if (!store_allowed(model, node, lease, version)) {
        return false;
    }
    if (model->rules.store == STORE_LEASE_ON_VALUE) {
        clear_v(node);
    } else if (model->rules.store != STORE_ALWAYS) {
        set_number(node, version);
    }
    if (view != VIEW_NONE) {
        node->d[view] = version;
    }
    return true;
}

static void raise_number(const struct model *model, struct node *node, struct version version)
{
    if (model->rules.epochs == EPOCHS_FIRST_IN_APPLY) {
        node->v = follows(version, node->v) ? version : node->v;
        return;
    }
    node->v.epoch = version.epoch > node->v.epoch ? version.epoch : node->v.epoch;
    node->v.commit = version.commit > node->v.commit ? version.commit : node->v.commit;
}

void script_apply(const struct model *model, struct node *node, struct version version)
{
    if (model->rules.apply == APPLY_DELETES) {
        memset(node->d, 0, sizeof node->d);
        clear_v(node);
    } else if (node->v_kind == V_NUMBER) {
        raise_number(model, node, version);
    } else if (model->rules.apply == APPLY_CREATES) {
        set_number(node, version);
    } else {
        clear_v(node);
    }
}
