-- How the cache learns of changes. Triggers note in refrain.invalidation, an outbox, whose versions
-- a transaction changes; relays in the workers ask every moment what has been committed since they
-- last asked. They don't go by time nor by a sequence, whose order is not the order of commits, but
-- by snapshots: what one poll did not see, and the next does, is new.

create or replace function refrain.relay_poll(
    since text,
    out "position" text, out now_us bigint, out is_continued boolean, out reason text,
    out epochs text, out people bigint, out catalogue bigint, out model bigint,
    out oldest_us bigint,
    out bucket smallint, out subject text, out live bigint, out past bigint, out auth bigint)
returns setof record
language plpgsql stable rows 100
-- One plan, by the index and the key, however much there is: most often it finds nothing.
set plan_cache_mode = force_generic_plan
set enable_hashjoin = off
set enable_mergejoin = off
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
    now_seen constant pg_snapshot := pg_current_snapshot();
    lsn      constant pg_lsn := pg_current_wal_flush_lsn();
    -- Of the database as a whole: which one it is, which of its histories, how far that goes, and
    -- since which crash; a dash while that has no name yet.
    here     constant text[] := array[
        (select system_identifier from pg_control_system())::text,
        (('x' || left(pg_walfile_name(lsn), 8))::bit(32)::int)::text,
        (lsn - '0/0')::text,
        coalesce((select id from refrain.relay_boot limit 1), '-')];
    there    constant text[] := string_to_array(since, ' ');
    seen     pg_snapshot;
    system   bigint;
    timeline bigint;
    flushed  numeric;
    break    text;
begin
    if since <> '' then
        begin
            seen := there[1];
            system := there[2];
            timeline := there[3];
            flushed := there[4];
        exception when data_exception then
            seen := null;
        end;
        if cardinality(there) <> 5 or num_nulls(seen, system, timeline, flushed) > 0 then
            break := 'position';
        elsif system <> here[1]::bigint or timeline <> here[2]::bigint
              or flushed > here[3]::numeric
              or pg_snapshot_xmax(seen) > pg_snapshot_xmax(now_seen)
              or (there[5] <> here[4] and there[5] <> '-') then
            break := 'history';
        elsif exists (
            select from refrain.relay_state s
            where pg_snapshot_xmin(seen) <= s.purged
              -- A number of another database, which this one was made from, means nothing here.
              and s.purged < pg_snapshot_xmin(now_seen)
        ) then
            break := 'position';
        end if;
        if break is not null then
            seen := null;
        end if;
    end if;

    return query
    with changed as materialized (
        select i.bucket, i.subject, max(v.live) as live, max(v.past) as past, max(v.auth) as auth,
               min(i.at) as oldest
        from refrain.invalidation i
        join refrain.user_version v on v.user_id = i.user_id
        where i.xid >= pg_snapshot_xmin(seen) and i.xid < pg_snapshot_xmax(now_seen)
          and not pg_visible_in_snapshot(i.xid, seen)
        group by i.bucket, i.subject
    )
    select concat_ws(' ', now_seen, here[1], here[2], here[3], here[4]),
           refrain.time_us(statement_timestamp()), break is null, break,
           (select string_agg(e.epoch::text, ' ' order by e.bucket) from refrain.cache_epoch e),
           (select value from refrain.generation where name = 'people'),
           (select value from refrain.generation where name = 'catalogue'),
           (select value from refrain.generation where name = 'model'),
           refrain.time_us((select min(oldest) from changed)),
           null::smallint, null::text, null::bigint, null::bigint, null::bigint
    union all
    select null, null, null, null, null, null, null, null, null,
           c.bucket, encode(c.subject, 'hex'), c.live, c.past, c.auth
    from changed c;
end
$$;
comment on function refrain.relay_poll is
    'all: what has been committed since an earlier poll, of which this is the position (null or '
    'empty: none, and no changes). First a row with the new position, the database time, the '
    'epochs of all buckets in their order, the generations, and the time of the oldest change; '
    'then a row for each changed subject, with its present versions. Not is_continued: the '
    'position is of another history, or unreadable or older than what has been purged, so that '
    'nobody knows what has changed, and the epochs must be raised. Not for a transaction that has '
    'changed something itself';

create or replace function refrain.relay_epochs_raise(buckets smallint[], reason text)
returns void
language plpgsql as $$
begin
    raise log 'refrain: % cache epochs raised: %', cardinality(buckets), reason;
    perform from refrain.cache_epoch where bucket = any (buckets) order by bucket for update;
    update refrain.cache_epoch
    set epoch = greatest(epoch + 1, refrain.time_us(clock_timestamp()))
    where bucket = any (buckets);
    insert into refrain.relay_boot (id)
    select gen_random_uuid()::text where not exists (select from refrain.relay_boot);
    perform refrain.commit_durably();
end
$$;
comment on function refrain.relay_epochs_raise is
    'all: makes every cached value of these buckets invalid; the reason goes to the server''s log';

-- A row may go when no relay can still need it. That takes more than its age: a transaction that
-- stays open for longer holds back the xmin of every snapshot, and a position whose xmin is not
-- above what has been purged counts as too old, new as it may be. So nothing is purged but below an
-- xmin that was noted half a minute ago or earlier: every living relay's position was made later.
create or replace function refrain.relay_purge() returns int
language plpgsql as $$
declare
    now_seen constant pg_snapshot := pg_current_snapshot();
    state    refrain.relay_state;
    last     xid8;
    removed  int;
