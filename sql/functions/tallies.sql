-- Counting listens, by triggers on refrain.listens: tallies, totals and listen_days are exact, and
-- versions raised, in the transaction that changes a listen, whoever makes the change. What the site
-- has comes later (site.sql); new listens are noted for it here.
--
-- A user's version row is locked before anything of that user is counted (versions_lock; several
-- users in the order of their ids). So no two transactions count for one user at a time, none wait
-- in a circle, and each statement after the lock sees what the holder before has committed.
-- listen_add takes the lock before it stores anything. What is changed by hand is locked only here,
-- after the listens themselves: beside a running import of the same user, lock first.

-- ── new listens add to what has been counted ──
-- Twice the same: a single listen, which is what scrobblers send, costs half of what it would if it
-- went through the grouping that a batch needs.

create or replace function refrain.listen_count(one refrain.listen_key) returns void
language plpgsql as $$
#variable_conflict use_column
declare
    noted   constant text := current_setting('refrain.noted', true);
    quarter constant int := refrain.utc_quarter(one.listened_at);
    mark    text;
    changed record;
begin
    -- The change is noted here and not by the trigger on user_version (relay.sql), once in a
    -- transaction. To raise the versions at once locks them as well.
    mark := set_config('refrain.noted', 'here', true);
    update refrain.user_version v
    set live = v.live + 1, past = refrain.past_raised(v.live, v.past, one.listened_at),
        changed_at = now()
    where v.user_id = one.user_id and v.deleted_at is null
    returning v.bucket, v.subject, v.is_counted into changed;
    if not found then
        raise exception 'a listen of a user who does not exist' using errcode = 'RF001';
    end if;
    mark := set_config('refrain.noted', one.user_id::text, true);
    if noted is distinct from mark then
        insert into refrain.invalidation (xid, at, user_id, bucket, subject)
        values (pg_current_xact_id(), clock_timestamp(), one.user_id, changed.bucket,
                changed.subject);
    end if;
    if changed.is_counted then
        insert into refrain.site_deltas
        values (one.user_id, one.listened_at, one.artist_id, one.release_id, one.recording_id, 1);
    end if;

    with counted as (
        insert into refrain.tallies as t (
            user_id, period, kind, entity_id, listens, first_at, last_at, weight)
        select one.user_id, p.period, e.kind, e.entity_id, 1,
               case when p.period = 0 then one.listened_at end,
               case when p.period = 0 then one.listened_at end,
               case when p.period = 0 then refrain.listen_weight(one.listened_at) end
        from (values (0::smallint), (refrain.utc_year(one.listened_at))) p(period)
        cross join refrain.listen_entities(one.artist_id, one.release_id, one.recording_id) e
        on conflict (user_id, period, kind, entity_id) do update
            set listens = t.listens + excluded.listens,
                first_at = least(t.first_at, excluded.first_at),
                last_at = greatest(t.last_at, excluded.last_at),
                weight = t.weight + excluded.weight
        -- A row that was there has been locked by this transaction, which leaves its mark.
        returning period, kind, xmax = 0 as is_fresh
    )
    insert into refrain.totals as t (
        user_id, period, artists, releases, recordings, listens)
    select one.user_id, period, count(*) filter (where is_fresh and kind = 1),
           count(*) filter (where is_fresh and kind = 2),
           count(*) filter (where is_fresh and kind = 3), 1
    from counted
    group by period
    on conflict (user_id, period) do update
        set artists = t.artists + excluded.artists,
            releases = t.releases + excluded.releases,
            recordings = t.recordings + excluded.recordings,
            listens = t.listens + excluded.listens;

    update refrain.listen_days d
    set listens = d.listens + 1, quarters[quarter] = d.quarters[quarter] + 1
    where d.user_id = one.user_id and d.day = refrain.utc_day(one.listened_at);
    if not found then
        insert into refrain.listen_days (user_id, day, listens, quarters)
        values (one.user_id, refrain.utc_day(one.listened_at), 1,
                refrain.quarters_of(array[quarter]));
    end if;
    if current_setting('synchronous_commit') = 'off' then
        perform refrain.commit_durably();
    end if;
