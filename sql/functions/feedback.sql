-- What listeners love and hate. A row holds every id that its recording has been known by.
--
-- feedback_set locks its user's version row (versions_lock) before the feedback. What is changed by
-- hand is locked only by the triggers, after the feedback itself: beside a feedback_set of the same
-- user the two would wait for each other, so lock first.

create or replace function refrain.feedback_set(
    user_id int, msid uuid, mbid uuid, score int,
    out epoch bigint, out live bigint, out past bigint, out auth bigint)
language plpgsql as $$
#variable_conflict use_column
declare
    kept bigint;
begin
    -- The account before its versions, in the order in which its deletion locks them.
    perform from refrain.users u where u.id = feedback_set.user_id for key share;
    if not found then
        raise exception 'there is no user %', feedback_set.user_id using errcode = 'RF001';
    end if;
    perform refrain.versions_lock(array[feedback_set.user_id]);

    -- Two, where the recording has been told of by either id, and both are given now.
    select max(id) into kept
    from refrain.feedback f
    where f.user_id = feedback_set.user_id and (f.recording_msid = msid or f.recording_mbid = mbid);
    delete from refrain.feedback f
    where f.user_id = feedback_set.user_id and (f.recording_msid = msid or f.recording_mbid = mbid)
      and (feedback_set.score = 0 or f.id <> kept);

    if feedback_set.score <> 0 and kept is null then
        insert into refrain.feedback (user_id, recording_msid, recording_mbid, score)
        values (feedback_set.user_id, msid, mbid, feedback_set.score);
    elsif feedback_set.score <> 0 then
        -- Told again it stays what it was, and where it was in the list.
        update refrain.feedback f
        set recording_msid = coalesce(msid, f.recording_msid),
            recording_mbid = coalesce(mbid, f.recording_mbid),
            score = feedback_set.score, created_at = now()
        where f.id = kept
          and (f.recording_msid, f.recording_mbid, f.score) is distinct from (
              coalesce(msid, f.recording_msid), coalesce(mbid, f.recording_mbid),
              feedback_set.score::smallint);
    end if;

    select s.epoch, s.live, s.past, s.auth into epoch, live, past, auth
    from refrain.user_state(feedback_set.user_id) s;
end
$$;
comment on function refrain.feedback_set is
    'user: loves (1) or hates (-1) a recording, by either id or both (the other is null), or takes '
    'that back (0); the versions after that. RF001 for an unknown user';

create or replace function refrain.feedback_import(user_id int, entries jsonb) returns int
language plpgsql as $$
#variable_conflict use_column
declare
    newer record;
begin
    with told as (
        select e.at, coalesce(e.msid, b.recording_msid) as msid,
               coalesce(e.mbid, m.recording_mbid) as mbid, e.score,
               to_timestamp(e.created) as created_at,
               m.id as same_msid, b.id as same_mbid,
               greatest(m.created_at, b.created_at) as known_at
        from rows from (jsonb_to_recordset(entries)
                        as (msid uuid, mbid uuid, score smallint, created bigint))
             with ordinality e(msid, mbid, score, created, at)
        left join refrain.feedback m
            on m.user_id = feedback_import.user_id and m.recording_msid = e.msid
        left join refrain.feedback b
            on b.user_id = feedback_import.user_id and b.recording_mbid = e.mbid
    ), ranked as (
        select *,
               -- Of the same second the later one, as it is the later change.
               row_number() over (partition by msid order by created_at desc, at desc) as by_msid,
               row_number() over (partition by mbid order by created_at desc, at desc) as by_mbid
        from told
    )
    -- In their order, which is that of their ids within a second, and so of lists.
    select array_agg(msid order by at) as msids, array_agg(mbid order by at) as mbids,
           array_agg(score order by at) as scores, array_agg(created_at order by at) as times,
           array_agg(same_msid) || array_agg(same_mbid) as replaced
    into newer
    from ranked
    where (msid is null or by_msid = 1) and (mbid is null or by_mbid = 1)
      and (known_at is null or known_at < created_at);

    delete from refrain.feedback where id = any (newer.replaced);
    insert into refrain.feedback (
        user_id, recording_msid, recording_mbid, score, created_at)
    select feedback_import.user_id, n.*
    from unnest(newer.msids, newer.mbids, newer.scores, newer.times) n;
    return coalesce(cardinality(newer.msids), 0);
