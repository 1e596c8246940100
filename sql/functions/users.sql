-- Accounts and tokens. The triggers decide what a change raises, so that it does not matter who
-- makes it.

create or replace function refrain.user_find(
    name_key text, out user_id int, out user_name text)
returns setof record
language sql stable as $$
    select id, name from refrain.users u where u.name_key = user_find.name_key
$$;
comment on function refrain.user_find is 'directory: who has this name; no row for nobody';

create or replace function refrain.user_search(term text, out user_name text)
returns setof text
language sql stable as $$
    select n.name
    from (
        -- Each by one order alone, which is the index's: nothing but the ten is sorted.
        (select u.id, u.name, u.name_key
         from refrain.users u
         where u.public and u.name_key operator(refrain.%) term
         order by u.name_key operator(refrain.<->) term
         limit 10)
        union
        (select u.id, u.name, u.name_key
         from refrain.users u
         where u.public and u.name_key operator(refrain.%>) term
         order by u.name_key operator(refrain.<->>) term
         limit 10)
    ) n
    order by refrain.similarity(n.name_key, term) desc, n.name_key
    limit 10
$$;
comment on function refrain.user_search is
    'directory: at most ten public users whose names resemble this folded text, or have a part that '
    'does, the most similar first';

create or replace function refrain.user_list(
    out user_id int, out user_name text, out public boolean, out admin boolean,
    out created_at_s bigint, out listens bigint)
returns setof record
language sql stable as $$
    select u.id, u.name, u.public, u.admin, refrain.time_s(u.created_at), coalesce(t.listens, 0)
    from refrain.users u
    left join refrain.totals t on t.user_id = u.id and t.period = 0
    where u.id > 0
    order by u.name_key
$$;
comment on function refrain.user_list is 'all: every account, by name';

create or replace function refrain.user_add(
    name text, name_key text, public boolean, admin boolean, password_hash text,
    token_hash bytea)
returns int
language plpgsql as $$
#variable_conflict use_column
declare
    added int;
begin
    insert into refrain.users (name, name_key, public, admin, password_hash)
    values (user_add.name, user_add.name_key, user_add.public, user_add.admin,
            user_add.password_hash)
    on conflict (name_key) do nothing
    returning id into added;
    if added is null then
        raise exception 'the user name % is taken', user_add.name using errcode = 'RF004';
    end if;
    perform refrain.user_token_set(user_add.name_key, user_add.token_hash);
    return added;
end
$$;
comment on function refrain.user_add is
    'directory: makes an account with its main token; RF004 if the name is taken';

create or replace function refrain.user_token_set(name_key text, token_hash bytea)
returns setof text
language sql as $$
    with owner as (
        select id, name from refrain.users u where u.name_key = user_token_set.name_key
    ), main as (
        insert into refrain.tokens (hash, user_id, name, scopes)
        select token_hash, id, 'main', 1 | 2 | 4 from owner
        on conflict (user_id, name) do update
            set hash = excluded.hash, scopes = excluded.scopes,
                created_at = now(), last_used_at = null
    )
    select name from owner
$$;
comment on function refrain.user_token_set is
    'directory: replaces a user''s main token; the user''s name as spelt, no row for nobody';

create or replace function refrain.user_set(
    name_key text, time_zone text, public boolean,
    out user_name text, out time_zone_now text, out public_now boolean)
returns setof record
language sql as $$
    update refrain.users u
    set time_zone = coalesce(user_set.time_zone, u.time_zone),
        public = coalesce(user_set.public, u.public)
    where u.name_key = user_set.name_key
    returning u.name, u.time_zone, u.public
$$;
comment on function refrain.user_set is
    'directory: gives a user another time zone and visibility, where null leaves it as it is; the '
    'user''s name as spelt and both as they are now, no row for nobody; RF007 if there is no such '
    'time zone';

create or replace function refrain.user_delete(name_key text) returns setof int
language sql as $$
    delete from refrain.users u where u.name_key = user_delete.name_key returning id
$$;
comment on function refrain.user_delete is
    'directory: ends an account at once, and leaves its data to user_purge; the id, no row for '
    'nobody';

-- ── what changes raise ──

create or replace function refrain.zones_check(zones text[]) returns void
language plpgsql as $$
declare
    wrong text;
begin
    -- Known by name, because what PostgreSQL reads as a zone besides need not be ahead of UTC by
    -- whole quarters of an hour.
    select z.zone into wrong
    from unnest(zones) z(zone)
    where z.zone <> 'UTC'
      and not exists (select from pg_timezone_names n where n.name = z.zone)
    limit 1;
    if wrong is not null then
        raise exception 'there is no time zone ''%'': names are such as Europe/Athens or UTC, see '
                        'pg_timezone_names of PostgreSQL', wrong
            using errcode = 'RF007';
    end if;
end
$$;
comment on function refrain.zones_check is 'helper: RF007 if one of these is no time zone';

create or replace function refrain.users_inserted() returns trigger
language plpgsql as $$
declare
    now_us constant bigint := refrain.time_us(clock_timestamp());
