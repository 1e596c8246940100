-- How versions are locked and raised. Only these functions write to user_version, cache_epoch and generation, apart from
-- the making and ending of accounts (users.sql).

create or replace function refrain.versions_lock(users int[]) returns int[]
language plpgsql as $$
begin
    return array(
        select user_id from refrain.user_version
        where user_id = any (users) and deleted_at is null
        order by user_id
        for update);
end
$$;
comment on function refrain.versions_lock is
    'helper: locks the version rows of the living among these users, always in the same order; those it found';

create or replace function refrain.past_raised(live bigint, past bigint, earliest timestamptz) returns bigint
language sql stable as $$
    -- Closed windows end at the last midnight, or before.
    select case when earliest < refrain.utc_midnight(refrain.utc_day(now())) then live + 1 else past end
$$;
comment on function refrain.past_raised is
    'helper: what becomes of past when live goes up by one for a change that reaches back to this time';

create or replace function refrain.versions_raise(users int[], earliest timestamptz[]) returns void
language plpgsql as $$
begin
    update refrain.user_version v
    set live = v.live + 1, past = refrain.past_raised(v.live, v.past, t.earliest), changed_at = now()
    from unnest(users, earliest) t(user_id, earliest)
    where v.user_id = t.user_id;
end
$$;
comment on function refrain.versions_raise is
    'helper: notes a change of these users'' listens, by the earliest listen that it touches; their rows are locked already';

create or replace function refrain.auth_raise(users int[]) returns void
language plpgsql as $$
begin
    perform refrain.versions_lock(users);
    update refrain.user_version set auth = auth + 1 where user_id = any (users);
end
$$;
comment on function refrain.auth_raise is 'helper: makes cached profiles, tokens and sessions of these users invalid';

create or replace function refrain.generation_raise(which text) returns void
language plpgsql as $$
begin
    -- Once in a transaction is enough, however many statements ask for it.
    update refrain.generation set value = value + 1
    where name = which and xmin <> pg_current_xact_id()::xid;
end
$$;
comment on function refrain.generation_raise is
    'all: raises people, catalogue or model. The row stays locked until commit, so this comes last';

create or replace function refrain.epoch_raise(reason text) returns void
language plpgsql as $$
begin
    raise log 'refrain: all cache epochs raised: %', reason;
    perform from refrain.cache_epoch order by bucket for update;
    update refrain.cache_epoch set epoch = greatest(epoch + 1, refrain.time_us(clock_timestamp()));
end
$$;
comment on function refrain.epoch_raise is 'all: makes every cached value invalid; the reason goes to the server''s log';
