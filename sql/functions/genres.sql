-- Genres: what the recordings most listened to are said to be, by their listener or by imported tags.

create or replace function refrain.chart_genres(
    user_id int, from_s bigint, to_s bigint, period int,
    out total bigint, out recording_id bigint, out listens bigint, out genre text)
returns setof record
language plpgsql stable
set plan_cache_mode = force_generic_plan
set enable_hashjoin = off
set enable_mergejoin = off
set enable_seqscan = off
as $$
#variable_conflict use_column
begin
    -- What a thousand recordings have in common says enough of a taste, and costs the same however
    -- long it has been one's own. Their first listens are looked up by key, one by one, whatever the
    -- tables held when the plan was made: "offset 0" and "limit 1" keep the order of the steps, and
    -- the order of the key keeps tallies_chart from being searched, all of a user for each of them.
    return query
    select c.total, c.entity_id, c.listens, g.genre
    from refrain.chart_page(chart_genres.user_id, 3, from_s, to_s, period, 0, 1000) c
    left join lateral (
        select t.first_at
        from refrain.tallies t
        where (t.user_id, t.period, t.kind, t.entity_id)
              >= (chart_genres.user_id, 0, 3, c.entity_id)
        order by t.user_id, t.period, t.kind, t.entity_id
        limit 1
    ) t on true
    left join lateral (
        select l.artist_id,
               array(select distinct k.tag
                     from jsonb_path_query(
                              l.info, '$.tags[*] ? (@.type() == "string")') e(item)
                     cross join lateral (select refrain.tag_key(e.item #>> '{}') offset 0) k(tag)
                     where refrain.tag_key_is_valid(k.tag)) as own
        from refrain.listens l
        where l.user_id = chart_genres.user_id and l.listened_at = t.first_at
          and l.recording_id = c.entity_id
        offset 0
    ) l on true
    left join lateral (
        select o.genre from unnest(l.own) o(genre)
        union all
        select i.genre from refrain.artist_genres(l.artist_id) i(genre) where l.own = '{}'
    ) g on true;
end
$$;
comment on function refrain.chart_genres is
    'user: the 1000 recordings most listened to, a row for each of their genres, or one with a null '
    'genre. These are the tags that the first listen of this user had, whatever others send; '
    'where it had none, the imported ones of the artist. total is the number of all recordings';

create or replace function refrain.stats_genres(
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
        select * from refrain.chart_genres(stats_genres.user_id, from_s, to_s, period)
    ), genres as materialized (
        select c.genre, sum(c.listens)::bigint as listens
        from chart c
        where c.genre is not null
        group by c.genre
    )
    select v.*, (select c.total from chart c limit 1),
           refrain.chart_meta(
               from_s, to_s, period, u.changed_at, 'total_genre_count',
               (select count(*) from genres)),
           p.listens,
           '{"genre":' || to_json(p.genre)::text || ',"listen_count":' || p.listens || '}'
    from refrain.user_state(stats_genres.user_id) v
    join refrain.user_version u on u.user_id = stats_genres.user_id
    left join (
        select g.genre, g.listens
        from genres g
        order by g.listens desc, g.genre collate "C"
        offset stats_genres.first limit stats_genres.count
    ) p on true
    order by p.listens desc, p.genre collate "C";
end
$$;
comment on function refrain.stats_genres is
    'user: the same for the genres of the 1000 recordings most listened to, each counted as often as '
    'its recordings; ties go by name. total is the number of recordings, of which some may have no '
    'genres';

create or replace function refrain.genre_hours(
    user_id int, from_at timestamptz, to_at timestamptz, zone text, recordings bigint[],
    out recording_id bigint, out hour int, out listens bigint)
returns setof record
language plpgsql stable
set plan_cache_mode = force_generic_plan
set max_parallel_workers_per_gather = 0
-- One pass over the index, not one for each recording; and however few listens the plan expects,
-- they are grouped as they come.
set enable_nestloop = off
set enable_mergejoin = off
set enable_sort = off
as $$
#variable_conflict use_column
begin
    return query
    select l.recording_id, date_part('hour', l.listened_at at time zone zone)::int, count(*)
    from refrain.listens l
    join unnest(recordings) r(recording_id) on r.recording_id = l.recording_id
    where l.user_id = genre_hours.user_id
      and l.listened_at >= from_at and l.listened_at < to_at
    group by 1, 2;
end
$$;
comment on function refrain.genre_hours is
    'user: listens of these recordings in [from_at, to_at) by hours of the day in a time zone';

create or replace function refrain.stats_genre_activity(
    user_id int, before_s bigint, from_s bigint, to_s bigint, period int, step int,
    first int, count int)
returns setof refrain.read_row
language plpgsql stable
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
    zone       constant text := refrain.activity_zone(stats_genre_activity.user_id);
    from_at    constant timestamptz := case when period = 0 then '-infinity' else
        refrain.zone_midnight(refrain.utc_day(to_timestamp(from_s)), zone) end;
    to_at      constant timestamptz := case when period = 0 then 'infinity' else
        refrain.zone_midnight(refrain.utc_day(to_timestamp(to_s)), zone) end;
    -- Tallies of years are those of UTC.
    period_own constant int := case
        when period = 0 or (from_at, to_at) = (to_timestamp(from_s), to_timestamp(to_s)) then period
        else -1 end;
begin
    return query
    with chart as materialized (
        select *
        from refrain.chart_genres(
            stats_genre_activity.user_id,
            case when period <> 0 then refrain.time_s(from_at) end,
            case when period <> 0 then refrain.time_s(to_at) end, period_own)
        where stats_genre_activity.user_id > 0
        union all
        select * from refrain.site_genres(from_s, to_s) where stats_genre_activity.user_id = 0
    ), hours as materialized (
        select *
        from refrain.genre_hours(
            stats_genre_activity.user_id, from_at, to_at, zone,
            array(select distinct c.recording_id from chart c where c.genre is not null))
        where stats_genre_activity.user_id > 0
        union all
        select *
        from refrain.site_hours(
            from_s, to_s,
            array(select distinct c.recording_id from chart c where c.genre is not null))
        where stats_genre_activity.user_id = 0
    ), ranked as materialized (
        select c.genre, h.hour, sum(h.listens)::bigint as listens,
               row_number() over (
                   partition by h.hour order by sum(h.listens) desc, c.genre collate "C") as rank
        from hours h
        join chart c on c.recording_id = h.recording_id
        where c.genre is not null
        group by c.genre, h.hour
    )
    select v.*, (select c.total from chart c limit 1),
           refrain.window_meta(
               refrain.time_s(from_at), refrain.time_s(to_at), period, u.changed_at),
           r.listens,
           '{"genre":' || to_json(r.genre)::text || ',"hour":' || r.hour
           || ',"listen_count":' || r.listens || '}'
    from refrain.user_state(stats_genre_activity.user_id) v
    join refrain.user_version u on u.user_id = stats_genre_activity.user_id
    left join ranked r on r.rank <= 10
    order by r.genre collate "C", r.hour;
end
$$;
comment on function refrain.stats_genre_activity is
    'user: of each hour of the day the ten genres most listened to, by genre and hour: listens of the '
    '1000 recordings most listened to in all time (period 0) or in [from_s, to_s); of user 0, the 1000 '
    'artists. total is the number of all of these there';
