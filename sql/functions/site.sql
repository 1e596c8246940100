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

-- ── in which periods a listen counts ──
-- All time and years are kept for ever; weeks, months, quarters and half-years as long as a named
-- range can tell of them: the running one and the last complete one, and for a day the one before
-- that, because clocks differ. What is no longer kept never is again, so what there is is complete.

create or replace function refrain.site_period(unit text, day date) returns int
language sql immutable as $$
    select case unit
        when 'week' then to_char(date_trunc('week', day::timestamp), 'YYYYMMDD')::int
        when 'month' then date_part('year', day)::int * 100 + date_part('month', day)::int
        when 'quarter' then date_part('year', day)::int * 10 + date_part('quarter', day)::int
        when 'half-year' then date_part('year', day)::int * 10 + 5
                              + (date_part('month', day) > 6)::int
        when 'year' then date_part('year', day)::int
        else 0
    end
$$;
comment on function refrain.site_period is
    'helper: the number of the week (20261116, its Monday), month (202611), quarter (20261 to '
    '20264), half-year (20265, 20266) or year (2026) of a day; 0 is all time';

create or replace function refrain.site_period_of(from_s bigint, to_s bigint) returns int
language sql stable as $$
    select refrain.site_period(
        case when to_s is null then 'all time'
             when to_s - from_s <= 7 * 86400 then 'week'
             when to_s - from_s <= 31 * 86400 then 'month'
             when to_s - from_s <= 92 * 86400 then 'quarter'
             when to_s - from_s <= 184 * 86400 then 'half-year'
             else 'year' end,
        refrain.utc_day(to_timestamp(from_s)))
$$;
comment on function refrain.site_period_of is
    'helper: the number of the window of a named range';

create or replace function refrain.site_since(at timestamptz) returns date[]
language sql immutable as $$
    select array[date_trunc('week', t) - interval '1 week',
                 date_trunc('month', t) - interval '1 month',
                 date_trunc('quarter', t) - interval '3 months',
                 date_trunc('year', t) + interval '6 months'
                     * ((date_part('month', t) > 6)::int - 1)]::date[]
    from (select (at at time zone 'UTC') - interval '1 day') d(t)
$$;
comment on function refrain.site_since is
    'helper: when the first week, month, quarter and half-year began that are kept at this time';

create or replace function refrain.site_is_kept(period int, since date[]) returns boolean
language sql immutable as $$
    select case when period < 10000 then true
                when period < 100000 and period % 10 < 5
                    then period >= refrain.site_period('quarter', since[3])
                when period < 100000 then period >= refrain.site_period('half-year', since[4])
                when period < 1000000 then period >= refrain.site_period('month', since[2])
                else period >= refrain.site_period('week', since[1]) end
$$;
comment on function refrain.site_is_kept is
    'helper: whether this is a period that is kept (site_since)';

create or replace function refrain.site_places(
    user_id int, listened_at timestamptz, artist_id bigint, release_id bigint,
    recording_id bigint, since date[],
    out period int, out kind smallint, out entity_id bigint, out part int)
returns setof record
language sql immutable as $$
    select p.period, e.kind::smallint, e.entity_id, e.part
    from (
        select t::date as day, date_part('hour', t)::int as hour, date_part('year', t)::int as year,
               date_part('month', t)::int as month, date_part('day', t)::int as of_month,
               date_part('isodow', t)::int as of_week
        from (select listened_at at time zone 'UTC') l(t)
        offset 0
    ) d
    cross join lateral (values
        (0, null::date, null::int),
        (year, null, month - 1),
        (year * 10 + 5 + (month > 6)::int, since[4], (month - 1) % 6),
        (year * 10 + (month + 2) / 3, since[3], (month - 1) % 3),
        (year * 100 + month, since[2], of_month - 1),
        (to_char(day - (of_week - 1), 'YYYYMMDD')::int, since[1], of_week - 1)
    ) p(period, since, slice)
    cross join lateral (values
        (1, artist_id, null), (2, release_id, null), (3, recording_id, null),
        (1, artist_id, user_id), (2, release_id, user_id),
        (3, artist_id, d.hour), (4, artist_id, p.slice)
    ) e(kind, entity_id, part)
    where (p.since is null or d.day >= p.since)
      and e.entity_id is not null and (e.kind < 4 or e.part is not null)
$$;
comment on function refrain.site_places is
    'helper: where a listen counts: in site_tallies (no part), and in site_parts';

create or replace function refrain.site_quarters(quarters int[], listens bigint[]) returns int[]
language plpgsql immutable as $$
declare
    sums int[] := array_fill(0, array[96]);
