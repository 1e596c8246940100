-- What is playing now: a row a user, true until it expires.

create or replace function refrain.playing_set(
    user_id int, recording_msid uuid, lifetime_ms bigint, client text, artist_name text,
    track_name text, release_name text, info text, metadata text)
returns void
language plpgsql as $$
#variable_conflict use_column
begin
    insert into refrain.playing_now as p (user_id, metadata, expires_at)
    values (
        playing_set.user_id,
        -- No key may come twice, whatever was sent: what comes last counts.
        (coalesce(playing_set.metadata::jsonb, '{}') - 'mbid_mapping')
            || jsonb_strip_nulls(jsonb_build_object(
                   'artist_name', artist_name,
                   'track_name', track_name,
                   'release_name', release_name))
            || jsonb_build_object(
                   'additional_info',
                   coalesce(info::jsonb, '{}') || jsonb_strip_nulls(jsonb_build_object(
                       'submission_client', client,
                       'recording_msid', recording_msid))),
        now() + lifetime_ms * interval '1 ms')
    on conflict (user_id) do update
        set metadata = excluded.metadata, expires_at = excluded.expires_at
        where p.expires_at <= now()
           or p.metadata ->> 'track_name' <> playing_set.track_name
           or p.metadata ->> 'artist_name' <> playing_set.artist_name;
exception
    when foreign_key_violation then
        raise exception 'there is no user %', playing_set.user_id using errcode = 'RF001';
end
$$;
comment on function refrain.playing_set is
    'user: what plays from now on, for so long; the same track by the same artist is left as it is '
    'until it expires. RF001 for an unknown user';

create or replace function refrain.playing_get(user_id int) returns setof text
language sql stable as $$
    select p.metadata::text from refrain.playing_now p
    where p.user_id = playing_get.user_id and p.expires_at > now()
$$;
comment on function refrain.playing_get is
    'user: track_metadata of what is playing; no row for nothing';

create or replace function refrain.playing_clear(user_id int, client text) returns boolean
language plpgsql as $$
#variable_conflict use_column
begin
    delete from refrain.playing_now p
    where user_id = playing_clear.user_id and expires_at > now()
      and (playing_clear.client is null
           or coalesce(nullif(metadata #>> '{additional_info,submission_client}', ''),
                       playing_clear.client) = playing_clear.client);
    return found;
end
$$;
comment on function refrain.playing_clear is
    'user: ends what is playing, if it comes from this client, from an unnamed one, or whoever it '
    'comes from (null); whether anything did';

create or replace function refrain.playing_purge() returns int
language plpgsql as $$
declare
    removed int;
begin
    -- There are hardly more rows than listeners at a time, so they need no index by time.
    delete from refrain.playing_now where ctid = any (array(
        select ctid from refrain.playing_now
        where expires_at <= now()
        limit 5000
        for update skip locked));
    get diagnostics removed = row_count;
    return removed;
end
$$;
comment on function refrain.playing_purge is
    'all: removes up to 5000 rows that have expired; how many. To be called every minute';
