-- The catalogue grows with what is listened to. Sessions that add the same things at the same time
-- take their locks in one order, so that none wait in a circle: artists, releases, recordings, each
-- by id; then, again so, the rows that lack an MBID; the generation last, by triggers, which run at
-- the end of a statement.

create or replace function refrain.catalogue_add(
    artist_ids bigint[], artist_msids uuid[], artist_names text[], artist_keys text[],
    artist_mbids text[],
    release_ids bigint[], release_msids uuid[], release_artist_ids bigint[], release_names text[],
    release_keys text[], release_mbids uuid[], release_group_mbids uuid[],
    recording_ids bigint[], recording_msids uuid[], recording_artist_ids bigint[],
    recording_release_ids bigint[], recording_names text[], recording_keys text[],
    recording_mbids uuid[])
returns void
language plpgsql
set plan_cache_mode = force_generic_plan
as $$
begin
    -- Most submissions hold nothing new: then one look is all, and the transaction writes nothing.
    if not exists (
        select from unnest(artist_ids, artist_msids, artist_mbids) n(id, msid, mbids)
        left join refrain.artists a on a.id = n.id
        where a.msid is distinct from n.msid or (a.mbids is null and n.mbids is not null)
    ) and not exists (
        select from unnest(release_ids, release_msids, release_mbids, release_group_mbids)
                    n(id, msid, mbid, group_mbid)
        left join refrain.releases l on l.id = n.id
        where l.msid is distinct from n.msid
           or (l.mbid is null and n.mbid is not null)
           or (l.group_mbid is null and n.group_mbid is not null)
    ) and not exists (
        select from unnest(recording_ids, recording_msids, recording_mbids) n(id, msid, mbid)
        left join refrain.recordings r on r.id = n.id
        where r.msid is distinct from n.msid or (r.mbid is null and n.mbid is not null)
    ) then
        return;
    end if;

    -- Durable with the listens: their commit comes later in the log, and is waited for.
    perform set_config('synchronous_commit', 'off', true);

    insert into refrain.artists (id, msid, name, name_key, mbids)
    select n.id, n.msid, n.name, n.name_key, n.mbids::uuid[]
    from unnest(artist_ids, artist_msids, artist_names, artist_keys, artist_mbids)
         n(id, msid, name, name_key, mbids)
    order by n.id
    on conflict (id) do nothing;

    insert into refrain.releases (id, msid, artist_id, name, name_key, mbid, group_mbid)
    select n.*
    from unnest(release_ids, release_msids, release_artist_ids, release_names, release_keys,
                release_mbids, release_group_mbids)
         n(id, msid, artist_id, name, name_key, mbid, group_mbid)
    order by n.id
    on conflict (id) do nothing;

    insert into refrain.recordings (id, msid, artist_id, release_id, name, name_key, mbid)
    select n.*
    from unnest(recording_ids, recording_msids, recording_artist_ids, recording_release_ids,
                recording_names, recording_keys, recording_mbids)
         n(id, msid, artist_id, release_id, name, name_key, mbid)
    order by n.id
    on conflict (id) do nothing;

    perform refrain.catalogue_check(
        artist_ids, artist_msids, release_ids, release_msids, recording_ids, recording_msids);
    perform refrain.catalogue_fill(
        artist_ids, artist_mbids, release_ids, release_mbids, release_group_mbids,
        recording_ids, recording_mbids);
end
$$;
comment on function refrain.catalogue_add is
    'all: adds the artists, releases and recordings (each given once) that are not there yet, and '
    'MBIDs that were unknown; RF003 if an id belongs to another msid. For a short transaction of '
    'its own, before listen_add';

create or replace function refrain.catalogue_check(
    artist_ids bigint[], artist_msids uuid[], release_ids bigint[], release_msids uuid[],
    recording_ids bigint[], recording_msids uuid[])
returns void
language plpgsql as $$
declare
    clash text;
