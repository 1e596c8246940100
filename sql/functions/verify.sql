-- Is what has been counted what there is?

create or replace function refrain.verify_user(user_id int, out what text, out detail text)
returns setof record
language plpgsql stable
set work_mem = '64MB'
as $$
#variable_conflict use_column
begin
    return query
    with raw as materialized (
        select e.kind, e.entity_id, refrain.utc_year(l.listened_at) as year,
               l.listened_at, refrain.listen_weight(l.listened_at) as weight
        from refrain.listens l
        cross join refrain.listen_entities(l.artist_id, l.release_id, l.recording_id) e
        where l.user_id = verify_user.user_id
    ), tallies as materialized (
        select coalesce(year, 0) as period, kind, entity_id, count(*) as listens,
               case when year is null then min(listened_at) end as first_at,
               case when year is null then max(listened_at) end as last_at,
               case when year is null then sum(weight) end as weight
        from raw
        group by grouping sets ((year, kind, entity_id), (kind, entity_id))
    ), totals as (
        select period, count(*) filter (where kind = 1) as artists,
               count(*) filter (where kind = 2) as releases,
               count(*) filter (where kind = 3) as recordings,
               sum(listens) filter (where kind = 3) as listens
        from tallies
        group by period
    ), days as (
        select refrain.utc_day(listened_at) as day, count(*) as listens,
               refrain.quarters_of(array_agg(refrain.utc_quarter(listened_at))) as quarters
        from refrain.listens l
        where l.user_id = verify_user.user_id
        group by 1
    )
    select 'tally', format('period %s kind %s entity %s: stored %s, counted %s',
        coalesce(s.period, c.period), coalesce(s.kind, c.kind), coalesce(s.entity_id, c.entity_id),
        (s.listens, s.first_at, s.last_at, s.weight), (c.listens, c.first_at, c.last_at, c.weight))
    from (select * from refrain.tallies t where t.user_id = verify_user.user_id) s
    full join tallies c on (c.period, c.kind, c.entity_id) = (s.period, s.kind, s.entity_id)
    where (s.listens, s.first_at, s.last_at) is distinct from (c.listens, c.first_at, c.last_at)
       or (s.weight is null) <> (c.weight is null)
       -- A sum of floating-point numbers depends on their order.
       or abs(s.weight - c.weight) > 1e-9 * c.weight
    union all
    select 'total', format('period %s: stored %s, counted %s', coalesce(s.period, c.period),
        (s.artists, s.releases, s.recordings, s.listens),
        (c.artists, c.releases, c.recordings, c.listens))
    from (select * from refrain.totals t where t.user_id = verify_user.user_id) s
    full join totals c on c.period = s.period
    where (s.artists, s.releases, s.recordings, s.listens)
          is distinct from (c.artists, c.releases, c.recordings, c.listens)
    union all
    select 'day', format('%s: stored %s, counted %s', coalesce(s.day, c.day),
        (s.listens, s.quarters), (c.listens, c.quarters))
    from (select * from refrain.listen_days d where d.user_id = verify_user.user_id) s
    full join days c on c.day = s.day
    where (s.listens, s.quarters) is distinct from (c.listens, c.quarters);
end
$$;
comment on function refrain.verify_user is
    'user: every difference between tallies, totals and listen_days as stored and what the '
    'listens amount to; none if all is exact';
