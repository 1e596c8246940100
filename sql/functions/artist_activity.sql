-- What listens to an artist are made of: his releases (by UTC, as in all lists) and when he was heard
-- (in the time zone that the user has chosen, as in activity.sql). Tallies are looked up in the order
-- of their key, which keeps tallies_chart from being searched, all of a user for each of them.

create or replace function refrain.activity_albums(
    user_id int, from_s bigint, to_s bigint, period int, artists bigint[],
    out artist_id bigint, out release_id bigint, out listens bigint)
returns setof record
language plpgsql stable
set plan_cache_mode = force_generic_plan
set max_parallel_workers_per_gather = 0
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
begin
    return query
    with heard as (
        select l.artist_id, l.id as release_id, t.listens::bigint as listens
        from unnest(artists) a(id)
        join refrain.releases l on l.artist_id = a.id
        cross join lateral (
            select t.user_id, t.period, t.kind, t.entity_id, t.listens
            from refrain.tallies t
            where (t.user_id, t.period, t.kind, t.entity_id)
                  >= (activity_albums.user_id, activity_albums.period, 2, l.id)
            order by t.user_id, t.period, t.kind, t.entity_id
            limit 1
        ) t
        where (t.user_id, t.period, t.kind, t.entity_id)
              = (activity_albums.user_id, activity_albums.period, 2, l.id)
        union all
        select h.artist_id, h.release_id, count(*)
        from refrain.listens h
        where activity_albums.period < 0
          and h.user_id = activity_albums.user_id
          and h.listened_at >= to_timestamp(from_s) and h.listened_at < to_timestamp(to_s)
          and h.artist_id = any (artists) and h.release_id is not null
        group by h.artist_id, h.release_id
        union all
        select s.artist_id, s.release_id, s.listens
        from refrain.site_releases(from_s, to_s, artists) s
        where activity_albums.user_id = 0
    )
    select h.artist_id, -(max(array[h.listens, -h.release_id]))[2], sum(h.listens)::bigint
    from heard h
    join refrain.releases l on l.id = h.release_id
    group by h.artist_id, coalesce(l.group_mbid, l.msid);
end
$$;
comment on function refrain.activity_albums is
    'user: listens of each release group of these artists, as release_group_counts tells them';

