-- What all public users listen to: user 0.
--
-- Triggers append to site_deltas, in the transaction that changes listens, those of users who are
-- counted (user_version.is_counted); that flag, as all that is counted of a user, is read and
-- changed by whoever holds the lock of his version. Workers fold the deltas into what the site has,
-- a batch in a transaction, holding the lock of the site's own version, which they raise: so each
-- delta is folded once, whoever dies, and readers know what they have read. No listen waits for
-- that lock.
--
-- Batches come in no order: a listen that goes may be folded before it came. Until both have been,
-- a count may be too small, or below zero; only what is above zero is shown.

-- ── what changes is noted ──
-- New listens are noted where they are counted (tallies.sql): a trigger of its own would be dearer.
-- Other changes after the triggers there, by the names: those have locked the versions by then, and
-- wait for a move, whose outcome the next statement sees.

create or replace function refrain.site_deleted() returns trigger
language plpgsql as $$
begin
    -- Those of deleted users have not been locked yet.
    perform from refrain.user_version
    where user_id = any (array(select distinct user_id from removed)) and is_counted
    order by user_id for update;
    insert into refrain.site_deltas
    select r.user_id, r.listened_at, r.artist_id, r.release_id, r.recording_id, -1
    from removed r
    join refrain.user_version v on v.user_id = r.user_id
    where v.is_counted;
    return null;
end
$$;
comment on function refrain.site_deleted is 'trigger: notes deleted listens of counted users';

create or replace function refrain.site_updated() returns trigger
language plpgsql as $$
begin
    perform from refrain.user_version
    where user_id = any (array(select user_id from removed union select user_id from added))
      and is_counted
    order by user_id for update;
    insert into refrain.site_deltas
    select c.user_id, c.listened_at, c.artist_id, c.release_id, c.recording_id, sum(c.listens)
    from (select user_id, listened_at, artist_id, release_id, recording_id, -1 from removed
          union all
          select user_id, listened_at, artist_id, release_id, recording_id, 1 from added
         ) c(user_id, listened_at, artist_id, release_id, recording_id, listens)
    join refrain.user_version v on v.user_id = c.user_id
    where v.is_counted
    group by c.user_id, c.listened_at, c.artist_id, c.release_id, c.recording_id
    having sum(c.listens) <> 0;
    return null;
end
$$;
comment on function refrain.site_updated is 'trigger: notes changed listens of counted users';

create or replace function refrain.site_truncated() returns trigger
language plpgsql as $$
begin
    -- The site's version is locked and raised with all others.
    truncate refrain.site_deltas, refrain.site_tallies, refrain.site_totals, refrain.site_hours,
             refrain.site_listeners;
    return null;
end
$$;
comment on function refrain.site_truncated is 'trigger: nothing is left to count';

create or replace trigger site_updated after update on refrain.listens
referencing old table as removed new table as added
for each statement execute function refrain.site_updated();

create or replace trigger site_deleted after delete on refrain.listens
referencing old table as removed
for each statement execute function refrain.site_deleted();

create or replace trigger site_truncated after truncate on refrain.listens
for each statement execute function refrain.site_truncated();

-- ── who comes and goes ──

create or replace function refrain.site_users_changed() returns trigger
language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        insert into refrain.site_moves (user_id) select id from removed;
    elsif tg_op = 'UPDATE' then
        insert into refrain.site_moves (user_id)
        select id from (
            (select id, public from added except select id, public from removed)
            union
            (select id, public from removed except select id, public from added)
        ) c
        group by id;
    else
        insert into refrain.site_moves (user_id)
        select user_id from refrain.user_version where is_counted;
        insert into refrain.users (id, name, name_key, public)
        overriding system value values (0, '', ' ', true);
    end if;
    return null;
end
$$;
comment on function refrain.site_users_changed is
    'trigger: leaves work for site_move where users become public or private, or are deleted';

create or replace function refrain.site_stays() returns trigger
language plpgsql as $$
begin
    return null;
end
$$;
comment on function refrain.site_stays is 'trigger: the site is not deleted with the users';

create or replace trigger site_users_updated after update on refrain.users
referencing old table as removed new table as added
for each statement execute function refrain.site_users_changed();

create or replace trigger site_users_deleted after delete on refrain.users
referencing old table as removed
for each statement execute function refrain.site_users_changed();

create or replace trigger site_users_truncated after truncate on refrain.users
for each statement execute function refrain.site_users_changed();

create or replace trigger site_stays before delete on refrain.users
for each row when (old.id = 0) execute function refrain.site_stays();

create or replace function refrain.site_settle(user_id int) returns void
language plpgsql as $$
#variable_conflict use_column
declare
    counts boolean;
