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
-- Charts (site_tallies) have a period for each named range. All time and years are kept for ever;
-- weeks, months, quarters and half-years as long as a named range can tell of them: the running one
-- and the last complete one, and for a day the one before that, because clocks differ.
--
-- What is asked for by artist or release (site_hours, site_listeners) is added up when read, from
-- steps: days for weeks and months, months for what is longer, years for all time. Years are kept
-- for ever, months and days as long as they are a part of something that a range can tell of.
--
-- What is no longer kept never is again, so what there is is complete.

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
                     * ((date_part('month', t) > 6)::int - 1),
                 date_trunc('year', t) - interval '1 year']::date[]
    from (select (at at time zone 'UTC') - interval '1 day') d(t)
$$;
comment on function refrain.site_since is
    'helper: when the first week, month, quarter, half-year and months of a year began that are '
    'kept at this time';

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

create or replace function refrain.site_periods(day date, since date[]) returns int[]
language sql immutable as $$
    select array_agg(refrain.site_period(p.unit, day))
    from (values ('all time', null::date), ('year', null), ('half-year', since[4]),
                 ('quarter', since[3]), ('month', since[2]), ('week', since[1])) p(unit, since)
    where p.since is null or day >= p.since
$$;
comment on function refrain.site_periods is
    'helper: the periods that a day is in, of those that are kept (site_since)';

create or replace function refrain.site_steps(day date, since date[]) returns int[]
language sql immutable as $$
    select array_agg(to_char(day, s.form)::int)
    from (values ('YYYY', null::date), ('YYYYMM', since[5]), ('YYYYMMDD', since[2])) s(form, since)
    where s.since is null or day >= s.since
$$;
comment on function refrain.site_steps is
    'helper: the steps that a day is in, of those that are kept: its year (2026), month (202611) '
    'and day (20261123)';

create or replace function refrain.site_old_steps(since date[], out first int, out last int)
returns setof record
language sql immutable as $$
    values (100000, to_char(since[5], 'YYYYMM')::int - 1),
           (10000000, to_char(since[2], 'YYYYMMDD')::int - 1)
$$;
comment on function refrain.site_old_steps is
    'helper: the numbers of the steps that are not kept any more';

create or replace function refrain.site_window_steps(
    from_s bigint, to_s bigint, out step int, out day date)
returns setof record
language plpgsql stable rows 31 as $$
#variable_conflict use_column
begin
    if to_s is null then
        return query
        select o.period, make_date(o.period, 1, 1)
        from refrain.site_totals o where o.period between 1 and 9999;
    else
        return query
        select to_char(d.at, case when to_s - from_s > 31 * 86400 then 'YYYYMM' else 'YYYYMMDD' end)
                   ::int, d.at::date
        from generate_series(
            to_timestamp(from_s) at time zone 'UTC',
            to_timestamp(to_s - 1) at time zone 'UTC',
            case when to_s - from_s > 31 * 86400 then interval '1 month' else interval '1 day' end
        ) d(at);
    end if;
end
$$;
comment on function refrain.site_window_steps is
    'helper: the steps that the window of a named range is made of, and when each begins';

create or replace function refrain.site_spread(size int, places int[], listens bigint[])
returns int[]
language plpgsql immutable as $$
declare
    sums int[] := array_fill(0, array[size]);
begin
    for i in 1 .. cardinality(places) loop
        sums[places[i]] := sums[places[i]] + listens[i];
    end loop;
    return sums;
end
$$;
comment on function refrain.site_spread is
    'helper: so many numbers, from what is at some of their places; the first is 1';

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
                       sum(l.listens) as listens
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

-- ── is it what there is? ──

create or replace function refrain.site_listens(
    is_folded boolean, out day date, out quarter int, out user_id int, out artist_id bigint,
    out release_id bigint, out recording_id bigint, out listens int)
returns setof record
language sql stable as $$
    select refrain.utc_day(l.listened_at), refrain.utc_quarter(l.listened_at), l.user_id,
           l.artist_id, l.release_id, l.recording_id, 1
    from refrain.listens l
    join refrain.user_version v on v.user_id = l.user_id
    where v.is_counted
    union all
    select refrain.utc_day(d.listened_at), refrain.utc_quarter(d.listened_at), d.user_id,
           d.artist_id, d.release_id, d.recording_id, -d.listens
    from refrain.site_deltas d
    where is_folded
