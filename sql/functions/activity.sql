-- Activity: when somebody listened, in the time zone that he has chosen, and to whom. A window has
-- the same days as in all charts, but they begin and end at midnight of that zone. Whole days are
-- counted by listen_days; its quarters are looked at for the days that a midnight cuts through, and
-- for the hours of a day.

create or replace function refrain.activity_zone(user_id int) returns text
language sql stable as $$
    select u.time_zone from refrain.users u where u.id = activity_zone.user_id
$$;
comment on function refrain.activity_zone is 'user: the time zone of the charts of activity';

create or replace function refrain.activity_slices(
    before_day date, from_day date, to_day date, step int, zone text,
    out day date, out from_at timestamptz, out to_at timestamptz)
returns setof record
language plpgsql stable
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
    unit constant text := (array['day', 'month', 'year'])[step];
begin
    return query
    select s.day, s.from_at, s.to_at
    from (
        select m.day, refrain.zone_midnight(m.day, zone) as from_at,
               lead(refrain.zone_midnight(m.day, zone)) over (order by m.day) as to_at
        from (
            select unnest(array[before_day, from_day, to_day])
            union
            select whole::date
            from generate_series(
                date_trunc(unit, before_day::timestamp), to_day::timestamp, ('1 ' || unit)::interval
            ) whole
        ) m(day)
        where m.day >= before_day and m.day <= to_day
    ) s
    where s.to_at is not null
    order by s.day;
end
$$;
comment on function refrain.activity_slices is
    'helper: the days (step 1), calendar months (2) or years (3) of a window and of the one before '
    'it, as far as they lie inside, and when each begins and ends in a time zone';

