-- Storing and deleting listens. They are counted by triggers (tallies.sql).

create or replace function refrain.listen_add(
    user_id int, listened_at_s bigint[], recording_ids bigint[], artist_ids bigint[],
    release_ids bigint[], artist_names text[], track_names text[], release_names text[],
    durations_ms bigint[], clients text[], infos text[], metadatas text[],
    out accepted int, out epoch bigint, out live bigint, out past bigint, out auth bigint)
language plpgsql
-- A single listen is not worth planning; the plan that is kept goes by the keys.
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
    perform from refrain.user_version v
    where v.user_id = listen_add.user_id and v.deleted_at is null
    for update;
    if not found then
        raise exception 'there is no user %', listen_add.user_id using errcode = 'RF001';
    end if;

    -- Twice the same: to unnest the arrays, and to join with what comes out of that, would be a third
    -- of what storing a single listen costs.
    if cardinality(listened_at_s) = 1 then
        insert into refrain.listens (
            user_id, listened_at, recording_id, artist_id, release_id, duration_ms, client,
            artist_name, track_name, release_name, info, metadata)
        select listen_add.user_id, to_timestamp(listened_at_s[1]),
               case when r.artist_id = artist_ids[1]
                         and r.release_id is not distinct from release_ids[1]
                    then r.id else refrain.recording_missing(recording_ids[1]) end,
               artist_ids[1], release_ids[1], durations_ms[1], clients[1],
               nullif(artist_names[1], a.name), nullif(track_names[1], r.name),
               nullif(release_names[1], l.name),
               infos[1]::jsonb, metadatas[1]::jsonb
        from (values (1)) one
        -- A recording refers to its artist and release, so these are there if it is.
        left join refrain.recordings r on r.id = recording_ids[1]
        left join refrain.artists a on a.id = r.artist_id
        left join refrain.releases l on l.id = r.release_id
        on conflict do nothing;
    else
        -- A big batch is worth planning.
        if cardinality(listened_at_s) > 1000 then
            perform set_config('plan_cache_mode', 'force_custom_plan', true),
                    set_config('work_mem', '64MB', true);
        end if;
        insert into refrain.listens (
            user_id, listened_at, recording_id, artist_id, release_id, duration_ms, client,
            artist_name, track_name, release_name, info, metadata)
        select listen_add.user_id, to_timestamp(n.listened_at_s),
               case when r.artist_id = n.artist_id and r.release_id is not distinct from n.release_id
                    then r.id else refrain.recording_missing(n.recording_id) end,
               n.artist_id, n.release_id, n.duration_ms, n.client,
               nullif(n.artist_name, a.name), nullif(n.track_name, r.name),
               nullif(n.release_name, l.name),
               n.info::jsonb, n.metadata::jsonb
        from unnest(listened_at_s, recording_ids, artist_ids, release_ids, artist_names, track_names,
                    release_names, durations_ms, clients, infos, metadatas)
             n(listened_at_s, recording_id, artist_id, release_id, artist_name, track_name,
               release_name, duration_ms, client, info, metadata)
        left join refrain.recordings r on r.id = n.recording_id
        left join refrain.artists a on a.id = r.artist_id
        left join refrain.releases l on l.id = r.release_id
        on conflict do nothing;
    end if;
    get diagnostics accepted = row_count;

    select e.epoch, v.live, v.past, v.auth into epoch, live, past, auth
    from refrain.user_version v
    join refrain.cache_epoch e on e.bucket = v.bucket
    where v.user_id = listen_add.user_id;
end
$$;
comment on function refrain.listen_add is
    'user: stores listens, all or none, passing over those that are there already; how many were '
    'new, and the versions after that. RF001 for an unknown user, RF002 for a recording that is '
    'not in the catalogue with this artist and release. Batches are quickest in order of time';

create or replace function refrain.listen_delete(
    user_id int, listened_at_s bigint, recording_msid uuid,
    out epoch bigint, out live bigint, out past bigint, out auth bigint, out deleted int)
language plpgsql as $$
#variable_conflict use_column
begin
    if refrain.versions_lock(array[listen_delete.user_id]) = '{}' then
        raise exception 'there is no user %', listen_delete.user_id using errcode = 'RF001';
    end if;

    delete from refrain.listens l
    using refrain.recordings r
    where l.user_id = listen_delete.user_id
      -- Far beyond either end there are no listens, and no timestamps either.
      and l.listened_at = to_timestamp(least(greatest(listened_at_s, 0), 100000000000))
      and l.recording_id = r.id
      and r.id = refrain.msid_id(recording_msid) and r.msid = recording_msid;
    get diagnostics deleted = row_count;

    select s.epoch, s.live, s.past, s.auth into epoch, live, past, auth
    from refrain.user_state(listen_delete.user_id) s;
end
$$;
comment on function refrain.listen_delete is
    'user: deletes the listen of this recording at this second; the versions after that, and how '
    'many were deleted, which is 0 where there is none. RF001 for an unknown user';

create or replace function refrain.recording_missing(recording_id bigint) returns bigint
language plpgsql stable as $$
begin
    raise exception 'recording % is not in the catalogue with this artist and release',
        recording_id using errcode = 'RF002';
end
$$;
comment on function refrain.recording_missing is 'helper: raises RF002';
