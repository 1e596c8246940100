-- What the statistics of the site, user 0, are made of (site.sql). Those of a user ask these where
-- they would look at his tallies and listens; his days are in listen_days anyway. The window is that
-- of a named range: there are no others.

create or replace function refrain.site_page(
    kind int, from_s bigint, to_s bigint, first int, count int,
    out total bigint, out entity_id bigint, out listens bigint)
returns setof record
language plpgsql stable rows 100
set plan_cache_mode = force_generic_plan
set max_parallel_workers_per_gather = 0
as $$
#variable_conflict use_column
declare
    wanted constant int := refrain.site_period_of(from_s, to_s);
begin
    return query
    select coalesce(
               (select case site_page.kind
                           when 1 then o.artists when 2 then o.releases else o.recordings end
                from refrain.site_totals o
                where o.period = wanted), 0),
           p.entity_id, p.listens
    from (values (1)) one
    left join (
        select t.entity_id, t.listens
        from refrain.site_tallies t
        where t.period = wanted and t.kind = site_page.kind and t.listens > 0
        order by t.listens desc, t.entity_id
        offset site_page.first limit site_page.count
    ) p on true;
end
$$;
comment on function refrain.site_page is 'all: what chart_page tells of a user';

create or replace function refrain.site_releases(
    from_s bigint, to_s bigint, artists bigint[],
    out artist_id bigint, out release_id bigint, out listens bigint)
returns setof record
language plpgsql stable
set plan_cache_mode = force_generic_plan
set max_parallel_workers_per_gather = 0
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
    wanted constant int := refrain.site_period_of(from_s, to_s);
begin
    return query
    select l.artist_id, l.id, t.listens
    from unnest(artists) a(id)
    join refrain.releases l on l.artist_id = a.id
    join refrain.site_tallies t on t.period = wanted and t.kind = 2 and t.entity_id = l.id
    where t.listens > 0;
end
$$;
comment on function refrain.site_releases is
    'all: listens of each release of some artists, in no order';

create or replace function refrain.site_slices(
    from_day date, to_day date, out day date, out artist_id bigint, out listens bigint)
returns setof record
language plpgsql stable
set plan_cache_mode = force_generic_plan
set max_parallel_workers_per_gather = 0
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
    wanted constant int := refrain.site_period_of(
        refrain.time_s(refrain.utc_midnight(from_day)),
        refrain.time_s(refrain.utc_midnight(to_day)));
    top    constant bigint[] := array(
        select t.entity_id
        from refrain.site_tallies t
        where t.period = wanted and t.kind = 1 and t.listens > 0
        order by t.listens desc, t.entity_id
        limit 20);
begin
    if wanted = 0 then
        return query
        select make_date(o.period, 1, 1), a.id, t.listens
        from refrain.site_totals o
        cross join unnest(top) a(id)
        join refrain.site_tallies t
            on t.period = o.period and t.kind = 1 and t.entity_id = a.id
        where o.period between 1 and 9999 and t.listens > 0;
    else
        return query
        select s.day, h.artist_id, t.listens
        from refrain.site_window_steps(refrain.time_s(refrain.utc_midnight(from_day)),
                                       refrain.time_s(refrain.utc_midnight(to_day)), true) s
        join refrain.site_hours h on h.step = s.step and h.artist_id = any (top)
        cross join lateral (select sum(n) from unnest(h.hours) n) t(listens)
        where t.listens > 0;
    end if;
end
$$;
comment on function refrain.site_slices is
    'all: how often the 20 artists most listened to were on each day of a week or month, in each '
    'month of a longer window, or, where to_day is null, in each year of all time; in no order';

create or replace function refrain.site_genres(
    from_s bigint, to_s bigint,
    out total bigint, out artist_id bigint, out listens bigint, out genre text)
returns setof record
language plpgsql stable
set plan_cache_mode = force_generic_plan
set enable_hashjoin = off
set enable_mergejoin = off
as $$
begin
    return query
    select p.total, p.entity_id, p.listens, g.genre
    from refrain.site_page(1, from_s, to_s, 0, 1000) p
    left join lateral refrain.artist_genres(p.entity_id) g(genre) on true;
end
$$;
comment on function refrain.site_genres is
    'all: the 1000 artists most listened to, a row for each of their genres, or one with a null '
    'genre. What users have submitted tells of themselves alone, and is not among them';

create or replace function refrain.site_hours(
    from_s bigint, to_s bigint, artists bigint[],
    out artist_id bigint, out hour int, out listens bigint)
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
    select h.artist_id, t.place::int - 1, sum(t.listens)
    from refrain.site_window_steps(from_s, to_s, false) s
    join refrain.site_hours h on h.step = s.step and h.artist_id = any (artists)
    cross join lateral unnest(h.hours) with ordinality t(listens, place)
    group by 1, 2
    having sum(t.listens) > 0;
end
$$;
comment on function refrain.site_hours is
    'all: listens of each of these artists by hours of the day (UTC), in no order';

create or replace function refrain.site_listeners(
    kind int, ids bigint[], from_s bigint, to_s bigint,
    out listens bigint, out listeners bigint, out names text)