begin
    for i in 1 .. cardinality(quarters) loop
        sums[quarters[i]] := sums[quarters[i]] + listens[i];
    end loop;
    return sums;
end
$$;
comment on function refrain.site_quarters is
    'helper: the 96 quarters of an hour of a day, from some of them';

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
    truncate refrain.site_deltas, refrain.site_tallies, refrain.site_totals, refrain.site_parts;
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
declare
    folded int;
begin
    if not exists (select from refrain.site_deltas) then
        return 0;
    end if;
    perform from refrain.user_version
    where user_id = 0
      and (refresh_s = 0 or changed_at <= now() - make_interval(secs => refresh_s))
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
set enable_hashjoin = off
set enable_mergejoin = off
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
    ), counted as materialized (
        select p.period, p.kind, p.entity_id, p.part, sum(t.listens) as listens
        from taken t
        cross join lateral refrain.site_places(
            t.user_id, t.listened_at, t.artist_id, t.release_id, t.recording_id, since) p
        group by p.period, p.kind, p.entity_id, p.part
        having sum(t.listens) <> 0
        order by p.period, p.kind, p.entity_id, p.part
    ), tallies as materialized (
        -- They stay where they are as long as the site's version is locked.
        select c.period, c.kind, c.entity_id, c.listens, coalesce(s.listens, 0) as before,
               coalesce(s.listens, 0) + c.listens as after, s.ctid as place
        from counted c
        left join refrain.site_tallies s
            on s.period = c.period and s.kind = c.kind and s.entity_id = c.entity_id
        where c.part is null
    ), tallies_gone as (
        delete from refrain.site_tallies s using tallies t
        where s.ctid = t.place and t.after = 0
    ), tallies_known as (
        update refrain.site_tallies s set listens = t.after
        from tallies t where s.ctid = t.place and t.after <> 0
    ), tallies_fresh as (
        insert into refrain.site_tallies (period, kind, entity_id, listens)
        select period, kind, entity_id, after from tallies where place is null
    ), parts as materialized (
        select c.period, c.kind, c.entity_id, c.part,
               coalesce(s.listens, 0) + c.listens as after, s.ctid as place
        from counted c
        left join refrain.site_parts s
            on s.period = c.period and s.kind = c.kind and s.entity_id = c.entity_id
            and s.part = c.part
        where c.part is not null
    ), parts_gone as (
        delete from refrain.site_parts s using parts p
        where s.ctid = p.place and p.after = 0
    ), parts_known as (
        update refrain.site_parts s set listens = p.after
        from parts p where s.ctid = p.place and p.after <> 0
    ), parts_fresh as (
        insert into refrain.site_parts (period, kind, entity_id, part, listens)
        select period, kind, entity_id, part, after from parts where place is null
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
    ), dated as (
        insert into refrain.listen_days as s (user_id, day, listens, quarters)
        select 0, day, sum(listens), refrain.site_quarters(array_agg(quarter), array_agg(listens))
        from (select refrain.utc_day(listened_at) as day,
                     refrain.utc_quarter(listened_at) as quarter, sum(listens) as listens
              from taken group by 1, 2) q
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
    old     int;
    removed int := 0;
    n       int;
begin
    perform from refrain.user_version where user_id = 0 for update skip locked;
    if not found then
        return 0;
    end if;
    select min(period) into old
    from refrain.site_totals where not refrain.site_is_kept(period, refrain.site_since(now()));
    delete from refrain.site_tallies where ctid = any (array(
        select ctid from refrain.site_tallies where period = old limit batch));
    get diagnostics n = row_count;
    removed := removed + n;
    delete from refrain.site_parts where ctid = any (array(
        select ctid from refrain.site_parts where period = old limit batch - removed));
    get diagnostics n = row_count;
    removed := removed + n;
    if removed < batch then
        delete from refrain.site_totals where period = old;
        get diagnostics n = row_count;
        removed := removed + n;
    end if;
    return removed;
end
$$;
comment on function refrain.site_prune is
    'all: removes up to 5000 rows of a week, month, quarter or half-year that no range tells of any '
    'more; how many. To be called every minute';

-- ── is it what there is? ──

create or replace function refrain.verify_site(out what text, out detail text)
returns setof record
language plpgsql stable
set work_mem = '64MB'
as $$
#variable_conflict use_column
declare
    since constant date[] := refrain.site_since(now());
begin
    -- What has been folded: all that is counted, without what is still to be folded.
    return query
    with raw as materialized (
        select l.user_id, l.listened_at, l.artist_id, l.release_id, l.recording_id, 1 as listens
        from refrain.listens l
        join refrain.user_version v on v.user_id = l.user_id
        where v.is_counted
        union all
        select d.user_id, d.listened_at, d.artist_id, d.release_id, d.recording_id, -d.listens
        from refrain.site_deltas d
    ), counted as materialized (
        select p.period, p.kind, p.entity_id, p.part, sum(r.listens) as listens
        from raw r
        cross join lateral refrain.site_places(
            r.user_id, r.listened_at, r.artist_id, r.release_id, r.recording_id, since) p
        group by p.period, p.kind, p.entity_id, p.part
        having sum(r.listens) <> 0
    ), totals as (
        select period, count(*) filter (where kind = 1 and listens > 0) as artists,
               count(*) filter (where kind = 2 and listens > 0) as releases,
               count(*) filter (where kind = 3 and listens > 0) as recordings,
               coalesce(sum(listens) filter (where kind = 3), 0) as listens
        from counted where part is null group by period
    ), days as (
        select day, sum(listens) as listens,
               refrain.site_quarters(array_agg(quarter), array_agg(listens)) as quarters
        from (select refrain.utc_day(listened_at) as day,
                     refrain.utc_quarter(listened_at) as quarter, sum(listens) as listens
              from raw group by 1, 2) q
        group by day
    )
    select 'site tally', format('period %s kind %s entity %s: stored %s, counted %s',
        coalesce(s.period, c.period), coalesce(s.kind, c.kind),
        coalesce(s.entity_id, c.entity_id), s.listens, c.listens)
    from (select * from refrain.site_tallies where refrain.site_is_kept(period, since)) s
    full join (select * from counted where part is null) c
        on (c.period, c.kind, c.entity_id) = (s.period, s.kind, s.entity_id)
    where s.listens is distinct from c.listens
    union all
    select 'site part', format('period %s kind %s entity %s part %s: stored %s, counted %s',
        coalesce(s.period, c.period), coalesce(s.kind, c.kind),
        coalesce(s.entity_id, c.entity_id), coalesce(s.part, c.part), s.listens, c.listens)
    from (select * from refrain.site_parts where refrain.site_is_kept(period, since)) s
    full join (select * from counted where part is not null) c
        on (c.period, c.kind, c.entity_id, c.part) = (s.period, s.kind, s.entity_id, s.part)
    where s.listens is distinct from c.listens
    union all
    -- A row of zeros is as good as none.
    select 'site total', format('period %s: stored %s, counted %s', coalesce(s.period, c.period),
        (s.artists, s.releases, s.recordings, s.listens),
        (c.artists, c.releases, c.recordings, c.listens))
    from (select * from refrain.site_totals where refrain.site_is_kept(period, since)) s
    full join totals c on c.period = s.period
    where (coalesce(s.artists, 0), coalesce(s.releases, 0), coalesce(s.recordings, 0),
           coalesce(s.listens, 0))
       <> (coalesce(c.artists, 0), coalesce(c.releases, 0), coalesce(c.recordings, 0),
           coalesce(c.listens, 0))
    union all
    select 'site day', format('%s: stored %s, counted %s', coalesce(s.day, c.day),
        (s.listens, s.quarters), (c.listens, c.quarters))
    from (select * from refrain.listen_days where user_id = 0) s
    full join days c on c.day = s.day
    where coalesce(s.listens, 0) <> coalesce(c.listens, 0)
       or coalesce(s.quarters, c.quarters) is distinct from coalesce(c.quarters, s.quarters);
end
$$;
comment on function refrain.verify_site is
    'all: every difference between what the site has and what the listens of the users who are '
    'counted amount to; none if all is exact';

create or replace function refrain.repair_site() returns void
language plpgsql as $$
begin
    perform from refrain.user_version where user_id = 0 for update;
    delete from refrain.site_tallies;
    delete from refrain.site_parts;
    delete from refrain.site_totals;
    delete from refrain.listen_days where user_id = 0;
    -- One statement, one snapshot: what it does not see of both is noted for later.
    with gone as (
        delete from refrain.site_deltas
    )
    insert into refrain.site_deltas
    select l.user_id, l.listened_at, l.artist_id, l.release_id, l.recording_id, 1
    from refrain.listens l
    join refrain.user_version v on v.user_id = l.user_id
    where v.is_counted;
    while refrain.site_fold_batch(100000) > 0 loop
    end loop;
    perform refrain.versions_raise(array[0], array['-infinity'::timestamptz]);
end
$$;
comment on function refrain.repair_site is
    'all: counts again what the site has, in one transaction: all at once for readers, while '
    'listens go on';