create or replace function refrain.stats_listening_activity(
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
    zone       constant text := refrain.activity_zone(stats_listening_activity.user_id);
    before_day date := refrain.utc_day(to_timestamp(before_s));
    from_day   date := refrain.utc_day(to_timestamp(from_s));
    to_day     date := refrain.utc_day(to_timestamp(to_s));
    form       constant text := case
        when step = 1 and to_day - from_day <= 7 then 'FMDay DD FMMonth YYYY'
        else (array['DD FMMonth YYYY', 'FMMonth YYYY', 'YYYY'])[step] end;
begin
    if period = 0 then
        -- What is the last of a year here may be the first of the next one there.
        select date_trunc('year', min(d.day) - interval '1 day'),
               date_trunc('year', max(d.day) + interval '1 day') + interval '1 year'
        into from_day, to_day
        from refrain.listen_days d
        where d.user_id = stats_listening_activity.user_id;
        before_day := from_day;
    end if;

    return query
    with slices as materialized (
        select s.*, coalesce(n.listens, 0) as listens
        from refrain.activity_slices(before_day, from_day, to_day, step, zone) s
        cross join lateral (
            select sum(case when d.first = 1 and d.last = 96 then d.listens
                            else (select sum(q) from unnest(d.quarters[d.first : d.last]) q) end)
            from (
                select d.listens, d.quarters,
                       case when d.day = refrain.utc_day(s.from_at)
                            then refrain.utc_quarter(s.from_at) else 1 end as first,
                       case when d.day = refrain.utc_day(s.to_at)
                            then refrain.utc_quarter(s.to_at) - 1 else 96 end as last
                from refrain.listen_days d
                where d.user_id = stats_listening_activity.user_id
                  and d.day between refrain.utc_day(s.from_at) and refrain.utc_day(s.to_at)
            ) d
        ) n(listens)
    ), whole as materialized (
        select coalesce(sum(s.listens), 0)::bigint as listens, min(s.from_at) as from_at,
               max(s.to_at) as to_at
        from slices s
    )
    select v.*, w.listens,
           refrain.window_meta(
               refrain.time_s(w.from_at), refrain.time_s(w.to_at), period, u.changed_at),
           refrain.time_s(s.from_at),
           '{"from_ts":' || refrain.time_s(s.from_at) || ',"listen_count":' || s.listens
           || ',"time_range":"' || to_char(s.day, form)
           || '","to_ts":' || refrain.time_s(s.to_at) - 1 || '}'
    from refrain.user_state(stats_listening_activity.user_id) v
    join refrain.user_version u on u.user_id = stats_listening_activity.user_id
    cross join whole w
    left join slices s on w.listens > 0 and (period <> 0 or s.listens > 0)
    order by s.from_at, s.day;
end
$$;
comment on function refrain.stats_listening_activity is
    'user: listens of each day (step 1), month (2) or year (3) from before_s to to_s, in order; of '
    'all time (period 0) only the years in which there are any. from_ts and to_ts of the envelope '
    'are those of all slices together; total is the number of their listens; key is the time';

create or replace function refrain.activity_clock(
    user_id int, from_at timestamptz, to_at timestamptz, zone text,
    out quarter int, out listens bigint)
returns setof record
language plpgsql stable
set plan_cache_mode = force_generic_plan
set max_parallel_workers_per_gather = 0
as $$
#variable_conflict use_column
begin
    -- Days of one weekday are alike, but for those on which the clocks change and those that lie
    -- in the window only in part. A sum for each quarter takes a tenth of the time of unnest.
    return query
    with days as materialized (
        select d.day, d.quarters,
               refrain.zone_quarters(refrain.utc_midnight(d.day), zone) as ahead,
               refrain.zone_quarters(refrain.utc_midnight(d.day + 1), zone) as ahead_next
        from refrain.listen_days d
        where d.user_id = activity_clock.user_id
          and d.day between refrain.utc_day(from_at) and refrain.utc_day(to_at)
    ), alike as (
        select (d.day - date '1970-01-01') % 7 as weekday, d.ahead,
               case when d.ahead <> d.ahead_next
                      or d.day in (refrain.utc_day(from_at), refrain.utc_day(to_at))
                    then d.day end as alone,
               d.quarters
        from days d
    ), summed as materialized (
        select d.weekday, d.ahead, d.alone, array[
               sum(d.quarters[1]), sum(d.quarters[2]), sum(d.quarters[3]), sum(d.quarters[4]),
               sum(d.quarters[5]), sum(d.quarters[6]), sum(d.quarters[7]), sum(d.quarters[8]),
               sum(d.quarters[9]), sum(d.quarters[10]), sum(d.quarters[11]), sum(d.quarters[12]),
               sum(d.quarters[13]), sum(d.quarters[14]), sum(d.quarters[15]), sum(d.quarters[16]),
               sum(d.quarters[17]), sum(d.quarters[18]), sum(d.quarters[19]), sum(d.quarters[20]),
               sum(d.quarters[21]), sum(d.quarters[22]), sum(d.quarters[23]), sum(d.quarters[24]),
               sum(d.quarters[25]), sum(d.quarters[26]), sum(d.quarters[27]), sum(d.quarters[28]),
               sum(d.quarters[29]), sum(d.quarters[30]), sum(d.quarters[31]), sum(d.quarters[32]),
               sum(d.quarters[33]), sum(d.quarters[34]), sum(d.quarters[35]), sum(d.quarters[36]),
               sum(d.quarters[37]), sum(d.quarters[38]), sum(d.quarters[39]), sum(d.quarters[40]),
               sum(d.quarters[41]), sum(d.quarters[42]), sum(d.quarters[43]), sum(d.quarters[44]),
               sum(d.quarters[45]), sum(d.quarters[46]), sum(d.quarters[47]), sum(d.quarters[48]),
               sum(d.quarters[49]), sum(d.quarters[50]), sum(d.quarters[51]), sum(d.quarters[52]),
               sum(d.quarters[53]), sum(d.quarters[54]), sum(d.quarters[55]), sum(d.quarters[56]),
               sum(d.quarters[57]), sum(d.quarters[58]), sum(d.quarters[59]), sum(d.quarters[60]),
               sum(d.quarters[61]), sum(d.quarters[62]), sum(d.quarters[63]), sum(d.quarters[64]),
               sum(d.quarters[65]), sum(d.quarters[66]), sum(d.quarters[67]), sum(d.quarters[68]),
               sum(d.quarters[69]), sum(d.quarters[70]), sum(d.quarters[71]), sum(d.quarters[72]),
               sum(d.quarters[73]), sum(d.quarters[74]), sum(d.quarters[75]), sum(d.quarters[76]),
               sum(d.quarters[77]), sum(d.quarters[78]), sum(d.quarters[79]), sum(d.quarters[80]),
               sum(d.quarters[81]), sum(d.quarters[82]), sum(d.quarters[83]), sum(d.quarters[84]),
               sum(d.quarters[85]), sum(d.quarters[86]), sum(d.quarters[87]), sum(d.quarters[88]),
               sum(d.quarters[89]), sum(d.quarters[90]), sum(d.quarters[91]), sum(d.quarters[92]),
               sum(d.quarters[93]), sum(d.quarters[94]), sum(d.quarters[95]), sum(d.quarters[96])
               ] as quarters
        from alike d
        group by d.weekday, d.ahead, d.alone
    ), heard as materialized (
        select s.weekday * 96 + n.quarter::int - 1 as quarter, s.ahead, n.listens,
               refrain.utc_midnight(s.alone) + (n.quarter - 1) * interval '15 minutes' as at
        from summed s
        cross join unnest(s.quarters) with ordinality n(listens, quarter)
        where n.listens > 0
    )
    -- 1970 began on a Thursday.
    select (h.quarter + 3 * 96 + 7 * 96
            + case when h.at is null then h.ahead else refrain.zone_quarters(h.at, zone) end) % 672,
           sum(h.listens)::bigint
    from heard h
    where h.at is null or (h.at >= from_at and h.at < to_at)
    group by 1;
end
$$;
comment on function refrain.activity_clock is
    'user: listens between two midnights of a time zone, by the quarter of an hour of the week '
    '(0 is Monday 00:00) that its clocks show; quarters without any are left out';

create or replace function refrain.stats_daily_activity(
    user_id int, before_s bigint, from_s bigint, to_s bigint, period int, step int,
    first int, count int)
returns setof refrain.read_row
language plpgsql stable
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
    days    constant text[] := array['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday',
                                     'Saturday', 'Sunday'];
    zone    constant text := refrain.activity_zone(stats_daily_activity.user_id);
    from_at constant timestamptz := case when period = 0 then '-infinity' else
        refrain.zone_midnight(refrain.utc_day(to_timestamp(from_s)), zone) end;
    to_at   constant timestamptz := case when period = 0 then 'infinity' else
        refrain.zone_midnight(refrain.utc_day(to_timestamp(to_s)), zone) end;
begin
    return query
    with hours as materialized (
        select c.quarter / 4 as hour, sum(c.listens) as listens
        from refrain.activity_clock(stats_daily_activity.user_id, from_at, to_at, zone) c
        group by 1
    ), week as materialized (
        select w.hour / 24 + 1 as weekday, sum(coalesce(h.listens, 0)) as listens,
               string_agg('{"hour":' || w.hour % 24
                          || ',"listen_count":' || coalesce(h.listens, 0) || '}',
                          ',' order by w.hour) as entries
        from generate_series(0, 167) w(hour)
        left join hours h on h.hour = w.hour
        group by 1
    ), whole as materialized (
        select sum(w.listens)::bigint as listens from week w
    )
    select v.*, n.listens,
           refrain.window_meta(
               refrain.time_s(from_at), refrain.time_s(to_at), period, u.changed_at),
           w.weekday::bigint, '"' || days[w.weekday] || '":[' || w.entries || ']'
    from refrain.user_state(stats_daily_activity.user_id) v
    join refrain.user_version u on u.user_id = stats_daily_activity.user_id
    cross join whole n
    left join week w on n.listens > 0
    order by w.weekday;
end
$$;
comment on function refrain.stats_daily_activity is
    'user: listens of each hour of the week, in all time (period 0) or in [from_s, to_s). A row for '
    'each day, from Monday on, that is a member of an object; total is the number of listens';

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
        join refrain.tallies t
            on t.user_id = activity_albums.user_id and t.period = activity_albums.period
            and t.kind = 2 and t.entity_id = l.id
        where activity_albums.period >= 0
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
    select h.artist_id, (array_agg(h.release_id order by h.listens desc, h.release_id))[1],
           sum(h.listens)::bigint
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
    -- belong to the year before or after. Both are looked up key by key ("offset 0").
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
            select t.listens
            from refrain.tallies t
            where t.user_id = artist_years.user_id and t.period = y.year and t.kind = 1
              and t.entity_id = a.id
            offset 0
        ) t
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