begin
    select format('%s %s has the id of %s', c.what, c.wanted, c.found) into clash
    from (
        select 'artist' what, n.msid wanted, a.msid found
        from unnest(artist_ids, artist_msids) n(id, msid)
        join refrain.artists a on a.id = n.id
        union all
        select 'release', n.msid, l.msid
        from unnest(release_ids, release_msids) n(id, msid)
        join refrain.releases l on l.id = n.id
        union all
        select 'recording', n.msid, r.msid
        from unnest(recording_ids, recording_msids) n(id, msid)
        join refrain.recordings r on r.id = n.id
    ) c
    where c.wanted <> c.found
    limit 1;
    if clash is not null then
        raise exception '%', clash using errcode = 'RF003';
    end if;
end
$$;
comment on function refrain.catalogue_check is
    'helper: RF003 if an id belongs to another msid than is said here';

create or replace function refrain.catalogue_fill(
    artist_ids bigint[], artist_mbids text[], release_ids bigint[], release_mbids uuid[],
    release_group_mbids uuid[], recording_ids bigint[], recording_mbids uuid[])
returns void
language plpgsql as $$
begin
    perform from refrain.artists a
    join unnest(artist_ids, artist_mbids) n(id, mbids) on n.id = a.id
    where a.mbids is null and n.mbids is not null
    order by a.id for update of a;

    perform from refrain.releases l
    join unnest(release_ids, release_mbids, release_group_mbids) n(id, mbid, group_mbid)
        on n.id = l.id
    where (l.mbid is null and n.mbid is not null)
       or (l.group_mbid is null and n.group_mbid is not null)
    order by l.id for update of l;

    perform from refrain.recordings r
    join unnest(recording_ids, recording_mbids) n(id, mbid) on n.id = r.id
    where r.mbid is null and n.mbid is not null
    order by r.id for update of r;

    -- One statement, so that all triggers run after all changes.
    with artist as (
        update refrain.artists a set mbids = n.mbids::uuid[]
        from unnest(artist_ids, artist_mbids) n(id, mbids)
        where a.id = n.id and a.mbids is null and n.mbids is not null
    ), release as (
        update refrain.releases l
        set mbid = coalesce(l.mbid, n.mbid), group_mbid = coalesce(l.group_mbid, n.group_mbid)
        from unnest(release_ids, release_mbids, release_group_mbids) n(id, mbid, group_mbid)
        where l.id = n.id
          and ((l.mbid is null and n.mbid is not null)
            or (l.group_mbid is null and n.group_mbid is not null))
    )
    update refrain.recordings r set mbid = n.mbid
    from unnest(recording_ids, recording_mbids) n(id, mbid)
    where r.id = n.id and r.mbid is null and n.mbid is not null;
end
$$;
comment on function refrain.catalogue_fill is 'helper: fills in MBIDs that were unknown';

-- ── what changes raise ──
-- The generation makes everybody's values invalid, closed windows included. An MBID that was unknown
-- so far changes no figure, only a null beside a name: to raise it for each would empty the cache with
-- nearly every listen where histories without MBIDs have been imported. It is noted instead, and a
-- worker raises the generation for all that have been filled in within a while. What the one who sent
-- it reads of his running windows tells it at once, since his listen raises his own versions. Where
-- figures change with it, the generation is raised as for any other change.

-- Artists, releases and recordings have no trigger on insert: what is new stands in nobody's answer
-- yet.
create or replace function refrain.catalogue_changed() returns trigger
language plpgsql as $$
begin
    if tg_op = 'UPDATE' then
        if not exists (table removed except table added) then
            return null;
        end if;
    elsif tg_op = 'DELETE' then
        if not exists (table removed) then
            return null;
        end if;
    elsif tg_op = 'INSERT' then
        if not exists (table added) then
            return null;
        end if;
    end if;
    perform refrain.generation_raise('catalogue');
    return null;
end
$$;
comment on function refrain.catalogue_changed is
    'trigger: a real change of the catalogue raises its generation';

