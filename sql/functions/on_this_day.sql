-- This day in other years, in the user's time zone.

create or replace function refrain.stats_on_this_day(
    user_id int, before_s bigint, from_s bigint, to_s bigint, period int, step int,
    first int, count int)
returns setof refrain.read_row
language plpgsql stable
set plan_cache_mode = force_generic_plan
set max_parallel_workers_per_gather = 0
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
    shown      constant int := 5;
    zone       constant text := refrain.activity_zone(stats_on_this_day.user_id);
    asked      constant date := refrain.utc_day(to_timestamp(from_s));
    asked_year constant int := refrain.utc_year(to_timestamp(from_s));
    until_year constant int := refrain.utc_year(to_timestamp(to_s));
begin
    return query
    with years as (
        -- There are no listens before 2002. A leap day is one in leap years only.
        select y.year, refrain.zone_midnight(y.day, zone) as from_at,
               refrain.zone_midnight(y.day + 1, zone) as to_at
        from (
            select o.year, (asked + make_interval(years => o.year - asked_year))::date
            from generate_series(2002, until_year - 1) o(year)
        ) y(year, day)
        where to_char(y.day, 'MMDD') = to_char(asked, 'MMDD')
    ), heard as materialized (
        select y.year, y.from_at, y.to_at, c.listens
        from years y
        cross join lateral (
            select count(*) as listens
            from refrain.listens l
            where l.user_id = stats_on_this_day.user_id
              and l.listened_at >= y.from_at and l.listened_at < y.to_at
        ) c
        where c.listens > 0
    )
    select v.*, (select count(*) from heard),
           '"date":"' || to_char(asked, 'MM-DD')
           || '","last_updated":' || refrain.time_s(u.changed_at)
           || ',"time_zone":' || to_json(zone)::text
           || ',"total_listen_count":' || (select coalesce(sum(h.listens), 0) from heard h)
           || ',"total_year_count":' || (select count(*) from heard),
           h.year::bigint,
           '{"year":' || h.year || ',"listen_count":' || h.listens
           || ',"artists":[' || artists.entries || '],"recordings":[' || recordings.entries || ']}'
    from refrain.user_state(stats_on_this_day.user_id) v
    join refrain.user_version u on u.user_id = stats_on_this_day.user_id
    left join heard h on true
    left join lateral (
        select string_agg('{' || refrain.json_entity(1, a, null, null)
                          || ',"listen_count":' || t.listens || '}',
                          ',' order by t.listens desc, t.entity_id) as entries
        from (
            select l.artist_id, count(*)
            from refrain.listens l
            where l.user_id = stats_on_this_day.user_id
              and l.listened_at >= h.from_at and l.listened_at < h.to_at
            group by l.artist_id
            order by 2 desc, 1
            limit shown
        ) t(entity_id, listens)
        join refrain.artists a on a.id = t.entity_id
    ) artists on true
    left join lateral (
        select string_agg('{' || refrain.json_entity(3, a, r, e)
                          || ',"listen_count":' || t.listens || '}',
                          ',' order by t.listens desc, t.entity_id) as entries
        from (
            select l.recording_id, count(*)
            from refrain.listens l
            where l.user_id = stats_on_this_day.user_id
              and l.listened_at >= h.from_at and l.listened_at < h.to_at
            group by l.recording_id
            order by 2 desc, 1
            limit shown
        ) t(entity_id, listens)
        join refrain.recordings e on e.id = t.entity_id
        join refrain.artists a on a.id = e.artist_id
        left join refrain.releases r on r.id = e.release_id
    ) recordings on true
    order by h.year desc;
end
$$;
comment on function refrain.stats_on_this_day is
    'user: the date of from_s, which is in a leap year, in the years before to_s, the newest first: '
    'of each that has listens their number and the five artists and recordings most listened to; '
    'key is the year';