returns setof record
language plpgsql stable
set plan_cache_mode = force_generic_plan
set max_parallel_workers_per_gather = 0
as $$
#variable_conflict use_column
begin
    -- Who is not public any more is not named, also while his listens still count.
    return query
    with heard as materialized (
        select l.user_id, sum(l.listens)::bigint as listens
        from refrain.site_window_steps(from_s, to_s, false) s
        cross join (
            select i.id as artist_id, null::bigint as release_id
            from unnest(ids) i(id) where site_listeners.kind = 1
            union all
            select r.artist_id, r.id
            from refrain.releases r where site_listeners.kind = 2 and r.id = any (ids)
        ) w
        join refrain.site_listeners l
            on l.step = s.step and l.artist_id = w.artist_id
            and (w.release_id is null or l.release_id = w.release_id)
        group by l.user_id
        having sum(l.listens) > 0
    ), top as (
        select u.name, h.user_id, h.listens
        from heard h
        join refrain.users u on u.id = h.user_id and u.public
        order by h.listens desc, h.user_id
        limit 10
    )
    select coalesce(sum(h.listens), 0)::bigint, count(*),
           (select string_agg('{"listen_count":' || t.listens
                              || ',"user_name":' || to_json(t.name)::text || '}',
                              ',' order by t.listens desc, t.user_id)
            from top t)
    from heard h;
end
$$;
comment on function refrain.site_listeners is
    'all: how often artists (kind 1) or releases (2) were listened to, taken together, by how many, '
    'and the ten who did most, as the items of a JSON array';

-- ── who listens to an artist, a release or a release group ──
-- What is asked for is known by an MBID, which several may share, or by the msid of one. It goes by
-- the name of the one most listened to.

create or replace function refrain.site_most(kind int, ids bigint[], from_s bigint, to_s bigint)
returns bigint
language sql stable as $$
    select i.id
    from unnest(ids) i(id)
    left join refrain.site_tallies t
        on t.period = refrain.site_period_of(from_s, to_s) and t.kind = site_most.kind
        and t.entity_id = i.id
    order by t.listens desc nulls last, i.id
    limit 1
$$;
comment on function refrain.site_most is
    'all: which of these artists (kind 1) or releases (2) was listened to most';

create or replace function refrain.site_listeners_meta(from_s bigint, to_s bigint)
returns text
language plpgsql stable as $$
begin
    return refrain.window_meta(
        from_s, to_s, case when to_s is null then 0 else -1 end,
        (select v.changed_at from refrain.user_version v where v.user_id = 0));
end
$$;
comment on function refrain.site_listeners_meta is 'helper: the window, and when the site changed';

create or replace function refrain.artist_listeners(id uuid, from_s bigint, to_s bigint)
returns setof text
language plpgsql stable
set plan_cache_mode = force_generic_plan
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
    ids constant bigint[] := array(
        select a.id from refrain.artists a
        where cardinality(a.mbids) = 1 and a.mbids[1] = artist_listeners.id
        union
        select a.id from refrain.artists a
        where a.id = refrain.msid_id(artist_listeners.id) and a.msid = artist_listeners.id);
begin
    return query
    select '"artist_mbid":'
           || refrain.json_uuid(case when cardinality(a.mbids) = 1 then a.mbids[1] end)
           || ',"artist_name":' || to_json(a.name)::text
           || ',"listeners":[' || coalesce(l.names, '')
           || '],"total_listen_count":' || l.listens
           || ',"total_user_count":' || l.listeners
           || ',' || refrain.site_listeners_meta(from_s, to_s)
    from refrain.site_listeners(1, ids, from_s, to_s) l
    join refrain.artists a on a.id = refrain.site_most(1, ids, from_s, to_s)
    where l.listens > 0;
end
$$;
comment on function refrain.artist_listeners is
    'all: members of an object that tells who listens to an artist, whose MBID or msid this is; no '
    'row where nobody does';

create or replace function refrain.site_release_listeners(
    ids bigint[], as_group boolean, from_s bigint, to_s bigint)
returns setof text
language plpgsql stable
set plan_cache_mode = force_generic_plan
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    -- What the members are called.
    called constant text := case when as_group then 'release_group' else 'release' end;
begin
    return query
    select refrain.json_artist_mbids(a.name, a.mbids)
           || ',"artist_name":' || to_json(a.name)::text
           || ',"caa_id":null,"caa_release_mbid":null'
           || ',"' || called || '_mbid":'
           || refrain.json_uuid(case when as_group then r.group_mbid else r.mbid end)
           || ',"' || called || '_name":' || to_json(r.name)::text
           || ',"listeners":[' || coalesce(l.names, '')
           || '],"total_listen_count":' || l.listens
           || ',"total_user_count":' || l.listeners
           || ',' || refrain.site_listeners_meta(from_s, to_s)
    from refrain.site_listeners(2, ids, from_s, to_s) l
    join refrain.releases r on r.id = refrain.site_most(2, ids, from_s, to_s)
    join refrain.artists a on a.id = r.artist_id
    where l.listens > 0;
end
$$;
comment on function refrain.site_release_listeners is
    'helper: who listens to these releases, told as one release or as a release group';

create or replace function refrain.release_listeners(id uuid, from_s bigint, to_s bigint)
returns setof text
language sql stable as $$
    select * from refrain.site_release_listeners(
        array(
            select r.id from refrain.releases r where r.mbid = release_listeners.id
            union
            select r.id from refrain.releases r
            where r.id = refrain.msid_id(release_listeners.id) and r.msid = release_listeners.id),
        false, from_s, to_s)
$$;
comment on function refrain.release_listeners is 'all: the same for a release';

create or replace function refrain.release_group_listeners(id uuid, from_s bigint, to_s bigint)
returns setof text
language sql stable as $$
    -- A release whose group is not known is one of its own.
    select * from refrain.site_release_listeners(
        array(
            select r.id from refrain.releases r where r.group_mbid = release_group_listeners.id
            union
            select r.id from refrain.releases r
            where r.id = refrain.msid_id(release_group_listeners.id)
              and r.msid = release_group_listeners.id and r.group_mbid is null),
        true, from_s, to_s)
$$;
comment on function refrain.release_group_listeners is 'all: the same for a release group';