begin
    select v.is_counted into counts
    from refrain.user_version v where v.user_id = site_settle.user_id for update;
    if not found or counts = exists (
        select from refrain.users u where u.id = site_settle.user_id and u.public
    ) then
        return;
    end if;
    insert into refrain.site_deltas
    select l.user_id, l.listened_at, l.artist_id, l.release_id, l.recording_id,
           case when counts then -1 else 1 end
    from refrain.listens l
    where l.user_id = site_settle.user_id;
    update refrain.user_version v set is_counted = not counts
    where v.user_id = site_settle.user_id;
end
$$;
comment on function refrain.site_settle is
    'user: adds all listens of a user to the site if he is public and not counted yet, or takes them '
    'from it if it is the other way round. Locks his version; for deleted users, too';

create or replace function refrain.site_move() returns int
language plpgsql as $$
declare
    moved int;
begin
    delete from refrain.site_moves
    where ctid = (select ctid from refrain.site_moves limit 1 for update skip locked)
    returning user_id into moved;
    if moved is null then
        return 0;
    end if;
    perform refrain.site_settle(moved);
    return 1;
end
$$;
comment on function refrain.site_move is
    'all: settles one of the users whose visibility has changed; 0 if there is none, or other '
    'workers are at them. His own writes wait meanwhile, nobody else''s';

-- ── folding ──

create or replace function refrain.site_fold(refresh_s int, batch int) returns int
language plpgsql as $$
begin
    if not exists (select from refrain.site_deltas) then
        return 0;
    end if;
    perform from refrain.user_version
    where user_id = 0
      and (refresh_s = 0 or changed_at <= now() - make_interval(secs => refresh_s)
           -- Nobody shall wait for the first figures.
           or not exists (select from refrain.site_totals))
    for update;
    if not found then
        return 0;
    end if;
    return refrain.site_fold_batch(batch);
end
$$;
comment on function refrain.site_fold is
    'all: folds up to batch deltas into what the site has, unless that was done within refresh_s; '
    'how many. Waits for another one that is at it';

create or replace function refrain.site_fold_batch(batch int) returns int
language plpgsql
-- What is there is looked up by key, however large it is: a batch is small beside it.
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
set work_mem = '64MB'
as $$
declare
    since    constant date[] := refrain.site_since(now());
    folded   int;
    earliest timestamptz;
