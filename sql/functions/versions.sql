-- How versions are locked and raised. But for the making and ending of accounts (users.sql) and the
-- counting of new listens (tallies.sql), only these functions write to user_version, cache_epoch
-- and generation. Triggers on user_version note for the cache what has been raised (relay.sql).

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
    'helper: locks the versions of the living among these users, always in the same order, and '
    'tells who they are';

create or replace function refrain.past_raised(live bigint, past bigint, earliest timestamptz)
returns bigint
language sql stable as $$
    -- Closed windows end at the last midnight or before.
    select case when earliest < refrain.utc_midnight(refrain.utc_day(now())) then live + 1
                else past end
$$;
comment on function refrain.past_raised is
    'helper: what becomes of past when live goes up by one for a change that reaches back so far';

create or replace function refrain.versions_raise(users int[], earliest timestamptz[])
returns void
language plpgsql as $$
begin
    update refrain.user_version v
    set live = v.live + 1, past = refrain.past_raised(v.live, v.past, t.earliest),
        changed_at = now()
    from unnest(users, earliest) t(user_id, earliest)
    where v.user_id = t.user_id;
end
$$;
comment on function refrain.versions_raise is
    'helper: notes a change of these users'' listens, and how far it reaches back; their versions '
    'are locked already';

create or replace function refrain.auth_raise(users int[]) returns void
language plpgsql as $$
begin
    perform refrain.versions_lock(users);
    update refrain.user_version set auth = auth + 1 where user_id = any (users);
end
$$;
comment on function refrain.auth_raise is
    'helper: makes cached profiles, tokens and sessions of these users invalid';

create or replace function refrain.commit_durably() returns void
language plpgsql as $$
begin
    -- A number that others have seen must not be had again after a crash of the server, for other
    -- data: whatever the transaction saves elsewhere, this is on disk before it is visible.
    if current_setting('synchronous_commit') = 'off' then
        perform set_config('synchronous_commit', 'on', true);
    end if;
end
$$;
comment on function refrain.commit_durably is
    'helper: the transaction is on disk before anybody sees it, even if synchronous_commit is off';

create or replace function refrain.generation_raise(which text) returns void
language plpgsql as $$
begin
    -- Once in a transaction is enough, however many statements ask for it.
    update refrain.generation set value = value + 1
    where name = which and xmin <> pg_current_xact_id()::xid;
    perform refrain.commit_durably();
end
$$;
comment on function refrain.generation_raise is
    'all: raises people, catalogue or model; the row stays locked until commit, so do it last';

create or replace function refrain.epoch_raise(reason text) returns void
language plpgsql as $$
begin
    perform refrain.relay_epochs_raise(array(select bucket from refrain.cache_epoch), reason);
end
$$;
comment on function refrain.epoch_raise is
    'all: makes every cached value invalid; the reason goes to the server''s log';
