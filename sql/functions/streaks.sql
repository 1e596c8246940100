-- Days on end. Days are those of the user's time zone, from one midnight to the next.

create or replace function refrain.local_days(
    user_id int, first_day date, until_day date, out day date, out listens bigint)
returns setof record
language plpgsql stable rows 1000
set plan_cache_mode = force_generic_plan
set max_parallel_workers_per_gather = 0
as $$
#variable_conflict use_column
declare
    zone constant text := refrain.activity_zone(local_days.user_id);
begin
    -- Each day of UTC is cut where others begin: its parts belong to the day of the same date, or
    -- to the one before or behind.
    return query
    with heard as (
        select d.day, d.listens, d.quarters,
               refrain.time_s(refrain.utc_midnight(d.day)) as begin_s
        from refrain.listen_days d
        where d.user_id = local_days.user_id
          and d.day >= local_days.first_day - 1 and d.day <= local_days.until_day
    ), parts as (
        select h.day + s.shift as day, h.listens, h.quarters,
               greatest(0, refrain.time_s(refrain.zone_midnight(
                   h.day + s.shift, zone)) - h.begin_s)::int / 900 as first,
               least(86400, refrain.time_s(refrain.zone_midnight(
                   h.day + s.shift + 1, zone)) - h.begin_s)::int / 900 as until
        from heard h
        cross join (values (-1), (0), (1)) s(shift)
    ), counted as (
        select p.day,
               case when p.first = 0 and p.until = 96 then p.listens
                    else (select sum(q) from unnest(p.quarters[p.first + 1:p.until]) q)
               end as listens
        from parts p
        where p.first < p.until
          and p.day >= local_days.first_day and p.day < local_days.until_day
    )
    select c.day, sum(c.listens)::bigint
    from counted c
    where c.listens > 0
    group by c.day;
end
$$;
comment on function refrain.local_days is
    'user: the days of the user''s time zone that have listens, from first_day to the one before '
    'until_day (each may be infinite), and how many';

create or replace function refrain.stats_streaks(
    user_id int, before_s bigint, from_s bigint, to_s bigint, period int, step int,
    first int, count int)
returns setof refrain.read_row
language plpgsql stable
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
    zone      constant text := refrain.activity_zone(stats_streaks.user_id);
    first_day constant date := refrain.utc_day(to_timestamp(from_s));
    until_day constant date := refrain.utc_day(to_timestamp(to_s));
begin
    return query
    with days as (
        select d.day, d.listens, d.day - (row_number() over (order by d.day))::int as streak
        from refrain.local_days(
            stats_streaks.user_id, first_day, coalesce(until_day, 'infinity')) d
    ), streaks as materialized (
        select min(d.day) as first_day, max(d.day) as last_day, count(*) as days,
               sum(d.listens) as listens,
               '{"first_day":"' || min(d.day) || '","last_day":"' || max(d.day)
               || '","day_count":' || count(*) || ',"listen_count":' || sum(d.listens)
               || '}' as entry
        from days d
        group by d.streak
    )
    select v.*, (select count(*) from streaks),
           refrain.chart_meta(
               refrain.time_s(refrain.zone_midnight(first_day, zone)),
               refrain.time_s(refrain.zone_midnight(until_day, zone)), period, u.changed_at,
               'total_streak_count', (select count(*) from streaks))
           || ',"total_day_count":' || (select coalesce(sum(s.days), 0) from streaks s)
           || ',"longest_streak":' || coalesce(
                  (select s.entry from streaks s order by s.days desc, s.last_day desc limit 1),
                  'null')
           || ',"latest_streak":' || coalesce(
                  (select s.entry from streaks s order by s.last_day desc limit 1), 'null')
           || ',"time_zone":' || to_json(zone)::text,
           p.days, p.entry
    from refrain.user_state(stats_streaks.user_id) v
    join refrain.user_version u on u.user_id = stats_streaks.user_id
    left join (
        select s.days, s.last_day, s.entry
        from streaks s
        order by s.days desc, s.last_day desc
        offset stats_streaks.first limit stats_streaks.count
    ) p on true
    order by p.days desc, p.last_day desc;
end
$$;
comment on function refrain.stats_streaks is
    'user: the runs of days (local_days) of a window on each of which something was heard, the '
    'longest first, of those as long the newest; meta tells of the newest of all, too; key is the '
    'number of days';
