-- Is what the site has what there is? Counted from the listens, another way than it is folded
-- (site.sql).

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
        select day, artist_id, release_id, recording_id, sum(listens)::int as listens
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
        select day, (quarter + 3) / 4 as hour, artist_id, sum(listens)::int as listens
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
               sum(listens)::int as listens
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

create or replace function refrain.site_unsettled(out user_id int, out is_counted boolean)
returns setof record
language sql stable as $$
    select v.user_id, v.is_counted
    from refrain.user_version v
    left join refrain.users u on u.id = v.user_id
    where v.user_id > 0 and v.is_counted <> coalesce(u.public, false)
      and not exists (select from refrain.site_moves m where m.user_id = v.user_id)
$$;
comment on function refrain.site_unsettled is
    'helper: who is counted but not public, or public but not counted, and on no list to be moved';

create or replace function refrain.verify_site_part(
    part int, out what text, out detail text)
returns setof record
language plpgsql stable
set work_mem = '64MB'
as $$
#variable_conflict use_column
declare
    since constant date[] := refrain.site_since(now());
begin
    -- What has been folded: all that is counted, without what is still to be folded.
    if part = 1 then
        return query
        select 'site tally', format('period %s kind %s entity %s: stored %s, counted %s',
            coalesce(s.period, c.period), coalesce(s.kind, c.kind),
            coalesce(s.entity_id, c.entity_id), s.listens, c.listens)
        from (select * from refrain.site_tallies where refrain.site_is_kept(period, since)) s
        full join refrain.site_tallies_counted(true, since) c
            on (c.period, c.kind, c.entity_id) = (s.period, s.kind, s.entity_id)
        where s.listens is distinct from c.listens;
    elsif part = 2 then
        return query
        select 'site hours', format('step %s artist %s: stored %s, counted %s',
            coalesce(s.step, c.step), coalesce(s.artist_id, c.artist_id), s.hours, c.hours)
        from (select h.* from refrain.site_hours h
              where not exists (select from refrain.site_old_steps(since) o
                                where h.step between o.first and o.last)) s
        full join refrain.site_hours_counted(true, since) c
            on (c.step, c.artist_id) = (s.step, s.artist_id)
        where s.hours is distinct from c.hours;
    elsif part = 3 then
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
    elsif part = 4 then
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
    elsif part = 5 then
        return query
        select 'site day', format('%s: stored %s, counted %s', coalesce(s.day, c.day),
            (s.listens, s.quarters), (c.listens, c.quarters))
        from (select * from refrain.listen_days where user_id = 0) s
        full join refrain.site_days_counted(true) c on c.day = s.day
        where coalesce(s.listens, 0) <> coalesce(c.listens, 0)
           or coalesce(s.quarters, c.quarters) is distinct from coalesce(c.quarters, s.quarters);
    elsif part = 6 then
        return query
        select 'site user', format(
            case when u.is_counted then 'user %s is counted, but not public'
                 else 'user %s is public, but not counted' end, u.user_id)
        from refrain.site_unsettled() u;
    end if;
end
$$;
comment on function refrain.verify_site_part is
    'all: what verify_site finds in one of its six parts: tallies (1), hours (2), listeners (3), '
    'totals (4), days (5), who is counted at all (6)';

create or replace function refrain.verify_site(out what text, out detail text)
returns setof record
language sql stable as $$
    select d.what, d.detail from generate_series(1, 6) p(part), refrain.verify_site_part(p.part) d
$$;
comment on function refrain.verify_site is
    'all: every difference between what the site has and what the listens of the users who are '
    'counted amount to, and who is wrongly counted or not; none if all is exact';

create or replace function refrain.verify_site_some(
    part int, wanted int, out differences bigint, out what text, out detail text)
returns setof record
language sql stable as $$
    select count(*) over (), d.what, d.detail
    from refrain.verify_site_part(verify_site_some.part) d
    limit wanted
$$;
comment on function refrain.verify_site_some is
    'all: the same as verify_user_some, of a part of the site; a part at a time, because all of '
    'them may take longer than a statement may';

create or replace function refrain.repair_site() returns void
language plpgsql
set work_mem = '64MB'
as $$
declare
    since constant date[] := refrain.site_since(now());
begin
    perform from refrain.user_version where user_id = 0 for update;
    -- Before anything is counted: nobody private shall be among it.
    perform refrain.site_settle(u.user_id)
    from (select user_id from refrain.site_unsettled() order by user_id) u;
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
