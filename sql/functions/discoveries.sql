-- What was heard for the first time of all. No index goes by that time, for each submission would
-- pay for it. So the all-time tallies of the kind are looked through, or, where a window has far
-- fewer listens than these are, those of what was heard in it are looked up one by one by key, in
-- the manner of stats_genres.

create or replace function refrain.discovery_scan(
    user_id int, kind int, from_at timestamptz, to_at timestamptz,
    out entity_id bigint, out first_at timestamptz, out listens bigint)
returns setof record
language plpgsql stable rows 1000
set plan_cache_mode = force_generic_plan
set max_parallel_workers_per_gather = 0
-- Listens come in another order than that of the key: by a bitmap each page is visited once.
set enable_indexscan = off
as $$
#variable_conflict use_column
begin
    return query
    select t.entity_id, t.first_at, t.listens::bigint
    from refrain.tallies t
    where t.user_id = discovery_scan.user_id and t.period = 0 and t.kind = discovery_scan.kind
      and t.first_at >= from_at and t.first_at < to_at;
end
$$;
comment on function refrain.discovery_scan is
    'user: the artists (kind 1), releases (2) or recordings (3) whose first listen of all was from '
    'from_at on and before to_at, with their listens of all time';

create or replace function refrain.discovery_page(
    user_id int, kind int, from_s bigint, to_s bigint, period int, first int, count int,
    out total bigint, out discovered bigint, out entity_id bigint, out first_at timestamptz,
    out listens bigint)
returns setof record
language plpgsql stable rows 100
set plan_cache_mode = force_generic_plan
set max_parallel_workers_per_gather = 0
set enable_hashjoin = on
as $$
#variable_conflict use_column
declare
    is_short boolean;
begin
    if period >= 0 then
        return query
        with found as materialized (
            select * from refrain.discovery_scan(
                discovery_page.user_id, kind,
                case when period = 0 then '-infinity' else to_timestamp(from_s) end,
                case when period = 0 then 'infinity' else to_timestamp(to_s) end)
        )
        select c.total, (select count(*) from found), p.entity_id, p.first_at,
               case when discovery_page.period = 0 then p.listens
                    else (select t.listens from refrain.tallies t
                          where t.user_id = discovery_page.user_id
                            and t.period = discovery_page.period
                            and t.kind = discovery_page.kind and t.entity_id = p.entity_id)
               end
        from refrain.chart_page(discovery_page.user_id, kind, from_s, to_s, period, 0, 0) c
        left join (
            select f.*
            from found f
            order by f.first_at desc, f.entity_id
            offset discovery_page.first limit discovery_page.count
        ) p on true;
    else
        -- A look-up takes as long as to pass by sixteen others.
        is_short := 16 * (
            select coalesce(sum(d.listens), 0)
            from refrain.listen_days d
            where d.user_id = discovery_page.user_id
              and d.day >= refrain.utc_day(to_timestamp(from_s))
              and d.day < refrain.utc_day(to_timestamp(to_s))
        ) < (select c.total from refrain.chart_page(discovery_page.user_id, kind, 0, 0, 0, 0, 0) c);
        return query
        with heard as materialized (
            select e.entity_id, count(*) as listens
            from (
                select case discovery_page.kind
                           when 1 then l.artist_id when 2 then l.release_id else l.recording_id end
                from refrain.listens l
                where l.user_id = discovery_page.user_id
                  and l.listened_at >= to_timestamp(from_s)
                  and l.listened_at < to_timestamp(to_s)
            ) e(entity_id)
            where e.entity_id is not null
            group by e.entity_id
            order by e.entity_id
        ), found as materialized (
            select h.entity_id, h.listens, t.first_at
            from heard h
            cross join lateral (
                select t.first_at
                from refrain.tallies t
                where (t.user_id, t.period, t.kind, t.entity_id)
                      >= (discovery_page.user_id, 0, discovery_page.kind, h.entity_id)
                order by t.user_id, t.period, t.kind, t.entity_id
                limit 1
            ) t
            where is_short and t.first_at >= to_timestamp(from_s)
            union all
            select h.entity_id, h.listens, t.first_at
            from heard h
            join refrain.discovery_scan(
                discovery_page.user_id, kind, to_timestamp(from_s), to_timestamp(to_s)) t
                on t.entity_id = h.entity_id
            where not is_short
        )
        select (select count(*) from heard), (select count(*) from found),
               p.entity_id, p.first_at, p.listens
        from (values (1)) one
        left join (
            select f.*
            from found f
            order by f.first_at desc, f.entity_id
            offset discovery_page.first limit discovery_page.count
        ) p on true;
    end if;
end
$$;
comment on function refrain.discovery_page is
    'user: a page of the artists (kind 1), releases (2) or recordings (3) whose first listen of all '
    'lies in a window (as of chart_page), the newest first, in no order; their listens in it; how '
    'many were heard in it in all, and how many of them for the first time. One row without an '
    'entity if the page is empty';

-- The settings are for the same reasons as in statistics.sql.

create or replace function refrain.discovery_list(
    user_id int, kind int, from_s bigint, to_s bigint, period int, first int, count int)
returns setof refrain.read_row
language plpgsql stable
set plan_cache_mode = force_generic_plan
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
    noun constant text := (array['artist', 'release', 'recording'])[kind];
begin
    return query
    select v.*, p.total,
           refrain.chart_meta(
               from_s, to_s, period, u.changed_at, 'total_' || noun || '_count', p.total)
           || ',"new_' || noun || '_count":' || p.discovered
           || ',"new_' || noun || '_share":'
           || coalesce(trim_scale(round(p.discovered::numeric / nullif(p.total, 0), 4)), 0),
           refrain.time_s(p.first_at),
           '{' || refrain.json_entity(kind, a, l, r)
           || ',"first_listened_at":' || refrain.time_s(p.first_at)
           || ',"listen_count":' || p.listens || '}'
    from refrain.user_state(discovery_list.user_id) v
    join refrain.user_version u on u.user_id = discovery_list.user_id
    cross join refrain.discovery_page(
        discovery_list.user_id, kind, from_s, to_s, period, first, count) p
    left join refrain.recordings r on r.id = p.entity_id and kind = 3
    left join refrain.releases l
        on l.id = case kind when 2 then p.entity_id else r.release_id end
    left join refrain.artists a
        on a.id = case kind when 1 then p.entity_id when 2 then l.artist_id else r.artist_id end
    order by p.first_at desc, p.entity_id;
end
$$;
comment on function refrain.discovery_list is
    'user: what was heard for the first time in a window (discovery_page), and in meta the share of '
    'it; total counts all that was heard; key is when it first was';

create or replace function refrain.stats_artist_discoveries(
    user_id int, before_s bigint, from_s bigint, to_s bigint, period int, step int,
    first int, count int)
returns setof refrain.read_row
language sql stable as $$
    select * from refrain.discovery_list(
        stats_artist_discoveries.user_id, 1, from_s, to_s, period, first, count)
$$;
comment on function refrain.stats_artist_discoveries is
    'user: the artists heard for the first time in a window, the newest first (discovery_list)';

create or replace function refrain.stats_recording_discoveries(
    user_id int, before_s bigint, from_s bigint, to_s bigint, period int, step int,
    first int, count int)
returns setof refrain.read_row
language sql stable as $$
    select * from refrain.discovery_list(
        stats_recording_discoveries.user_id, 3, from_s, to_s, period, first, count)
$$;
comment on function refrain.stats_recording_discoveries is 'user: the same for recordings';
