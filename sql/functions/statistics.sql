-- Charts: what a user listened to most. Planned once: to plan such a query takes longer than to run
-- it. Names are looked up one by one (no hash and merge joins), however large the catalogue is,
-- because a page is short.
--
-- Every function behind a statistic has one signature, and takes of it what it needs:
--   user_id        or 0: all public users (site.sql)
--   before_s       where the window before this one begins; from_s if there is none
--   from_s, to_s   the window, half-open, from midnight to midnight in UTC; to_s is null for all time
--   period         of the tallies: 0 is all time, a calendar year; -1: there are none, listens are
--                  counted
--   step           what a chart of activity cuts the window into: days (1), months (2), years (3)
--   first, count   the ranks that are wanted, where a list is long
-- total is 0 where the window has no listens. Where there is nothing to list, one row has no entry.

create or replace function refrain.chart_page(
    user_id int, kind int, from_s bigint, to_s bigint, period int, first int, count int,
    out total bigint, out entity_id bigint, out listens bigint)
returns setof record
language plpgsql stable rows 100
set plan_cache_mode = force_generic_plan
set max_parallel_workers_per_gather = 0
as $$
#variable_conflict use_column
begin
    if user_id = 0 then
        return query select * from refrain.site_page(kind, from_s, to_s, first, count);
    elsif period >= 0 then
        return query
        select coalesce(
                   (select case chart_page.kind
                               when 1 then o.artists when 2 then o.releases else o.recordings end
                    from refrain.totals o
                    where o.user_id = chart_page.user_id and o.period = chart_page.period), 0),
               p.entity_id, p.listens
        from (values (1)) one
        left join (
            select t.entity_id, t.listens::bigint as listens
            from refrain.tallies t
            where t.user_id = chart_page.user_id and t.period = chart_page.period
              and t.kind = chart_page.kind
            order by t.listens desc, t.entity_id
            offset chart_page.first limit chart_page.count
        ) p on true;
    else
        return query
        with chart as materialized (
            select e.entity_id, count(*) as listens
            from (
                select case chart_page.kind
                           when 1 then l.artist_id when 2 then l.release_id else l.recording_id end
                from refrain.listens l
                where l.user_id = chart_page.user_id
                  and l.listened_at >= to_timestamp(from_s)
                  and l.listened_at < to_timestamp(to_s)
            ) e(entity_id)
            where e.entity_id is not null
            group by e.entity_id
        )
        select (select count(*) from chart), p.entity_id, p.listens
        from (values (1)) one
        left join (
            select c.entity_id, c.listens
            from chart c
            order by c.listens desc, c.entity_id
            offset chart_page.first limit chart_page.count
        ) p on true;
    end if;
end
$$;
comment on function refrain.chart_page is
    'user: a page of the artists (kind 1), releases (2) or recordings (3) most listened to, and '
    'how many there are in all, in no order; one row without an entity if the page is empty. '
    'period is 0 for all time, a calendar year (both are read from tallies), or -1 for the '
    'listens in [from_s, to_s)';

create or replace function refrain.window_meta(
    from_s bigint, to_s bigint, period int, changed_at timestamptz)
returns text
language sql stable as $$
    -- 1009843200 is 2002-01-01, where all time begins on ListenBrainz.
    select '"from_ts":' || case when period = 0 then 1009843200 else from_s end
        || ',"to_ts":' || case when period = 0 then refrain.time_s(changed_at) else to_s end
        || ',"last_updated":' || refrain.time_s(changed_at)
$$;
comment on function refrain.window_meta is
    'helper: the members of an envelope that tell what was counted, and when';

create or replace function refrain.chart_meta(
    from_s bigint, to_s bigint, period int, changed_at timestamptz, counted text, total bigint)
returns text
language sql stable as $$
    select refrain.window_meta(from_s, to_s, period, changed_at) || ',"' || counted || '":' || total
$$;
comment on function refrain.chart_meta is 'helper: the members of a chart''s envelope';

create or replace function refrain.stats_artists(
    user_id int, before_s bigint, from_s bigint, to_s bigint, period int, step int,
    first int, count int)
returns setof refrain.read_row
language plpgsql stable
set plan_cache_mode = force_generic_plan
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
begin
    return query
    select v.*, p.total,
           refrain.chart_meta(
               from_s, to_s, period, u.changed_at, 'total_artist_count', p.total),
           p.listens,
           '{' || refrain.json_entity(1, a, null, null) || ',"listen_count":' || p.listens || '}'
    from refrain.user_state(stats_artists.user_id) v
    join refrain.user_version u on u.user_id = stats_artists.user_id
    cross join refrain.chart_page(
        stats_artists.user_id, 1, from_s, to_s, period, first, count) p
    left join refrain.artists a on a.id = p.entity_id
    order by p.listens desc, p.entity_id;
end
$$;
comment on function refrain.stats_artists is
    'user: the artists most listened to, ranks [first, first + count), in all time (period 0), in '
    'a calendar year, or in [from_s, to_s) (period -1); key is the number of listens';

create or replace function refrain.stats_releases(
    user_id int, before_s bigint, from_s bigint, to_s bigint, period int, step int,
    first int, count int)
returns setof refrain.read_row
language plpgsql stable
set plan_cache_mode = force_generic_plan
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
begin
    return query
    select v.*, p.total,
           refrain.chart_meta(
               from_s, to_s, period, u.changed_at, 'total_release_count', p.total),
           p.listens,
           '{' || refrain.json_entity(2, a, l, null) || ',"listen_count":' || p.listens || '}'
    from refrain.user_state(stats_releases.user_id) v
    join refrain.user_version u on u.user_id = stats_releases.user_id
    cross join refrain.chart_page(
        stats_releases.user_id, 2, from_s, to_s, period, first, count) p
    left join refrain.releases l on l.id = p.entity_id
    left join refrain.artists a on a.id = l.artist_id
    order by p.listens desc, p.entity_id;
end
$$;
comment on function refrain.stats_releases is
    'user: the same for releases; listens without a release are left out';

create or replace function refrain.stats_recordings(
    user_id int, before_s bigint, from_s bigint, to_s bigint, period int, step int,
    first int, count int)
returns setof refrain.read_row
language plpgsql stable
set plan_cache_mode = force_generic_plan
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
begin
    return query
    select v.*, p.total,
           refrain.chart_meta(
               from_s, to_s, period, u.changed_at, 'total_recording_count', p.total),
           p.listens,
           '{' || refrain.json_entity(3, a, l, r) || ',"listen_count":' || p.listens || '}'
    from refrain.user_state(stats_recordings.user_id) v
    join refrain.user_version u on u.user_id = stats_recordings.user_id
    cross join refrain.chart_page(
        stats_recordings.user_id, 3, from_s, to_s, period, first, count) p
    left join refrain.recordings r on r.id = p.entity_id
    left join refrain.artists a on a.id = r.artist_id
    left join refrain.releases l on l.id = r.release_id
    order by p.listens desc, p.entity_id;
end
$$;
comment on function refrain.stats_recordings is 'user: the same for recordings';