end
$$;
comment on function refrain.listen_count is
    'helper: counts one new listen, and raises versions; RF001 for an unknown user';

create or replace function refrain.quarters_of(heard int[]) returns int[]
language plpgsql immutable as $$
declare
    quarters int[] := array_fill(0, array[96]);
    quarter  int;
begin
    foreach quarter in array heard loop
        quarters[quarter] := quarters[quarter] + 1;
    end loop;
    return quarters;
end
$$;
comment on function refrain.quarters_of is
    'helper: how often each quarter of an hour of a day (utc_quarter) is among these';

create or replace function refrain.quarters_sum(a int[], b int[]) returns int[]
language sql immutable as $$
    select array(select q.a + q.b from unnest(a, b) with ordinality q(a, b, quarter)
                 order by q.quarter)
$$;
comment on function refrain.quarters_sum is 'helper: the listens of both in each quarter of an hour';

create or replace function refrain.listens_inserted() returns trigger
language plpgsql as $$
declare
    few   constant refrain.listen_key[] := array(
        select (user_id, listened_at, recording_id, artist_id, release_id)::refrain.listen_key
        from added limit 2);
    users int[];
begin
    if cardinality(few) = 0 then
        return null;
    elsif cardinality(few) = 1 then
        perform refrain.listen_count(few[1]);
        return null;
    end if;

    users := array(select distinct user_id from added);
    if cardinality(refrain.versions_lock(users)) < cardinality(users) then
        raise exception 'a listen of a user who does not exist' using errcode = 'RF001';
    end if;
    with plays as (
        -- A batch has far fewer recordings than listens; what follows works on these.
        select user_id, refrain.utc_year(listened_at) as year, artist_id, release_id, recording_id,
               count(*)::int as listens, min(listened_at) as first_at, max(listened_at) as last_at,
               sum(refrain.listen_weight(listened_at)) as weight
        from added
        group by 1, 2, 3, 4, 5
    ), entities as (
        select user_id, year,
               case when grouping(recording_id) = 0 then 3 when grouping(release_id) = 0 then 2
                    else 1 end as kind,
               coalesce(recording_id, release_id, artist_id) as entity_id,
               sum(listens)::int as listens, min(first_at) as first_at, max(last_at) as last_at,
               sum(weight) as weight
        from plays
        -- The sets without a year are those of all time.
        group by user_id, grouping sets (
            (artist_id), (release_id), (recording_id),
            (artist_id, year), (release_id, year), (recording_id, year))
    ), groups as materialized (
        select user_id, coalesce(year, 0::smallint) as period, kind::smallint, entity_id, listens,
               case when year is null then first_at end as first_at,
               case when year is null then last_at end as last_at,
               case when year is null then weight end as weight
        from entities
        where entity_id is not null
        -- All but the order of the key, for the sake of the index: one number is sorted in half
        -- the time of four.
        order by ((coalesce(year, 0)::bigint * 4 + kind) << 48) + (entity_id >> 15)
    ), placed as materialized (
        -- Tallies stay where they are as long as the versions are locked. To look for them once,
        -- and then to insert what is not there without looking again, writes a third less to the
        -- log than "on conflict do update".
        select g.*, t.ctid as place
        from groups g
        left join refrain.tallies t
            on t.user_id = g.user_id and t.period = g.period and t.kind = g.kind
            and t.entity_id = g.entity_id
    ), known as (
        update refrain.tallies t
        set listens = t.listens + p.listens,
            first_at = least(t.first_at, p.first_at),
            last_at = greatest(t.last_at, p.last_at),
            weight = t.weight + p.weight
        from placed p
        where t.ctid = p.place
    ), fresh as (
        insert into refrain.tallies (
            user_id, period, kind, entity_id, listens, first_at, last_at, weight)
        select user_id, period, kind, entity_id, listens, first_at, last_at, weight
        from placed
        where place is null
    ), summed as (
        insert into refrain.totals as t (
            user_id, period, artists, releases, recordings, listens)
        select user_id, period, count(*) filter (where place is null and kind = 1),
               count(*) filter (where place is null and kind = 2),
               count(*) filter (where place is null and kind = 3),
               sum(listens) filter (where kind = 3)
        from placed
        group by user_id, period
        on conflict (user_id, period) do update
            set artists = t.artists + excluded.artists,
                releases = t.releases + excluded.releases,
                recordings = t.recordings + excluded.recordings,
                listens = t.listens + excluded.listens
    ), dated as (
        insert into refrain.listen_days as d (user_id, day, listens, quarters)
        select user_id, refrain.utc_day(listened_at), count(*),
               refrain.quarters_of(array_agg(refrain.utc_quarter(listened_at)))
        from added
        group by 1, 2
        on conflict (user_id, day) do update
            set listens = d.listens + excluded.listens,
                quarters = refrain.quarters_sum(d.quarters, excluded.quarters)
    ), noted as (
        insert into refrain.site_deltas
        select a.user_id, a.listened_at, a.artist_id, a.release_id, a.recording_id, 1
        from added a
        join refrain.user_version v on v.user_id = a.user_id
        where v.is_counted
    )
    update refrain.user_version v
    set live = v.live + 1, past = refrain.past_raised(v.live, v.past, t.earliest),
        changed_at = now()
    from (select user_id, min(listened_at) as earliest from added group by user_id) t
    where v.user_id = t.user_id;
    return null;