$$;
comment on function refrain.site_listens is
    'helper: the listens of all who are counted; where is_folded, without what is still to be folded';

create or replace function refrain.site_tallies_counted(
    is_folded boolean, since date[],
    out period int, out kind smallint, out entity_id bigint, out listens bigint)
returns setof record
language sql stable as $$
    with plays as (
        select day, artist_id, release_id, recording_id, sum(listens) as listens
        from refrain.site_listens(is_folded)
        group by 1, 2, 3, 4
    ), days as materialized (
        select day, refrain.site_periods(day, since) as periods
        from (select distinct day from plays) d
    )
    select p.period,
           (case when grouping(recording_id) = 0 then 3 when grouping(release_id) = 0 then 2
                 else 1 end)::smallint,
           coalesce(recording_id, release_id, artist_id), sum(listens)::bigint
    from plays
    join days on days.day = plays.day
    cross join lateral unnest(days.periods) p(period)
    group by p.period, grouping sets ((artist_id), (release_id), (recording_id))
    having coalesce(recording_id, release_id, artist_id) is not null and sum(listens) <> 0
$$;
comment on function refrain.site_tallies_counted is
    'helper: what site_tallies must be, counted from site_listens';

create or replace function refrain.site_hours_counted(
    is_folded boolean, since date[], out step int, out artist_id bigint, out hours int[])
returns setof record
language sql stable as $$
    with heard as (
        select day, (quarter + 3) / 4 as hour, artist_id, sum(listens) as listens
        from refrain.site_listens(is_folded)
        group by 1, 2, 3
    ), days as materialized (
        select day, refrain.site_steps(day, since) as steps
        from (select distinct day from heard) d
    )
    select step, artist_id, refrain.site_spread(24, array_agg(hour), array_agg(listens))
    from (
        select s.step, h.artist_id, h.hour, sum(h.listens)::bigint as listens
        from heard h
        join days on days.day = h.day
        cross join lateral unnest(days.steps) s(step)
        group by 1, 2, 3
        having sum(h.listens) <> 0
    ) c
    group by 1, 2
$$;
comment on function refrain.site_hours_counted is
    'helper: what site_hours must be, counted from site_listens';

create or replace function refrain.site_listeners_counted(
    is_folded boolean, since date[], out artist_id bigint, out release_id bigint, out step int,
    out user_id int, out listens bigint)
returns setof record
language sql stable as $$
    with heard as (
        select day, artist_id, coalesce(release_id, 0) as release_id, user_id,
               sum(listens) as listens
        from refrain.site_listens(is_folded)
        group by 1, 2, 3, 4
    ), days as materialized (
        select day, refrain.site_steps(day, since) as steps
        from (select distinct day from heard) d
    )
    select h.artist_id, h.release_id, s.step, h.user_id, sum(h.listens)::bigint
    from heard h
    join days on days.day = h.day
    cross join lateral unnest(days.steps) s(step)
    group by 1, 2, 3, 4
    having sum(h.listens) <> 0
$$;
comment on function refrain.site_listeners_counted is
    'helper: what site_listeners must be, counted from site_listens';

create or replace function refrain.site_totals_counted(
    is_folded boolean, since date[],
    out period int, out artists bigint, out releases bigint, out recordings bigint,
    out listens bigint)
returns setof record
language sql stable as $$
    select period, count(*) filter (where kind = 1 and listens > 0),
           count(*) filter (where kind = 2 and listens > 0),
           count(*) filter (where kind = 3 and listens > 0),
           coalesce(sum(listens) filter (where kind = 3), 0)::bigint
    from refrain.site_tallies_counted(is_folded, since)
    group by period
$$;
comment on function refrain.site_totals_counted is
    'helper: what site_totals must be, counted from site_listens';

create or replace function refrain.site_days_counted(
    is_folded boolean, out day date, out listens bigint, out quarters int[])
returns setof record
language sql stable as $$
    select day, sum(listens)::bigint,
           refrain.site_spread(96, array_agg(quarter), array_agg(listens))
    from (select day, quarter, sum(listens) as listens
          from refrain.site_listens(is_folded) group by 1, 2) q
    group by day
