-- Listens in a row. How long they lasted stands in no index, so that each is read; that of a window
-- of very many only the last days are looked at keeps it bounded.

create or replace function refrain.session_days(user_id int, from_s bigint, to_s bigint)
returns bigint
language plpgsql stable
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
    listens_max constant int := 50000;
    first_day   constant date := refrain.utc_day(to_timestamp(from_s));
    until_day   constant date := coalesce(refrain.utc_day(to_timestamp(to_s)), 'infinity');
begin
    return (
        with days as (
            select d.day, sum(d.listens) over (order by d.day desc) - d.listens as later, d.listens
            from refrain.listen_days d
            where d.user_id = session_days.user_id and d.day >= first_day and d.day < until_day
        )
        -- A day that is too much by itself is looked at all the same if it is the last.
        select case when bool_or(later > 0 and later + listens > listens_max)
                    then refrain.time_s(refrain.utc_midnight(
                             min(day) filter (where later = 0 or later + listens <= listens_max)))
                    else from_s end
        from days);
end
$$;
comment on function refrain.session_days is
    'user: when the last days before to_s begin that have at most 50,000 listens in all; from_s if '
    'these are all days since then';

create or replace function refrain.session_list(
    user_id int, from_s bigint, to_s bigint,
    out begin_ms bigint, out end_ms bigint, out listens bigint, out skips bigint)
returns setof record
language plpgsql stable rows 1000
set plan_cache_mode = force_generic_plan
set max_parallel_workers_per_gather = 0
as $$
#variable_conflict use_column
declare
    gap_ms constant int := 1800000;
begin
    return query
    with played as (
        select p.at_ms, coalesce(p.duration_ms, 0) as duration_ms,
               lead(p.at_ms) over by_time as next_ms,
               lag(p.at_ms + coalesce(p.duration_ms, 0)) over by_time as last_end_ms
        from (
            select (date_part('epoch', l.listened_at) * 1000)::bigint as at_ms, l.duration_ms,
                   l.recording_id
            from refrain.listens l
            where l.user_id = session_list.user_id
              and l.listened_at >= to_timestamp(from_s)
              and l.listened_at < coalesce(to_timestamp(to_s), 'infinity')
        ) p
        window by_time as (order by p.at_ms, p.recording_id)
    ), numbered as (
        select p.*,
               count(*) filter (where p.at_ms - p.last_end_ms >= gap_ms)
                   over (order by p.at_ms rows unbounded preceding) as session
        from played p
    )
    -- A listen that is followed by another early has not lasted to its end; the last one is cut
    -- where the window ends.
    select min(n.at_ms), max(least(n.at_ms + n.duration_ms, n.next_ms, to_s * 1000)), count(*),
           count(*) filter (where 2 * (n.next_ms - n.at_ms) < n.duration_ms)
    from numbered n
    group by n.session;
end
$$;
comment on function refrain.session_list is
    'user: the listens in [from_s, to_s) (null: no end) in sessions: one begins where nothing was '
    'heard for half an hour. When each began and ended, how many listens it has, and how many of '
    'them were skipped: those whose duration is known, and half of it not heard when the next began';

create or replace function refrain.stats_sessions(
    user_id int, before_s bigint, from_s bigint, to_s bigint, period int, step int,
    first int, count int)
returns setof refrain.read_row
language plpgsql stable
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
    start_s constant bigint := refrain.session_days(stats_sessions.user_id, from_s, to_s);
begin
    return query
    with sessions as materialized (
        select s.begin_ms / 1000 as begin_s, s.end_ms / 1000 as end_s, s.listens, s.skips
        from refrain.session_list(stats_sessions.user_id, start_s, to_s) s
    ), written as (
        select s.*, s.end_s - s.begin_s as length_s,
               '{"from_ts":' || s.begin_s || ',"to_ts":' || s.end_s
               || ',"length_s":' || s.end_s - s.begin_s || ',"listen_count":' || s.listens
               || ',"skip_count":' || s.skips || '}' as entry
        from sessions s
    ), whole as (
        select count(*) as total, coalesce(sum(w.listens), 0) as listens,
               coalesce(sum(w.skips), 0) as skips, coalesce(sum(w.length_s), 0) as length_s
        from written w
    )
    select v.*, t.total,
           refrain.chart_meta(start_s, coalesce(to_s, refrain.time_s(u.changed_at)), -1,
                              u.changed_at, 'total_session_count', t.total)
           || ',"total_listen_count":' || t.listens || ',"total_skip_count":' || t.skips
           || ',"total_length_s":' || t.length_s
           || ',"longest_session":' || coalesce(
                  (select w.entry from written w order by w.length_s desc, w.begin_s desc limit 1),
                  'null')
           || ',"complete":' || (start_s = from_s)::text,
           p.begin_s, p.entry
    from refrain.user_state(stats_sessions.user_id) v
    join refrain.user_version u on u.user_id = stats_sessions.user_id
    cross join whole t
    left join (
        select w.begin_s, w.entry
        from written w
        order by w.begin_s desc
        offset stats_sessions.first limit stats_sessions.count
    ) p on true
    order by p.begin_s desc;
end
$$;
comment on function refrain.stats_sessions is
    'user: the listening sessions (session_list) of a window, the newest first; of a window of more '
    'than 50,000 listens those of its last days (session_days), which from_ts tells of; key is '
    'when a session began';
