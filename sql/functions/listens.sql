-- Storing listens. Everything of one user is done by whoever holds that user's version row, so that concurrent batches
-- follow one another. Read committed: each statement after the lock sees what the holder before has committed.

create or replace function refrain.listen_add(
    user_id int, listened_at_s bigint[], recording_ids bigint[], artist_ids bigint[], release_ids bigint[],
    artist_names text[], track_names text[], release_names text[], durations_ms bigint[], clients text[],
    infos text[], metadatas text[],
    out accepted int, out epoch bigint, out live bigint, out past bigint, out auth bigint)
language plpgsql
set work_mem = '64MB'
set jit = off
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
    earliest_s bigint;
    latest_s   bigint;
begin
    if refrain.versions_lock(array[listen_add.user_id]) = '{}' then
        raise exception 'there is no user %', listen_add.user_id using errcode = 'RF001';
    end if;

    -- The plan kept for single listens probes catalogue and listens; a big batch is worth a plan of its own.
    if cardinality(listened_at_s) > 1000 then
        perform set_config('plan_cache_mode', 'force_custom_plan', true);
        select min(t), max(t) into earliest_s, latest_s from unnest(listened_at_s) t;
    end if;
    insert into refrain.listens (user_id, listened_at, recording_id, artist_id, release_id, duration_ms, client,
                                 artist_name, track_name, release_name, info, metadata)
    select distinct on (n.listened_at_s, n.recording_id)
           listen_add.user_id, to_timestamp(n.listened_at_s),
           case when r.artist_id = n.artist_id and r.release_id is not distinct from n.release_id then r.id
                else refrain.recording_missing(n.recording_id) end,
           n.artist_id, n.release_id, n.duration_ms, n.client,
           nullif(n.artist_name, a.name), nullif(n.track_name, r.name), nullif(n.release_name, l.name),
           n.info::jsonb, n.metadata::jsonb
    from unnest(listened_at_s, recording_ids, artist_ids, release_ids, artist_names, track_names, release_names,
                durations_ms, clients, infos, metadatas)
         n(listened_at_s, recording_id, artist_id, release_id, artist_name, track_name, release_name,
           duration_ms, client, info, metadata)
    -- A recording refers to its artist and release, so those are there if it is.
    left join refrain.recordings r on r.id = n.recording_id
    left join refrain.artists a on a.id = r.artist_id
    left join refrain.releases l on l.id = r.release_id
    -- Nobody else adds to this user meanwhile, so this finds all duplicates, for half of what ON CONFLICT costs.
    where not exists (
        select from refrain.listens x
        where x.user_id = listen_add.user_id and x.listened_at = to_timestamp(n.listened_at_s)
          and x.recording_id = n.recording_id
          and x.listened_at between coalesce(to_timestamp(earliest_s), '-infinity') and coalesce(to_timestamp(latest_s), 'infinity'))
    -- In the order of the key: neighbours in time are neighbours on disk.
    order by n.listened_at_s, n.recording_id;
    get diagnostics accepted = row_count;

    select s.epoch, s.live, s.past, s.auth into epoch, live, past, auth
    from refrain.user_state(listen_add.user_id) s;
end
$$;
comment on function refrain.listen_add is
    'user: stores listens, all or none, leaving out those already there; how many were new, and the versions after that. RF001 for an unknown user, RF002 for a recording that is not in the catalogue with this artist and release';

create or replace function refrain.recording_missing(recording_id bigint) returns bigint
language plpgsql as $$
begin
    raise exception 'recording % is not in the catalogue with this artist and release', recording_id
        using errcode = 'RF002';
end
$$;
comment on function refrain.recording_missing is 'helper: raises RF002';