$$;
comment on function refrain.site_days_counted is
    'helper: what listen_days must be of user 0, counted from site_listens';

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
    select 'site tally', format('period %s kind %s entity %s: stored %s, counted %s',
        coalesce(s.period, c.period), coalesce(s.kind, c.kind),
        coalesce(s.entity_id, c.entity_id), s.listens, c.listens)
    from (select * from refrain.site_tallies where refrain.site_is_kept(period, since)) s
    full join refrain.site_tallies_counted(true, since) c
        on (c.period, c.kind, c.entity_id) = (s.period, s.kind, s.entity_id)
    where s.listens is distinct from c.listens;
    return query
    select 'site hours', format('step %s artist %s: stored %s, counted %s',
        coalesce(s.step, c.step), coalesce(s.artist_id, c.artist_id), s.hours, c.hours)
    from (select h.* from refrain.site_hours h
          where not exists (select from refrain.site_old_steps(since) o
                            where h.step between o.first and o.last)) s
    full join refrain.site_hours_counted(true, since) c
        on (c.step, c.artist_id) = (s.step, s.artist_id)
    where s.hours is distinct from c.hours;
    return query
    select 'site listener', format('step %s artist %s release %s user %s: stored %s, counted %s',
        coalesce(s.step, c.step), coalesce(s.artist_id, c.artist_id),
        coalesce(s.release_id, c.release_id), coalesce(s.user_id, c.user_id), s.listens, c.listens)
    from (select l.* from refrain.site_listeners l
          where not exists (select from refrain.site_old_steps(since) o
                            where l.step between o.first and o.last)) s
    full join refrain.site_listeners_counted(true, since) c
        on (c.step, c.artist_id, c.release_id, c.user_id)
         = (s.step, s.artist_id, s.release_id, s.user_id)
    where s.listens is distinct from c.listens;
    -- A row of zeros is as good as none.
    return query
    select 'site total', format('period %s: stored %s, counted %s', coalesce(s.period, c.period),
        (s.artists, s.releases, s.recordings, s.listens),
        (c.artists, c.releases, c.recordings, c.listens))
    from (select * from refrain.site_totals where refrain.site_is_kept(period, since)) s
    full join refrain.site_totals_counted(true, since) c on c.period = s.period
    where (coalesce(s.artists, 0), coalesce(s.releases, 0), coalesce(s.recordings, 0),
           coalesce(s.listens, 0))
       <> (coalesce(c.artists, 0), coalesce(c.releases, 0), coalesce(c.recordings, 0),
           coalesce(c.listens, 0));
    return query
    select 'site day', format('%s: stored %s, counted %s', coalesce(s.day, c.day),
        (s.listens, s.quarters), (c.listens, c.quarters))
    from (select * from refrain.listen_days where user_id = 0) s
    full join refrain.site_days_counted(true) c on c.day = s.day
    where coalesce(s.listens, 0) <> coalesce(c.listens, 0)
       or coalesce(s.quarters, c.quarters) is distinct from coalesce(c.quarters, s.quarters);
end
$$;
comment on function refrain.verify_site is
    'all: every difference between what the site has and what the listens of the users who are '
    'counted amount to; none if all is exact';

create or replace function refrain.repair_site() returns void
language plpgsql
set work_mem = '64MB'
as $$
declare
    since constant date[] := refrain.site_since(now());
begin
    perform from refrain.user_version where user_id = 0 for update;
    delete from refrain.site_tallies;
    delete from refrain.site_totals;
    delete from refrain.site_hours;
    delete from refrain.site_listeners;
    delete from refrain.listen_days where user_id = 0;
    -- One statement, one snapshot: what it does not see of both is noted for later.
    with gone as (
        delete from refrain.site_deltas
    ), tallies as (
        insert into refrain.site_tallies (period, kind, entity_id, listens)
        select * from refrain.site_tallies_counted(false, since) order by 1, 2, 3
    ), totals as (
        insert into refrain.site_totals (period, artists, releases, recordings, listens)
        select * from refrain.site_totals_counted(false, since)
    ), hours as (
        insert into refrain.site_hours (step, artist_id, hours)
        select * from refrain.site_hours_counted(false, since) order by 1, 2
    ), listeners as (
        insert into refrain.site_listeners (artist_id, release_id, step, user_id, listens)
        select * from refrain.site_listeners_counted(false, since) order by 3, 1, 2, 4
    )
    insert into refrain.listen_days (user_id, day, listens, quarters)
    select 0, c.* from refrain.site_days_counted(false) c;
    perform refrain.versions_raise(array[0], array['-infinity'::timestamptz]);
end
$$;
comment on function refrain.repair_site is
    'all: counts again what the site has, in one transaction: all at once for readers, while '
    'listens go on';