end
$$;
comment on function refrain.feedback_import is
    'helper: stores feedback that was given at some time before, as an array of objects of msid, '
    'mbid (one may be null), score and created (in seconds), unless it is as old as what is known '
    'of the recording or older; how many were stored. The user''s versions are locked already';

create or replace function refrain.feedback_entry(
    msid uuid, mbid uuid, score int, created_at timestamptz, user_name text, metadata text)
returns text
language sql stable as $$
    select '{"recording_msid":' || refrain.json_uuid(msid)
        || ',"recording_mbid":' || refrain.json_uuid(mbid)
        || ',"score":' || score
        || ',"created":' || coalesce(refrain.time_s(created_at)::text, 'null')
        || ',"user_id":' || to_json(user_name)::text
        || ',"track_metadata":' || coalesce(metadata, 'null') || '}'
$$;
comment on function refrain.feedback_entry is
    'helper: one recording''s feedback; the ids, the time and the metadata, which is JSON, may be '
    'null';

create or replace function refrain.has_heard(user_id int, recording_id bigint)
returns boolean
language sql stable as $$
    select exists (
        select from refrain.tallies t
        where t.user_id = has_heard.user_id and t.period = 0 and t.kind = 3
          and t.entity_id = has_heard.recording_id)
$$;
comment on function refrain.has_heard is 'helper: whether the user has listened to the recording';

create or replace function refrain.feedback_list(
    user_id int, score int, skip bigint, count int, with_metadata boolean,
    out total bigint, out listed int, out entries text)
language plpgsql stable
-- Planned for the parameters that there are, along the indexes, however much there is.
set plan_cache_mode = force_custom_plan
set enable_hashjoin = off
set enable_mergejoin = off
set enable_sort = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
begin
    select count(*) into total
    from refrain.feedback f
    where f.user_id = feedback_list.user_id
      and (feedback_list.score is null or f.score = feedback_list.score);

    select count(*),
           coalesce(string_agg(
               refrain.feedback_entry(
                   f.recording_msid, f.recording_mbid, f.score, f.created_at, u.name,
                   case when r.id is not null then
                       '{"artist_name":' || to_json(a.name)::text
                       || ',"track_name":' || to_json(r.name)::text
                       || coalesce(',"release_name":' || to_json(l.name)::text, '')
                       || ',"additional_info":{"recording_msid":"' || r.msid || '"}'
                       || refrain.json_mbid_mapping(r, a, l) || '}'
                   end),
               ',' order by f.created_at desc, f.id desc), '')
    into listed, entries
    from (
        select * from refrain.feedback f
        where f.user_id = feedback_list.user_id
          and (feedback_list.score is null or f.score = feedback_list.score)
        order by f.created_at desc, f.id desc
        limit feedback_list.count offset skip
    ) f
    join refrain.users u on u.id = f.user_id
    -- Anybody may tell of any id: what it is, he learns only of what he has heard himself.
    left join refrain.recordings r
        on with_metadata and r.id = coalesce(
            (select m.id from refrain.recordings m
             where m.id = refrain.msid_id(f.recording_msid) and m.msid = f.recording_msid
               and refrain.has_heard(f.user_id, m.id)),
            (select m.id from refrain.recordings m
             where f.recording_mbid is not null and m.mbid = f.recording_mbid
               and refrain.has_heard(f.user_id, m.id)
             order by m.id limit 1))
    left join refrain.artists a on a.id = r.artist_id
    left join refrain.releases l on l.id = r.release_id;
end
$$;
comment on function refrain.feedback_list is
    'user: what somebody loves and hates, newest first, with what the catalogue knows of it if '
    'that is wanted and he has heard it: how many there are in all with this score (null: either), '
    'how many are listed, and these as JSON objects joined by commas';

