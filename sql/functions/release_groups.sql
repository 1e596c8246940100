-- Release groups: releases that belong together by an MBID that was sent with them. They have no
-- tallies of their own, because what belongs together may become known long after the listens.

create or replace function refrain.release_group_counts(
    user_id int, from_s bigint, to_s bigint, period int,
    out release_id bigint, out listens bigint)
returns setof record
language plpgsql stable rows 1000
set plan_cache_mode = force_generic_plan
set max_parallel_workers_per_gather = 0
as $$
#variable_conflict use_column
begin
    return query
    with counted as (
        select t.entity_id as release_id, t.listens::bigint as listens
        from refrain.tallies t
        where release_group_counts.period >= 0
          and t.user_id = release_group_counts.user_id
          and t.period = release_group_counts.period and t.kind = 2
        union all
        select l.release_id, count(*)
        from refrain.listens l
        where release_group_counts.period < 0
          and l.user_id = release_group_counts.user_id
          and l.listened_at >= to_timestamp(from_s) and l.listened_at < to_timestamp(to_s)
          and l.release_id is not null
        group by l.release_id
        union all
        select t.entity_id, t.listens
        from refrain.site_tallies t
        where release_group_counts.user_id = 0
          and t.period = refrain.site_period_of(from_s, to_s) and t.kind = 2 and t.listens > 0
    ), known as materialized (
        select c.release_id, c.listens, r.group_mbid
        from counted c
        join refrain.releases r on r.id = c.release_id
    )
    select k.release_id, k.listens from known k where k.group_mbid is null
    union all
    -- The most listens, then the lowest id.
    select -(max(array[k.listens, -k.release_id]))[2], sum(k.listens)::bigint
    from known k
    where k.group_mbid is not null
    group by k.group_mbid;
end
$$;
comment on function refrain.release_group_counts is
    'user: listens of each release group in all time (period 0), in a calendar year, or in '
    '[from_s, to_s) (period -1), in no order; a release whose group is not known is one of its own. '
    'release_id is the release of the group that was listened to most, ties by id: the group goes '
    'by its name';

create or replace function refrain.stats_release_groups(
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
    with chart as materialized (
        select * from refrain.release_group_counts(
            stats_release_groups.user_id, from_s, to_s, period)
    ), counted as materialized (
        select count(*) as groups from chart
    )
    select v.*, n.groups,
           refrain.chart_meta(
               from_s, to_s, period, u.changed_at, 'total_release_group_count', n.groups),
           p.listens,
           '{' || refrain.json_artist_mbids(a.name, a.mbids)
           || ',"artist_name":' || to_json(a.name)::text
           || ',"caa_id":null,"caa_release_mbid":null,"listen_count":' || p.listens
           || ',"release_group_mbid":' || refrain.json_uuid(l.group_mbid)
           || ',"release_group_name":' || to_json(l.name)::text || '}'
    from refrain.user_state(stats_release_groups.user_id) v
    join refrain.user_version u on u.user_id = stats_release_groups.user_id
    cross join counted n
    left join (
        select c.release_id, c.listens
        from chart c
        order by c.listens desc, c.release_id
        offset stats_release_groups.first limit stats_release_groups.count
    ) p on true
    left join refrain.releases l on l.id = p.release_id
    left join refrain.artists a on a.id = l.artist_id
    order by p.listens desc, p.release_id;
end
$$;
comment on function refrain.stats_release_groups is
    'user: the release groups most listened to, ranks [first, first + count); listens without a '
    'release are left out. Ties go by the release that lends its name; key is the number of listens';
