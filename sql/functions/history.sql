-- A user's listens, one by one. The settings are for the same reasons as in statistics.sql; and no
-- estimate shall ever talk the planner into sorting a history instead of walking along the key.

create or replace function refrain.history_slice(
    user_id int, after_s bigint, before_s bigint, ascending boolean, count int)
returns setof refrain.listens
language plpgsql stable rows 100
set plan_cache_mode = force_generic_plan
set enable_sort = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
    after  constant timestamptz := coalesce(to_timestamp(after_s), '-infinity');
    before constant timestamptz := coalesce(to_timestamp(before_s), 'infinity');
begin
    if ascending then
        return query
        select * from refrain.listens l
        where l.user_id = history_slice.user_id
          and l.listened_at > after and l.listened_at < before
        order by l.listened_at, l.recording_id
        limit history_slice.count;
    else
        return query
        select * from refrain.listens l
        where l.user_id = history_slice.user_id
          and l.listened_at > after and l.listened_at < before
        order by l.listened_at desc, l.recording_id desc
        limit history_slice.count;
    end if;
end
$$;
comment on function refrain.history_slice is
    'user: the oldest or the newest listens after and before these times, of which either may be '
    'null, as may be the count (all)';

create or replace function refrain.history_entry(
    h refrain.listens, r refrain.recordings, a refrain.artists, l refrain.releases)
returns text
language sql stable as $$
    select '{"inserted_at":' || refrain.time_s(h.inserted_at)
        || ',"listened_at":' || refrain.time_s(h.listened_at)
        || ',"recording_msid":"' || r.msid
        || '","track_metadata":{"artist_name":' || to_json(coalesce(h.artist_name, a.name))::text
        || ',"track_name":' || to_json(coalesce(h.track_name, r.name))::text
        || coalesce(',"release_name":' || to_json(coalesce(h.release_name, l.name))::text, '')
        || ',"additional_info":{"recording_msid":"' || r.msid || '"'
        || coalesce(',"submission_client":' || to_json(h.client)::text, '')
        -- No key may come twice, whatever was sent; a client that is no text has stayed in info.
        || refrain.json_more(h.info - case when h.client is null then '{recording_msid}'::text[]
                                 else '{recording_msid,submission_client}'::text[] end) || '}'
        || refrain.json_mbid_mapping(r, a, l)
        || refrain.json_more(h.metadata - ('{artist_name,track_name,release_name,'
               'additional_info,mbid_mapping}')::text[])
        || '}}'
$$;
comment on function refrain.history_entry is
    'helper: a listen as it was sent, with what the catalogue knows of its recording, artist and '
    'release (which may be null)';

create or replace function refrain.history_page(
    user_id int, after_s bigint, before_s bigint, ascending boolean, count int)
returns setof refrain.read_row
language plpgsql stable
set plan_cache_mode = force_generic_plan
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
begin
    return query
    with whole as materialized (
        select (select listened_at from refrain.listens x
                where x.user_id = history_page.user_id
                order by listened_at desc limit 1) as latest,
               (select listened_at from refrain.listens x
                where x.user_id = history_page.user_id
                order by listened_at limit 1) as oldest
    )
    select v.*, coalesce(t.listens, 0),
           '"latest_listen_ts":' || coalesce(refrain.time_s(whole.latest), 0)
           || ',"oldest_listen_ts":' || coalesce(refrain.time_s(whole.oldest), 0),
           refrain.time_s(h.listened_at),
           refrain.history_entry(h, r, a, l)
    from refrain.user_state(history_page.user_id) v
    cross join whole
    left join refrain.totals t
        on t.user_id = history_page.user_id and t.period = 0
    left join (
        refrain.history_slice(history_page.user_id, after_s, before_s, ascending, count) h
        join refrain.recordings r on r.id = h.recording_id
        join refrain.artists a on a.id = h.artist_id
        left join refrain.releases l on l.id = h.release_id
    ) on true
    order by h.listened_at desc, h.recording_id desc;
end
$$;
comment on function refrain.history_page is
    'user: listens after and before these times (both exclusive, either may be null), newest '
    'first: the count (null: all) oldest of them if ascending, else the newest; key is the time';

create or replace function refrain.history_count(user_id int) returns setof refrain.read_row
language sql stable as $$
    select v.*, coalesce(t.listens, 0), '', null::bigint, null::text
    from refrain.user_state(history_count.user_id) v
    left join refrain.totals t
        on t.user_id = history_count.user_id and t.period = 0
$$;
comment on function refrain.history_count is 'user: how many listens there are; no entries';

create or replace function refrain.history_years(user_id int, until_year int)
returns setof refrain.read_row
language plpgsql stable
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
    return query
    select v.*, count(t.period) over (), '', t.period::bigint, t.listens::text
    from refrain.user_state(history_years.user_id) v
    left join refrain.totals t
        on t.user_id = history_years.user_id and t.period > 0 and t.period < until_year
    order by t.period;
end
$$;
comment on function refrain.history_years is
    'user: the calendar years (UTC) before one that have listens, oldest first: key is the year, '
    'entry how many listens it has';

create or replace function refrain.history_index(user_id int, from_s bigint, until_s bigint)
returns setof refrain.read_row
language plpgsql stable
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
    return query
    with days as (
        select d.day, d.listens,
               (sum(d.listens) over (order by d.day) - d.listens) / 100 as segment
        from refrain.listen_days d
        where d.user_id = history_index.user_id
          and d.day >= refrain.utc_day(to_timestamp(from_s))
          and d.day < refrain.utc_day(to_timestamp(until_s))
    ), segments as (
        select min(day) as day, sum(listens) as listens, count(*) over () as total
        from days
        group by segment
    )
    select v.*, coalesce(s.total, 0), '', refrain.time_s(refrain.utc_midnight(s.day)),
           s.listens::text
    from refrain.user_state(history_index.user_id) v
    left join segments s on true
    order by s.day;
end
$$;
comment on function refrain.history_index is
    'user: the days from from_s and before until_s (UTC midnights) in segments of about a hundred '
    'listens, oldest first: key is when one begins, entry how many listens it has. Where a segment '
    'is cut depends on older days alone';