end
$$;
comment on function refrain.listens_inserted is 'trigger: counts new listens, and raises versions';

-- ── any other change is a difference ──
-- Sums are put right by what went and what came. Where the first or the last listen of something
-- may have gone, or much of its weight, only the listens that remain tell: they are looked for in the
-- years that have any.

create or replace function refrain.user_recount(
    user_id int, gone refrain.listen_key[], came refrain.listen_key[])
returns void
language plpgsql
-- Arrays are searched by hash only if they are known when the plan is made.
set plan_cache_mode = force_custom_plan
set work_mem = '64MB'
as $$
#variable_conflict use_column
declare
    changed    constant refrain.listen_key[] := gone || came;
    artists    constant bigint[] := array(select distinct artist_id from unnest(changed));
    releases   constant bigint[] := array(select distinct release_id from unnest(changed));
    recordings constant bigint[] := array(select distinct recording_id from unnest(changed));
    days       constant date[] := array(
        select distinct refrain.utc_day(listened_at) from unnest(changed));
    periods    constant smallint[] := 0::smallint || array(
        select distinct refrain.utc_year(listened_at) from unnest(changed));
begin
    with changes as (
        select c.listened_at, refrain.utc_year(c.listened_at) as year, n.listens, e.kind, e.entity_id
        from (select -1, g from unnest(gone) g
              union all
              select 1, c from unnest(came) c) n(listens, key)
        cross join lateral (select (n.key).*) c
        cross join refrain.listen_entities(c.artist_id, c.release_id, c.recording_id) e
    ), differences as materialized (
        select coalesce(year, 0::smallint) as period, kind, entity_id, sum(listens)::int as listens,
               case when year is null then min(listened_at) end as first_at,
               case when year is null then max(listened_at) end as last_at,
               case when year is null then
                   sum(listens * refrain.listen_weight(listened_at)) end as weight
        from changes
        -- The sets without a year are those of all time.
        group by grouping sets ((kind, entity_id, year), (kind, entity_id))
    ), counted as (
        insert into refrain.tallies as t (
            user_id, period, kind, entity_id, listens, first_at, last_at, weight)
        select user_recount.user_id, period, kind, entity_id, listens, first_at, last_at, weight
        from differences
        on conflict (user_id, period, kind, entity_id) do update
            -- Null is what has to be looked for. Of what has become far less, rounding would show.
            set listens = t.listens + excluded.listens,
                first_at = case when t.first_at < excluded.first_at then t.first_at end,
                last_at = case when t.last_at > excluded.last_at then t.last_at end,
                weight = case when t.weight + excluded.weight > t.weight / 2
                              then t.weight + excluded.weight end
        returning period, kind, xmax = 0 as is_fresh
    )
    insert into refrain.totals as t (user_id, period, artists, releases, recordings, listens)
    select user_recount.user_id, period, sum(artists), sum(releases), sum(recordings), sum(listens)
    from (
        select period, (is_fresh and kind = 1)::int, (is_fresh and kind = 2)::int,
               (is_fresh and kind = 3)::int, 0
        from counted
        union all
        select period, 0, 0, 0, listens from differences where kind = 3
    ) d(period, artists, releases, recordings, listens)
    group by period
    on conflict (user_id, period) do update
        set artists = t.artists + excluded.artists,
            releases = t.releases + excluded.releases,
            recordings = t.recordings + excluded.recordings,
            listens = t.listens + excluded.listens;

    with emptied as (
        delete from refrain.tallies t
        using (select 1, unnest(artists)
               union all select 2, unnest(releases)
               union all select 3, unnest(recordings)) c(kind, entity_id)
        where t.user_id = user_recount.user_id and t.period = any (periods)
          and t.kind = c.kind and t.entity_id = c.entity_id and t.listens = 0
        returning t.period, t.kind
    )
    update refrain.totals t
    set artists = t.artists - e.artists,
        releases = t.releases - e.releases,
        recordings = t.recordings - e.recordings
    from (
        select period, count(*) filter (where kind = 1) as artists,
               count(*) filter (where kind = 2) as releases,
               count(*) filter (where kind = 3) as recordings
        from emptied
        group by period
    ) e
    where t.user_id = user_recount.user_id and t.period = e.period;
    delete from refrain.totals t
    where t.user_id = user_recount.user_id and t.period = any (periods) and t.listens = 0;

    perform refrain.user_resolve(user_id, artists, releases, recordings);

    delete from refrain.listen_days d
    where d.user_id = user_recount.user_id and d.day = any (days);
    insert into refrain.listen_days (user_id, day, listens, quarters)
    select user_recount.user_id, d.day, cardinality(n.heard), refrain.quarters_of(n.heard)
    from unnest(days) d(day)
    cross join lateral (
        select array_agg(refrain.utc_quarter(l.listened_at)) as heard
        from refrain.listens l
        where l.user_id = user_recount.user_id
          and l.listened_at >= refrain.utc_midnight(d.day)
          and l.listened_at < refrain.utc_midnight(d.day + 1)) n
    where n.heard is not null;

    perform refrain.versions_raise(array[user_recount.user_id], array[min(listened_at)])
    from unnest(changed);