begin
    with taken as (
        delete from refrain.site_deltas
        where ctid = any (array(select ctid from refrain.site_deltas limit batch))
        returning *
    ), listens as materialized (
        select refrain.utc_day(listened_at) as day, refrain.utc_quarter(listened_at) as quarter,
               user_id, artist_id, release_id, recording_id, listens
        from taken
    ), days as materialized (
        select day, refrain.site_periods(day, since) as periods,
               refrain.site_steps(day, since) as steps
        from (select distinct day from listens) d
    ), -- Each row is looked up once, and stays where it is as long as the site's version is locked.
    tallies as materialized (
        select c.*, coalesce(s.listens, 0) as before, coalesce(s.listens, 0) + c.listens as after,
               s.ctid as place
        from (
            select period,
                   (case when grouping(recording_id) = 0 then 3 when grouping(release_id) = 0 then 2
                         else 1 end)::smallint as kind,
                   coalesce(recording_id, release_id, artist_id) as entity_id,
                   sum(listens)::bigint as listens
            from (
                select p.period, l.artist_id, l.release_id, l.recording_id,
                       sum(l.listens)::int as listens
                from listens l
                join days d on d.day = l.day
                cross join lateral unnest(d.periods) p(period)
                group by 1, 2, 3, 4
            ) plays
            group by period, grouping sets ((artist_id), (release_id), (recording_id))
            having coalesce(recording_id, release_id, artist_id) is not null and sum(listens) <> 0
            order by 1, 2, 3
        ) c
        left join lateral (
            select t.ctid, t.listens
            from refrain.site_tallies t
            where t.period = c.period and t.kind = c.kind and t.entity_id = c.entity_id
            limit 1
        ) s on true
    ), tallies_gone as (
        delete from refrain.site_tallies s using tallies t
        where s.ctid = t.place and t.after = 0
    ), tallies_known as (
        update refrain.site_tallies s set listens = t.after
        from tallies t where s.ctid = t.place and t.after <> 0
    ), tallies_fresh as (
        insert into refrain.site_tallies (period, kind, entity_id, listens)
        select period, kind, entity_id, after from tallies where place is null
    ), summed as (
        insert into refrain.site_totals as s (period, artists, releases, recordings, listens)
        select period,
               coalesce(sum((after > 0)::int - (before > 0)::int) filter (where kind = 1), 0),
               coalesce(sum((after > 0)::int - (before > 0)::int) filter (where kind = 2), 0),
               coalesce(sum((after > 0)::int - (before > 0)::int) filter (where kind = 3), 0),
               coalesce(sum(listens) filter (where kind = 3), 0)
        from tallies
        group by period
        on conflict (period) do update
            set artists = s.artists + excluded.artists,
                releases = s.releases + excluded.releases,
                recordings = s.recordings + excluded.recordings,
                listens = s.listens + excluded.listens
    ), hours as materialized (
        select c.step, c.artist_id,
               case when s.hours is null then c.hours
                    else refrain.quarters_sum(s.hours, c.hours) end as hours,
               s.ctid as place
        from (
            select step, artist_id,
                   refrain.site_spread(24, array_agg(hour), array_agg(listens)) as hours
            from (
                select p.step, l.artist_id, (l.quarter + 3) / 4 as hour, sum(l.listens) as listens
                from listens l
                join days d on d.day = l.day
                cross join lateral unnest(d.steps) p(step)
                group by 1, 2, 3
                having sum(l.listens) <> 0
            ) h
            group by 1, 2
            order by 1, 2
        ) c
        left join lateral (
            select h.ctid, h.hours
            from refrain.site_hours h
            where h.step = c.step and h.artist_id = c.artist_id
            limit 1
        ) s on true
    ), hours_gone as (
        delete from refrain.site_hours s using hours h
        where s.ctid = h.place and 0 = all (h.hours)
    ), hours_known as (
        update refrain.site_hours s set hours = h.hours
        from hours h where s.ctid = h.place and 0 <> any (h.hours)
    ), hours_fresh as (
        insert into refrain.site_hours (step, artist_id, hours)
        select step, artist_id, hours from hours where place is null
    ), listeners as materialized (
        select c.*, coalesce(s.listens, 0) + c.listens as after, s.ctid as place
        from (
            select p.step, l.artist_id, coalesce(l.release_id, 0) as release_id, l.user_id,
                   sum(l.listens)::int as listens
            from listens l
            join days d on d.day = l.day
            cross join lateral unnest(d.steps) p(step)
            group by 1, 2, 3, 4
            having sum(l.listens) <> 0
            order by 1, 2, 3, 4
        ) c
        left join lateral (
            select n.ctid, n.listens
            from refrain.site_listeners n
            where n.step = c.step and n.artist_id = c.artist_id
              and n.release_id = c.release_id and n.user_id = c.user_id
            limit 1
        ) s on true
    ), listeners_gone as (
        delete from refrain.site_listeners s using listeners l
        where s.ctid = l.place and l.after = 0
    ), listeners_known as (
        update refrain.site_listeners s set listens = l.after
        from listeners l where s.ctid = l.place and l.after <> 0
    ), listeners_fresh as (
        insert into refrain.site_listeners (artist_id, release_id, step, user_id, listens)
        select artist_id, release_id, step, user_id, after from listeners where place is null
    ), dated as (
        insert into refrain.listen_days as s (user_id, day, listens, quarters)
        select 0, day, sum(listens), refrain.site_spread(96, array_agg(quarter), array_agg(listens))
        from (select day, quarter, sum(listens) as listens from listens group by 1, 2) q
        group by day
        on conflict (user_id, day) do update
            set listens = s.listens + excluded.listens,
                quarters = refrain.quarters_sum(s.quarters, excluded.quarters)
    )
    select count(*), min(listened_at) into folded, earliest from taken;
    delete from refrain.listen_days where user_id = 0 and listens = 0 and 0 = all (quarters);
    if folded > 0 then
        perform refrain.versions_raise(array[0], array[earliest]);
    end if;
    return folded;
end
$$;
comment on function refrain.site_fold_batch is
    'helper: folds some deltas, and raises the site''s versions, which are locked';

create or replace function refrain.site_prune() returns int
language plpgsql as $$
declare
    batch   constant int := 5000;
    since   constant date[] := refrain.site_since(now());
    old     int;
    removed int := 0;
    n       int;
begin
    perform from refrain.user_version where user_id = 0 for update skip locked;
    if not found then
        return 0;
    end if;
    select min(period) into old
    from refrain.site_totals where not refrain.site_is_kept(period, since);
    delete from refrain.site_tallies where ctid = any (array(
        select ctid from refrain.site_tallies where period = old limit batch));
    get diagnostics removed = row_count;
    if removed < batch then
        delete from refrain.site_totals where period = old;
        get diagnostics n = row_count;
        removed := removed + n;
    end if;
    delete from refrain.site_hours where ctid = any (array(
        select h.ctid
        from refrain.site_old_steps(since) o
        join refrain.site_hours h on h.step between o.first and o.last
        limit batch - removed));
    get diagnostics n = row_count;
    removed := removed + n;
    delete from refrain.site_listeners where ctid = any (array(
        select l.ctid
        from refrain.site_old_steps(since) o
        join refrain.site_listeners l on l.step between o.first and o.last
        limit batch - removed));
    get diagnostics n = row_count;
    return removed + n;
end
$$;
comment on function refrain.site_prune is
    'all: removes up to 5000 rows of weeks, months, quarters, half-years and steps that no range '
    'tells of any more; how many. To be called every minute';
