-- All that a listener has told, page by page and oldest first, in the form in which ListenBrainz
-- exports it. Who wants a page says where the one before ended; nothing is held in between, so that
-- an export may take hours. What is there all the time is in it once, whatever comes and goes
-- meanwhile. The settings are for the same reasons as in history.sql.

create or replace function refrain.export_alive(user_id int) returns void
language plpgsql stable as $$
begin
    -- Listens of a deleted account go bit by bit, which must not look like the end of them.
    perform from refrain.users u where u.id = export_alive.user_id;
    if not found then
        raise exception 'there is no user %', export_alive.user_id using errcode = 'RF001';
    end if;
end
$$;
comment on function refrain.export_alive is 'helper: raises RF001 for an unknown user';

create or replace function refrain.export_after(after_us bigint) returns timestamptz
language sql immutable as $$
    select coalesce(timestamptz 'epoch' + after_us * interval '1 microsecond', '-infinity')
$$;
comment on function refrain.export_after is
    'helper: the time of the key where a page ended; null is before the first one';

create or replace function refrain.export_listens(
    user_id int, after_us bigint, after_id bigint, bytes_max int,
    out key_us bigint, out key_id bigint, out line text)
returns setof record
language plpgsql stable
set plan_cache_mode = force_generic_plan
set enable_sort = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
    after constant timestamptz := refrain.export_after(after_us);
    size_bytes bigint := 0;
    -- A loop over a cursor takes one row at a time. One over a query reads fifty ahead, and a
    -- listen may have ten megabytes.
    entries cursor for
        select refrain.time_us(h.listened_at) as us, h.recording_id as id,
               refrain.history_entry(h, r, a, l) as text
        from refrain.listens h
        join refrain.recordings r on r.id = h.recording_id
        join refrain.artists a on a.id = h.artist_id
        left join refrain.releases l on l.id = h.release_id
        where h.user_id = export_listens.user_id
          and (h.listened_at, h.recording_id) > (after, coalesce(after_id, 0))
        order by h.listened_at, h.recording_id;
begin
    perform refrain.export_alive(export_listens.user_id);
    for entry in entries loop
        key_us := entry.us;
        key_id := entry.id;
        line := entry.text;
        return next;
        size_bytes := size_bytes + octet_length(line);
        exit when size_bytes >= bytes_max;
    end loop;
end
$$;
comment on function refrain.export_listens is
    'user: listens as lines of JSON, oldest first, behind the one with these keys (null: from the '
    'first on), until they come to bytes_max. No row: there are no more. RF001 for an unknown user';

create or replace function refrain.export_feedback(
    user_id int, after_us bigint, after_id bigint, bytes_max int,
    out key_us bigint, out key_id bigint, out line text)
returns setof record
language plpgsql stable
set plan_cache_mode = force_generic_plan
set enable_sort = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
    after constant timestamptz := refrain.export_after(after_us);
    size_bytes bigint := 0;
    entries cursor for
        select refrain.time_us(f.created_at) as us, f.id,
               '{"recording_msid":' || refrain.json_uuid(f.recording_msid)
               || ',"recording_mbid":' || refrain.json_uuid(f.recording_mbid)
               || ',"score":' || f.score
               || ',"created":' || refrain.time_s(f.created_at) || '}' as text
        from refrain.feedback f
        where f.user_id = export_feedback.user_id
          and (f.created_at, f.id) > (after, coalesce(after_id, 0))
        order by f.created_at, f.id;
begin
    perform refrain.export_alive(export_feedback.user_id);
    for entry in entries loop
        key_us := entry.us;
        key_id := entry.id;
        line := entry.text;
        return next;
        size_bytes := size_bytes + octet_length(line);
        exit when size_bytes >= bytes_max;
    end loop;
end
$$;
comment on function refrain.export_feedback is
    'user: what somebody loves and hates as lines of JSON, the longest known first, else as '
    'export_listens';