end
$$;
comment on function refrain.user_recount is
    'user: counts that these listens went and those came, and raises versions; they are locked '
    'already';

create or replace function refrain.user_resolve(
    user_id int, artists bigint[], releases bigint[], recordings bigint[])
returns void
language plpgsql
set plan_cache_mode = force_custom_plan
set work_mem = '64MB'
as $$
#variable_conflict use_column
declare
    years constant int[] := array(
        select o.period from refrain.totals o
        where o.user_id = user_resolve.user_id and o.period > 0);
begin
    with unsure as materialized (
        select t.kind, t.entity_id, t.first_at, t.last_at, t.weight
        from (select 1, unnest(artists)
              union all select 2, unnest(releases)
              union all select 3, unnest(recordings)) c(kind, entity_id)
        join refrain.tallies t
            on t.user_id = user_resolve.user_id and t.period = 0
            and t.kind = c.kind and t.entity_id = c.entity_id
        where t.first_at is null or t.last_at is null or t.weight is null
    ), heard as (
        select u.*, y.year, min(y.year) over entity as first_year, max(y.year) over entity as last_year
        from unsure u
        cross join unnest(years) y(year)
        join refrain.tallies t
            on t.user_id = user_resolve.user_id and t.period = y.year
            and t.kind = u.kind and t.entity_id = u.entity_id
        window entity as (partition by u.kind, u.entity_id)
    ), places as materialized (
        select kind, entity_id, year
        from heard
        where weight is null
           or first_at is null and year = first_year
           or last_at is null and year = last_year
    ), found as (
        select p.kind, p.entity_id, min(l.listened_at) as first_at, max(l.listened_at) as last_at,
               sum(refrain.listen_weight(l.listened_at)) as weight
        from (select distinct year from places) y
        cross join lateral (
            -- Every listen of a release or recording is one of its artist.
            select l.listened_at, l.artist_id, l.release_id, l.recording_id
            from refrain.listens l
            where l.user_id = user_resolve.user_id
              and l.listened_at >= refrain.utc_midnight(make_date(y.year, 1, 1))
              and l.listened_at < refrain.utc_midnight(make_date(y.year + 1, 1, 1))
              and l.artist_id = any (artists)
        ) l
        cross join refrain.listen_entities(l.artist_id, l.release_id, l.recording_id) e
        join places p on p.kind = e.kind and p.entity_id = e.entity_id and p.year = y.year
        group by p.kind, p.entity_id
    )
    update refrain.tallies t
    set first_at = coalesce(t.first_at, f.first_at),
        last_at = coalesce(t.last_at, f.last_at),
        weight = coalesce(t.weight, f.weight)
    from found f
    where t.user_id = user_resolve.user_id and t.period = 0
      and t.kind = f.kind and t.entity_id = f.entity_id;
