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
    left join lateral unnest(
        case when l.own <> '{}' then l.own else refrain.artist_genres(l.artist_id) end
    ) g(genre) on true;
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
