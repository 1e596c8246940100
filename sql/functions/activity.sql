-- Activity: when somebody listened, in the time zone that he has chosen. A window has the same days
-- as in all charts, but they begin and end at midnight of that zone. Whole days are counted by
-- listen_days; its quarters are looked at for the days that a midnight cuts through, and for the
-- hours of a day.

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