create or replace function refrain.artists_updated() returns trigger
language plpgsql as $$
begin
    if exists (
        select id, msid, name, name_key from removed
        except
        select id, msid, name, name_key from added
    ) or exists (
        select id, mbids from removed where mbids is not null except select id, mbids from added
    ) or exists (
        -- Imported tags are found by MBIDs, too: genres change.
        select from (select id, mbids from added except select id, mbids from removed) n
        join refrain.artist_tags t on t.artist = any (n.mbids)
    ) then
        perform refrain.generation_raise('catalogue');
    elsif exists (table removed except table added) then
        insert into refrain.catalogue_fills default values;
    end if;
    return null;
end
$$;
comment on function refrain.artists_updated is
    'trigger: notes MBIDs that were unknown; any other change of an artist, and one that brings '
    'genres, raises the generation';

create or replace function refrain.releases_updated() returns trigger
language plpgsql as $$
begin
    if exists (
        select id, msid, artist_id, name, name_key from removed
        except
        select id, msid, artist_id, name, name_key from added
    ) or exists (
        select id, mbid from removed where mbid is not null except select id, mbid from added
    ) or exists (
        select id, group_mbid from removed where group_mbid is not null
        except
        select id, group_mbid from added
    ) or exists (
        -- They become one release group. Two that do so at the very same time, neither of which sees
        -- the other, are noted both.
        select from (
            select id, group_mbid from added except select id, group_mbid from removed
        ) n
        join refrain.releases r on r.group_mbid = n.group_mbid and r.id <> n.id
    ) then
        perform refrain.generation_raise('catalogue');
    elsif exists (table removed except table added) then
        insert into refrain.catalogue_fills default values;
    end if;
    return null;
end
$$;
comment on function refrain.releases_updated is
    'trigger: notes MBIDs that were unknown; any other change of a release, and one that makes a '
    'release group of several, raises the generation';

create or replace function refrain.recordings_updated() returns trigger
language plpgsql as $$
begin
    if exists (
        select id, msid, artist_id, release_id, name, name_key from removed
        except
        select id, msid, artist_id, release_id, name, name_key from added
    ) or exists (
        select id, mbid from removed where mbid is not null except select id, mbid from added
    ) then
        perform refrain.generation_raise('catalogue');
    elsif exists (table removed except table added) then
        insert into refrain.catalogue_fills default values;
    end if;
    return null;
end
$$;
comment on function refrain.recordings_updated is
    'trigger: notes MBIDs that were unknown; any other change of a recording raises the generation';

create or replace function refrain.catalogue_refresh(refresh_s int) returns int
language plpgsql as $$
declare
    taken int;
begin
    if not exists (
        select from refrain.catalogue_fills
        where filled_at <= now() - make_interval(secs => refresh_s)
    ) then
        return 0;
    end if;
    -- With the first that has waited for so long go all that are committed.
    delete from refrain.catalogue_fills;
    get diagnostics taken = row_count;
    if taken > 0 then
        perform refrain.generation_raise('catalogue');
    end if;
    return taken;
end
$$;
comment on function refrain.catalogue_refresh is
    'all: raises the catalogue''s generation if MBIDs that were filled in have waited for refresh_s; '
    'for how many statements. So not more often than that; of two calls at a time one does it';

create or replace trigger artists_updated after update on refrain.artists
referencing old table as removed new table as added
for each statement execute function refrain.artists_updated();

create or replace trigger artists_deleted after delete on refrain.artists
referencing old table as removed
for each statement execute function refrain.catalogue_changed();

create or replace trigger artists_truncated after truncate on refrain.artists
for each statement execute function refrain.catalogue_changed();

create or replace trigger releases_updated after update on refrain.releases
referencing old table as removed new table as added
for each statement execute function refrain.releases_updated();

create or replace trigger releases_deleted after delete on refrain.releases
referencing old table as removed
for each statement execute function refrain.catalogue_changed();

create or replace trigger releases_truncated after truncate on refrain.releases
for each statement execute function refrain.catalogue_changed();

create or replace trigger recordings_updated after update on refrain.recordings
referencing old table as removed new table as added
for each statement execute function refrain.recordings_updated();

create or replace trigger recordings_deleted after delete on refrain.recordings
referencing old table as removed
for each statement execute function refrain.catalogue_changed();

create or replace trigger recordings_truncated after truncate on refrain.recordings
for each statement execute function refrain.catalogue_changed();