create or replace function refrain.feedback_for(
    user_id int, user_name text, msids uuid[], mbids uuid[])
returns text
language sql stable as $$
    select string_agg(
        refrain.feedback_entry(
            coalesce(f.recording_msid, o.msid), coalesce(f.recording_mbid, o.mbid),
            coalesce(f.score, 0), null, feedback_for.user_name, null),
        ',' order by o.is_mbid, o.at)
    from (
        select false as is_mbid, at, msid, null::uuid as mbid
        from unnest(msids) with ordinality m(msid, at)
        union all
        select true, at, null, mbid
        from unnest(mbids) with ordinality m(mbid, at)
    ) o
    left join lateral (
        select * from refrain.feedback f
        where f.user_id = feedback_for.user_id and f.recording_msid = o.msid
        union all
        select * from refrain.feedback f
        where f.user_id = feedback_for.user_id and f.recording_mbid = o.mbid
    ) f on true
$$;
comment on function refrain.feedback_for is
    'user: what somebody thinks of each of these recordings, 0 for nothing, as JSON objects joined '
    'by commas, in the order of the ids, msids first; null for no ids. The name is written as it '
    'is given';

create or replace function refrain.feedback_about(
    recording uuid, is_mbid boolean, score int, skip bigint, count int,
    out total bigint, out listed int, out entries text)
language plpgsql stable
set plan_cache_mode = force_custom_plan
set enable_hashjoin = off
set enable_mergejoin = off
set enable_sort = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
begin
    select count(*) into total
    from refrain.feedback f
    join refrain.users u on u.id = f.user_id
    where case when is_mbid then f.recording_mbid else f.recording_msid end = recording
      and u.public;

    select count(*),
           coalesce(string_agg(
               refrain.feedback_entry(
                   f.recording_msid, f.recording_mbid, f.score, f.created_at, f.user_name, null),
               ',' order by f.created_at desc, f.id desc), '')
    into listed, entries
    from (
        select f.*, u.name as user_name
        from refrain.feedback f
        join refrain.users u on u.id = f.user_id
        where case when is_mbid then f.recording_mbid else f.recording_msid end = recording
          and u.public and (feedback_about.score is null or f.score = feedback_about.score)
        order by f.created_at desc, f.id desc
        limit feedback_about.count offset skip
    ) f;
end
$$;
comment on function refrain.feedback_about is
    'all: what public users think of a recording, newest first: how many there are in all, '
    'whatever their score, how many with this score (null: either) are listed, and these as JSON '
    'objects joined by commas';

-- ── what changes raise ──

create or replace function refrain.feedback_changed() returns trigger
language plpgsql as $$
declare
    changed int[];
begin
    if tg_op = 'INSERT' then
        changed := array(select user_id from added);
    elsif tg_op = 'DELETE' then
        changed := array(select user_id from removed);
    elsif tg_op = 'UPDATE' then
        changed := array(
            select user_id from ((table removed except table added)
                                 union all
                                 (table added except table removed)) c);
    else
        changed := array(select user_id from refrain.user_version);
    end if;
    if changed = '{}' then
        return null;
    end if;
    changed := refrain.versions_lock(changed);
    -- What is recommended depends on past, and a hate shall act at once.
    perform refrain.versions_raise(
        changed, array_fill('-infinity'::timestamptz, array[cardinality(changed)]));
    if tg_op = 'TRUNCATE' then
        perform refrain.epoch_raise('feedback truncated');
    end if;
    return null;
end
$$;
comment on function refrain.feedback_changed is
    'trigger: feedback that comes, goes or changes raises its user''s live and past';

create or replace trigger feedback_inserted after insert on refrain.feedback
referencing new table as added
for each statement execute function refrain.feedback_changed();

create or replace trigger feedback_updated after update on refrain.feedback
referencing old table as removed new table as added
for each statement execute function refrain.feedback_changed();

create or replace trigger feedback_deleted after delete on refrain.feedback
referencing old table as removed
for each statement execute function refrain.feedback_changed();

create or replace trigger feedback_truncated after truncate on refrain.feedback
for each statement execute function refrain.feedback_changed();
