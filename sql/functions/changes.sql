-- Charts beside those of the window before. The settings are for the same reasons as in
-- statistics.sql.

create or replace function refrain.change_page(
    user_id int, kind int, before_s bigint, from_s bigint, to_s bigint, period int,
    first int, count int,
    out total bigint, out rank bigint, out entity_id bigint, out listens bigint,
    out previous_rank bigint, out previous_listens bigint)
returns setof record
language plpgsql stable rows 100
set plan_cache_mode = force_generic_plan
set max_parallel_workers_per_gather = 0
set enable_hashjoin = on
as $$
#variable_conflict use_column
begin
    if period > 0 then
        -- The year before is read in order down to the least that anything of the page had then.
        return query
        with page as materialized (
            select p.*,
                   (select t.listens from refrain.tallies t
                    where t.user_id = change_page.user_id and t.period = change_page.period - 1
                      and t.kind = change_page.kind and t.entity_id = p.entity_id) as before
            from refrain.chart_page(change_page.user_id, kind, from_s, to_s, period, first, count) p
        ), ranked as (
            select t.entity_id, row_number() over (order by t.listens desc, t.entity_id) as rank
            from refrain.tallies t
            where t.user_id = change_page.user_id and t.period = change_page.period - 1
              and t.kind = change_page.kind and t.listens >= (select min(before) from page)
        )
        select p.total, first + row_number() over (order by p.listens desc, p.entity_id),
               p.entity_id, p.listens, r.rank, coalesce(p.before, 0)::bigint
        from page p
        left join ranked r on r.entity_id = p.entity_id;
    else
        return query
        with ranked as materialized (
            select b.entity_id, b.listens,
                   row_number() over (order by b.listens desc, b.entity_id) as rank
            from (
                select e.entity_id, count(*) as listens
                from (
                    select case change_page.kind
                               when 1 then l.artist_id when 2 then l.release_id
                               else l.recording_id end
                    from refrain.listens l
                    where l.user_id = change_page.user_id
                      and l.listened_at >= to_timestamp(before_s)
                      and l.listened_at < to_timestamp(from_s)
                ) e(entity_id)
                where e.entity_id is not null
                group by e.entity_id
            ) b
        )
        select p.total, first + row_number() over (order by p.listens desc, p.entity_id),
               p.entity_id, p.listens, r.rank, coalesce(r.listens, 0)
        from refrain.chart_page(change_page.user_id, kind, from_s, to_s, period, first, count) p
        left join ranked r on r.entity_id = p.entity_id;
    end if;
end
$$;
comment on function refrain.change_page is
    'user: chart_page in the order of the chart, with ranks from 1 on, and beside each entity its '
    'rank (null: none) and listens in [before_s, from_s), or in the year before that of the period';

create or replace function refrain.change_list(
    user_id int, kind int, before_s bigint, from_s bigint, to_s bigint, period int,
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
           refrain.chart_meta(from_s, to_s, period, u.changed_at,
               (array['total_artist_count', 'total_release_count', 'total_recording_count'])[kind],
               p.total)
           || ',"previous_from_ts":' || before_s || ',"previous_to_ts":' || from_s,
           p.rank,
           '{' || refrain.json_entity(kind, a, l, r)
           || ',"change":"' || case when p.previous_rank is null then 'new'
                                    when p.previous_rank > p.rank then 'up'
                                    when p.previous_rank < p.rank then 'down'
                                    else 'same' end
           || '","rank":' || p.rank
           || ',"previous_rank":' || coalesce(p.previous_rank::text, 'null')
           || ',"listen_count":' || p.listens
           || ',"previous_listen_count":' || p.previous_listens || '}'
    from refrain.user_state(change_list.user_id) v
    join refrain.user_version u on u.user_id = change_list.user_id
    cross join refrain.change_page(
        change_list.user_id, kind, before_s, from_s, to_s, period, first, count) p
    left join refrain.recordings r on r.id = p.entity_id and kind = 3
    left join refrain.releases l
        on l.id = case kind when 2 then p.entity_id else r.release_id end
    left join refrain.artists a
        on a.id = case kind when 1 then p.entity_id when 2 then l.artist_id else r.artist_id end
    order by p.rank;
end
$$;
comment on function refrain.change_list is
    'user: the chart of a kind of entity with what has changed since [before_s, from_s), the window '
    'before; ranks [first, first + count); key is the rank';

create or replace function refrain.stats_artist_changes(
    user_id int, before_s bigint, from_s bigint, to_s bigint, period int, step int,
    first int, count int)
returns setof refrain.read_row
language sql stable as $$
    select * from refrain.change_list(
        stats_artist_changes.user_id, 1, before_s, from_s, to_s, period, first, count)
$$;
comment on function refrain.stats_artist_changes is
    'user: the artists most listened to in a window, beside the window before that (change_list)';

create or replace function refrain.stats_release_changes(
    user_id int, before_s bigint, from_s bigint, to_s bigint, period int, step int,
    first int, count int)
returns setof refrain.read_row
language sql stable as $$
    select * from refrain.change_list(
        stats_release_changes.user_id, 2, before_s, from_s, to_s, period, first, count)
$$;
comment on function refrain.stats_release_changes is 'user: the same for releases';

create or replace function refrain.stats_recording_changes(
    user_id int, before_s bigint, from_s bigint, to_s bigint, period int, step int,
    first int, count int)
returns setof refrain.read_row
language sql stable as $$
    select * from refrain.change_list(
        stats_recording_changes.user_id, 3, before_s, from_s, to_s, period, first, count)
$$;
comment on function refrain.stats_recording_changes is 'user: the same for recordings';