end
$$;
comment on function refrain.user_resolve is
    'user: looks for the first and last listen and the weight, where the tallies of all time of '
    'these artists, their releases and recordings have null for them';

create or replace function refrain.listens_recount(
    gone refrain.listen_key[], came refrain.listen_key[])
returns void
language plpgsql as $$
declare
    -- Without users who are being purged.
    users constant int[] := refrain.versions_lock(
        array(select distinct user_id from unnest(gone || came)));
    one   int;
begin
    foreach one in array users loop
        perform refrain.user_recount(
            one, array(select g from unnest(gone) g where g.user_id = one),
            array(select c from unnest(came) c where c.user_id = one));
    end loop;
end
$$;
comment on function refrain.listens_recount is
    'helper: does that for each user of these listens';

create or replace function refrain.listens_deleted() returns trigger
language plpgsql as $$
begin
    perform refrain.listens_recount(array(
        select (user_id, listened_at, recording_id, artist_id, release_id)::refrain.listen_key
        from removed), '{}');
    return null;
end
$$;
comment on function refrain.listens_deleted is 'trigger: counts that listens have gone';

create or replace function refrain.listens_updated() returns trigger
language plpgsql as $$
begin
    -- Rows that a user who is being purged has still may change.
    if exists (select user_id from added
               except select user_id from refrain.user_version where deleted_at is null
               except select user_id from removed) then
        raise exception 'listens of a user who does not exist' using errcode = 'RF001';
    end if;

    -- What changed rows were, and what they are now. Rows that were only touched drop out.
    perform refrain.listens_recount(
        array(select (user_id, listened_at, recording_id, artist_id, release_id)::refrain.listen_key
              from (table removed except all table added) gone),
        array(select (user_id, listened_at, recording_id, artist_id, release_id)::refrain.listen_key
              from (table added except all table removed) came));
    return null;
end
$$;
comment on function refrain.listens_updated is
    'trigger: counts what changed listens were as gone, and what they are now as new';

create or replace function refrain.listens_truncated() returns trigger
language plpgsql as $$
declare
    users constant int[] := refrain.versions_lock(array(select user_id from refrain.user_version));
begin
    truncate refrain.tallies, refrain.totals, refrain.listen_days;
    perform refrain.versions_raise(
        users, array_fill('-infinity'::timestamptz, array[cardinality(users)]));
    perform refrain.epoch_raise('listens truncated');
    return null;
end
$$;
comment on function refrain.listens_truncated is 'trigger: nothing is left to count';

create or replace trigger listens_inserted after insert on refrain.listens
referencing new table as added
for each statement execute function refrain.listens_inserted();

create or replace trigger listens_updated after update on refrain.listens
referencing old table as removed new table as added
for each statement execute function refrain.listens_updated();

create or replace trigger listens_deleted after delete on refrain.listens
referencing old table as removed
for each statement execute function refrain.listens_deleted();

create or replace trigger listens_truncated after truncate on refrain.listens
for each statement execute function refrain.listens_truncated();