begin
    select * into state from refrain.relay_state for update skip locked;
    if not found then
        return 0;
    end if;
    if greatest(state.purged, state.next_horizon) > pg_snapshot_xmin(now_seen) then
        -- The numbers are those of another database, which this one was restored from.
        delete from refrain.invalidation where xid >= pg_snapshot_xmax(pg_current_snapshot());
        state.purged := '0';
        state.horizon := '0';
        state.next_horizon := '0';
    end if;
    if state.noted_at < now() - interval '30 seconds' then
        state.horizon := state.next_horizon;
        state.next_horizon := pg_snapshot_xmin(now_seen);
        state.noted_at := now();
    end if;

    with gone as (
        delete from refrain.invalidation
        where ctid = any (array(
            select ctid from refrain.invalidation
            where xid < state.horizon and at < now() - interval '15 minutes'
            order by xid
            limit 20000))
        returning xid
    )
    select (select count(*) from gone), (select xid from gone order by xid desc limit 1)
    into removed, last;

    update refrain.relay_state
    set purged = greatest(state.purged, last), horizon = state.horizon,
        next_horizon = state.next_horizon, noted_at = state.noted_at;
    return removed;
end
$$;
comment on function refrain.relay_purge is
    'all: removes up to 20000 rows of invalidation that are older than 15 minutes and that no '
    'relay needs; how many. To be called every minute; of two calls at a time one does nothing';

-- ── what is noted ──
-- By triggers on user_version, whoever raises versions. One function alone notes by itself, because
-- the trigger would make a single submission dearer by a quarter: listen_count (tallies.sql), which
-- keeps it away while it sets refrain.noted to "here". Otherwise that names the user whom the
-- transaction has noted last, so that one who changes a hundred times is not noted a hundred times;
-- it ends with the transaction, and goes back with a savepoint.

create or replace function refrain.invalidation_add(changed refrain.invalidation[]) returns void
language plpgsql as $$
declare
    mark text;
begin
    if cardinality(changed) > 50000 then
        perform refrain.epoch_raise('a change of more than 50000 users');
    elsif cardinality(changed) > 1 then
        insert into refrain.invalidation select * from unnest(changed);
    elsif cardinality(changed) = 1
          and current_setting('refrain.noted', true) is distinct from changed[1].user_id::text then
        insert into refrain.invalidation select changed[1].*;
        mark := set_config('refrain.noted', changed[1].user_id::text, true);
    end if;
    perform refrain.commit_durably();
end
$$;
comment on function refrain.invalidation_add is
    'helper: notes changed versions for the cache, or makes everything in it invalid if they are '
    'very many';

create or replace function refrain.versions_inserted() returns trigger
language plpgsql as $$
begin
    perform refrain.invalidation_add(array(
        select (pg_current_xact_id(), clock_timestamp(), user_id, bucket, subject)
               ::refrain.invalidation
        from added
        where subject is not null
        limit 50001));
    return null;
end
$$;
comment on function refrain.versions_inserted is
    'trigger: notes new versions: the name may have been somebody else''s';

create or replace function refrain.versions_updated() returns trigger
language plpgsql as $$
begin
    -- Of each change what was and what is: what lies in the cache under a former subject must be
    -- told as well. No joins, whose plan, made for one row, would be used for very many.
    perform refrain.invalidation_add(array(
        select (pg_current_xact_id(), clock_timestamp(), user_id, bucket, subject)
               ::refrain.invalidation
        from (
            (select user_id, bucket, subject, live, past, auth, deleted_at from added
             except
             select user_id, bucket, subject, live, past, auth, deleted_at from removed)
            union all
            (select user_id, bucket, subject, live, past, auth, deleted_at from removed
             except
             select user_id, bucket, subject, live, past, auth, deleted_at from added)
        ) changed
        where subject is not null
        group by user_id, bucket, subject
        limit 50001));
    return null;
end
$$;
comment on function refrain.versions_updated is 'trigger: notes versions that have really changed';

create or replace function refrain.versions_deleted() returns trigger
language plpgsql as $$
begin
    if tg_op = 'TRUNCATE' then
        perform refrain.epoch_raise('versions truncated');
    elsif exists (select from removed) then
        perform refrain.relay_epochs_raise(
            array(select distinct bucket from removed), 'versions deleted');
    end if;
    return null;
end
$$;
comment on function refrain.versions_deleted is
    'trigger: without versions nothing can be told; the epochs must do';

create or replace trigger versions_inserted after insert on refrain.user_version
referencing new table as added
for each statement execute function refrain.versions_inserted();

create or replace trigger versions_updated after update on refrain.user_version
referencing old table as removed new table as added
for each statement when (current_setting('refrain.noted', true) is distinct from 'here')
execute function refrain.versions_updated();

create or replace trigger versions_deleted after delete on refrain.user_version
referencing old table as removed
for each statement execute function refrain.versions_deleted();

create or replace trigger versions_truncated after truncate on refrain.user_version
for each statement execute function refrain.versions_deleted();