create or replace function refrain.stats_artist_activity(
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
    with top as materialized (
        select * from refrain.chart_page(
            stats_artist_activity.user_id, 1, from_s, to_s, period, 0, 15)
    ), albums as materialized (
        select c.artist_id,
               string_agg(
                   '{"listen_count":' || c.listens || ',"name":' || to_json(l.name)::text
                   || ',"release_group_mbid":' || refrain.json_uuid(l.group_mbid) || '}',
                   ',' order by c.listens desc, c.release_id) as entries
        from refrain.activity_albums(
            stats_artist_activity.user_id, from_s, to_s, period,
            array(select t.entity_id from top t)) c
        join refrain.releases l on l.id = c.release_id
        group by c.artist_id
    )
    select v.*, t.total, refrain.window_meta(from_s, to_s, period, u.changed_at), t.listens,
           '{"albums":[' || coalesce(m.entries, '') || '],"artist_mbid":'
           || refrain.json_uuid(case when cardinality(a.mbids) = 1 then a.mbids[1] end)
           || ',"artist_name":' || to_json(a.name)::text
           || ',"listen_count":' || t.listens || ',"name":' || to_json(a.name)::text || '}'
    from refrain.user_state(stats_artist_activity.user_id) v
    join refrain.user_version u on u.user_id = stats_artist_activity.user_id
    cross join top t
    left join refrain.artists a on a.id = t.entity_id
    left join albums m on m.artist_id = t.entity_id
    order by t.listens desc, t.entity_id;
end
$$;
comment on function refrain.stats_artist_activity is
    'user: the 15 artists most listened to, each with its release groups; the window is that of '
    'stats_artists, and so is total. A listen without a release is in no album';

create or replace function refrain.artist_years(
    user_id int, zone text, out year int, out artist_id bigint, out listens bigint)
returns setof record
language plpgsql stable
set plan_cache_mode = force_generic_plan
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
    top   constant bigint[] := array(
        select p.entity_id from refrain.chart_page(artist_years.user_id, 1, null, null, 0, 0, 20) p);
    years constant int[] := array(
        select o.period from refrain.totals o
        where o.user_id = artist_years.user_id and o.period > 0);
begin
    -- The tallies are of UTC's years. Between new year here and there lie some hours, whose listens
    -- belong to the year before or after.
    return query
    with turns as materialized (
        select y.year, refrain.utc_midnight(make_date(y.year, 1, 1)) as utc,
               refrain.zone_midnight(make_date(y.year, 1, 1), zone) as local
        from (select unnest(years) union select unnest(years) + 1) y(year)
    ), counted as (
        select y.year, a.id as artist_id, t.listens
        from unnest(years) y(year)
        cross join unnest(top) a(id)
        cross join lateral (
            select t.user_id, t.period, t.kind, t.entity_id, t.listens
            from refrain.tallies t
            where (t.user_id, t.period, t.kind, t.entity_id)
                  >= (artist_years.user_id, y.year, 1, a.id)
            order by t.user_id, t.period, t.kind, t.entity_id
            limit 1
        ) t
        where (t.user_id, t.period, t.kind, t.entity_id)
              = (artist_years.user_id, y.year, 1, a.id)
        union all
        select m.year, l.artist_id, m.listens
        from turns t
        cross join lateral (
            select h.artist_id
            from refrain.listens h
            where h.user_id = artist_years.user_id
              and h.listened_at >= least(t.utc, t.local)
              and h.listened_at < greatest(t.utc, t.local)
              and h.artist_id = any (top)
            offset 0
        ) l
        cross join lateral (
            values (t.year, case when t.local < t.utc then 1 else -1 end),
                   (t.year - 1, case when t.local < t.utc then -1 else 1 end)) m(year, listens)
    )
    select c.year, c.artist_id, sum(c.listens)::bigint
    from counted c
    group by c.year, c.artist_id
    having sum(c.listens) > 0;
end
$$;
comment on function refrain.artist_years is
    'user: how often the 20 artists most listened to were in each year of a time zone, in no order';

create or replace function refrain.artist_slices(
    user_id int, from_day date, to_day date, step int, zone text,
    out day date, out artist_id bigint, out listens bigint)
returns setof record
language plpgsql stable
set plan_cache_mode = force_generic_plan
set max_parallel_workers_per_gather = 0
-- Also for who has put them off.
set enable_hashjoin = on
as $$
#variable_conflict use_column
begin
    return query
    with counted as materialized (
        select s.day, l.artist_id, l.listens
        from refrain.activity_slices(from_day, from_day, to_day, step, zone) s
        cross join lateral (
            select h.artist_id, count(*) as listens
            from refrain.listens h
            where h.user_id = artist_slices.user_id
              and h.listened_at >= s.from_at and h.listened_at < s.to_at
            group by h.artist_id
        ) l
    ), top as materialized (
        select c.artist_id
        from counted c
        group by c.artist_id
        order by sum(c.listens) desc, c.artist_id
        limit 20
    )
    select c.day, c.artist_id, c.listens
    from counted c
    join top t on t.artist_id = c.artist_id;
end
$$;
comment on function refrain.artist_slices is
    'user: how often the 20 artists most listened to between two days were on each day (step 1), '
    'in each month (2) or year (3) of them, in no order';

create or replace function refrain.stats_artist_evolution(
    user_id int, before_s bigint, from_s bigint, to_s bigint, period int, step int,
    first int, count int)
returns setof refrain.read_row
language plpgsql stable
set plan_cache_mode = force_generic_plan
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
    zone     constant text := refrain.activity_zone(stats_artist_evolution.user_id);
    from_day constant date := refrain.utc_day(to_timestamp(from_s));
    to_day   constant date := refrain.utc_day(to_timestamp(to_s));
    last_day constant date := to_day - 1;
    -- No name stands for two days or months of a window.
    form     constant text := case
        when period = 0 or step = 3 then 'YYYY'
        when to_day - from_day <= 7 then 'FMDay'
        when date_trunc('month', from_day) = date_trunc('month', last_day) then 'FMDD'
        when date_trunc('year', from_day) = date_trunc('year', last_day) then 'FMMonth'
        else 'FMMonth YYYY' end;
    unit     constant int := case form when 'YYYY' then 3 when 'FMDay' then 1 when 'FMDD' then 1
                             else 2 end;
begin
    return query
    with heard as materialized (
        select make_date(y.year, 1, 1) as day, y.artist_id, y.listens
        from refrain.artist_years(stats_artist_evolution.user_id, zone) y
        where stats_artist_evolution.period = 0
        union all
        select s.day, s.artist_id, s.listens
        from refrain.artist_slices(
            stats_artist_evolution.user_id, from_day, to_day, unit, zone) s
        where stats_artist_evolution.period <> 0
        union all
        select s.day, s.artist_id, s.listens
        from refrain.site_slices(from_day, to_day) s
        where stats_artist_evolution.user_id = 0
    )
    select v.*, (select count(*) from heard),
           refrain.window_meta(
               refrain.time_s(refrain.zone_midnight(from_day, zone)),
               refrain.time_s(refrain.zone_midnight(to_day, zone)), period, u.changed_at),
           h.listens,
           '{"artist_mbid":'
           || refrain.json_uuid(case when cardinality(a.mbids) = 1 then a.mbids[1] end)
           || ',"artist_name":' || to_json(a.name)::text || ',"listen_count":' || h.listens
           || ',"time_unit":"' || to_char(h.day, form) || '"}'
    from refrain.user_state(stats_artist_evolution.user_id) v
    join refrain.user_version u on u.user_id = stats_artist_evolution.user_id
    left join heard h on true
    left join refrain.artists a on a.id = h.artist_id
    order by h.day, h.listens desc, h.artist_id;
end
$$;
comment on function refrain.stats_artist_evolution is
    'user: listens of the 20 artists most listened to, by weekday, by day of the month, by month or '
    'by year, whatever divides the window and is unique in it; in order of time, then most first. '
    'total is the number of entries';