begin
    perform refrain.zones_check(array(select distinct time_zone from added));

    -- The clock alone would do if it never went back: what is cached of somebody who had the name
    -- before must be older.
    insert into refrain.user_version (user_id, bucket, subject, live, past, auth, is_counted)
    select a.id, refrain.user_bucket(a.name_key), refrain.user_subject(a.name_key),
           first.version, first.version, first.version, a.public
    from added a
    cross join lateral (
        select greatest(now_us, max(v.live) + 1, max(v.past) + 1, max(v.auth) + 1) as version
        from refrain.user_version v
        where v.subject = refrain.user_subject(a.name_key)) first
    -- The site keeps its own.
    where a.id > 0;
    if found then
        perform refrain.generation_raise('people');
    end if;
    return null;
end
$$;
comment on function refrain.users_inserted is 'trigger: gives new users their versions';

create or replace function refrain.users_updated() returns trigger
language plpgsql as $$
declare
    now_us  constant bigint := refrain.time_us(clock_timestamp());
    -- No joins, whose plan, made for one row, would be used for very many.
    changed constant int[] := array(
        select id from (table added except table removed) c);
    moved   constant int[] := array(
        select id from (select id, time_zone from added
                        except
                        select id, time_zone from removed) c);
begin
    if changed = '{}' then
        return null;
    end if;
    perform refrain.auth_raise(changed);

    -- All charts of activity, however far back, go by the zone.
    if moved <> '{}' then
        perform refrain.zones_check(array(select distinct time_zone from added));
        perform refrain.versions_raise(
            moved, array_fill('-infinity'::timestamptz, array[cardinality(moved)]));
    end if;

    -- The name may have been that of somebody whose versions were higher, and values of that time
    -- may still be about. No version is ahead of the clock, so from now on all of these are newer.
    update refrain.user_version v
    set bucket = refrain.user_bucket(n.name_key), subject = refrain.user_subject(n.name_key),
        live = greatest(v.live + 1, now_us), past = greatest(v.live + 1, now_us),
        auth = greatest(v.auth + 1, now_us), changed_at = now()
    from added n
    where n.id = v.user_id and v.subject <> refrain.user_subject(n.name_key);

    if exists (select from (
                   select id, name, name_key, public from added
                   except
                   select id, name, name_key, public from removed) seen) then
        perform refrain.generation_raise('people');
    end if;
    return null;
end
$$;
comment on function refrain.users_updated is
    'trigger: a real change of an account raises its auth, a new name all its versions, another '
    'time zone live and past, and what others can see raises people';

create or replace function refrain.users_deleted() returns trigger
language plpgsql as $$
declare
    gone int[];
begin
    if tg_op = 'TRUNCATE' then
        gone := refrain.versions_lock(
            array(select user_id from refrain.user_version where user_id > 0));
    else
        gone := refrain.versions_lock(array(select id from removed));
    end if;
    if gone <> '{}' then
        update refrain.user_version
        set live = live + 1, past = live + 1, auth = auth + 1,
            changed_at = now(), deleted_at = now()
        where user_id = any (gone);
        insert into refrain.purges (user_id) select unnest(gone);
        perform refrain.generation_raise('people');
    end if;
    return null;
end
$$;
comment on function refrain.users_deleted is 'trigger: leaves tombstones, and work for user_purge';

create or replace function refrain.tokens_changed() returns trigger
language plpgsql as $$
declare
    changed int[];
begin
    if tg_op = 'INSERT' then
        changed := array(select user_id from added);
    elsif tg_op = 'DELETE' then
        changed := array(select user_id from removed);
    elsif tg_op = 'UPDATE' then
        -- The time of last use is written again and again, and says nothing of who may do what.
        changed := array(
            select unnest(array[n.user_id, o.user_id])
            from (select hash, user_id, name, scopes from added) n
            full join (select hash, user_id, name, scopes from removed) o on o = n
            where n is null or o is null);
    else
        changed := array(select user_id from refrain.user_version);
    end if;
    if changed <> '{}' then
        perform refrain.auth_raise(changed);
    end if;
    return null;
end
$$;
comment on function refrain.tokens_changed is
    'trigger: a token that comes, goes or changes raises its user''s auth';

create or replace trigger users_inserted after insert on refrain.users
referencing new table as added
for each statement execute function refrain.users_inserted();

create or replace trigger users_updated after update on refrain.users
referencing old table as removed new table as added
for each statement execute function refrain.users_updated();

create or replace trigger users_deleted after delete on refrain.users
referencing old table as removed
for each statement execute function refrain.users_deleted();

create or replace trigger users_truncated after truncate on refrain.users
for each statement execute function refrain.users_deleted();

create or replace trigger tokens_inserted after insert on refrain.tokens
referencing new table as added
for each statement execute function refrain.tokens_changed();

create or replace trigger tokens_updated after update on refrain.tokens
referencing old table as removed new table as added
for each statement execute function refrain.tokens_changed();

create or replace trigger tokens_deleted after delete on refrain.tokens
referencing old table as removed
for each statement execute function refrain.tokens_changed();

create or replace trigger tokens_truncated after truncate on refrain.tokens
for each statement execute function refrain.tokens_changed();
