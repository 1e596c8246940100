-- Whose pages are read. Every serve process notes once a second whom it has answered about; the
-- workers ask whose pages are worth computing after a change, at their start, and before the hour
-- in which most is read. A note that is lost costs speed and nothing else.

create or replace function refrain.reading_note(users int[], views text[], active_s int)
returns void
language plpgsql as $$
#variable_conflict use_column
declare
    noted int;
begin
    perform set_config('synchronous_commit', 'off', true);
    with told as (
        select t.user_id, string_to_array(string_agg(t.names, ' '), ' ') as names
        from unnest(reading_note.users, reading_note.views) t(user_id, names)
        group by t.user_id
    ), living as (
        -- Those who are about to go are skipped, instead of waited for.
        select id from refrain.users where id = any (reading_note.users) for key share skip locked
    )
    insert into refrain.reading as r (user_id, read_at, views, views_at)
    select t.user_id, now(), coalesce(t.names, '{}'),
           array_fill(now(), array[coalesce(cardinality(t.names), 0)])
    from told t
    join living on living.id = t.user_id
    -- Always in the same order, so that no two notes wait for each other.
    order by t.user_id
    on conflict (user_id) do update
        set read_at = excluded.read_at,
            (views, views_at) = (
                select coalesce(array_agg(p.view order by p.view), '{}'),
                       coalesce(array_agg(p.read_at order by p.view), '{}')
                from (
                    select n.view, max(n.read_at) as read_at
                    from unnest(r.views || excluded.views, r.views_at || excluded.views_at)
                         n(view, read_at)
                    where n.read_at > now() - make_interval(secs => active_s)
                    group by n.view) p);
    get diagnostics noted = row_count;
    if noted > 0 then
        -- The one row that all share, so at the end.
        insert into refrain.reading_hour as h (hour, readers)
        values (date_trunc('hour', now(), 'UTC'), noted)
        on conflict (hour) do update set readers = h.readers + excluded.readers;
    end if;
end
$$;
comment on function refrain.reading_note is
    'all: notes that pages of these users have just been read: for each a text, the pages'' names '
    'joined by blanks. They are added to those that were read within active_s, and older ones are '
    'forgotten. Users that are gone are passed over';

create or replace function refrain.reading_wanted(
    subjects text[], active_s int, out name_key text, out views text)
returns setof record
language sql stable
-- By the keys, from the subjects on, however many readers there are.
set enable_hashjoin = off
set enable_mergejoin = off
set enable_seqscan = off
as $$
    select u.name_key,
           array_to_string(array(
               select n.view from unnest(r.views, r.views_at) n(view, read_at)
               where n.read_at > now() - make_interval(secs => active_s)), ' ')
    from unnest(subjects) s(subject)
    join refrain.user_version v on v.subject = decode(s.subject, 'hex')
    join refrain.users u on u.id = v.user_id
    join refrain.reading r on r.user_id = v.user_id
    where r.read_at > now() - make_interval(secs => active_s)
$$;
comment on function refrain.reading_wanted is
    'all: those of these subjects of whom anything has been read within this time: the folded name, '
    'and the names of the pages that were, joined by blanks';

create or replace function refrain.reading_recent(
    within_s int, before timestamptz, before_user int, batch int,
    out user_id int, out read_at timestamptz, out name_key text, out views text)
returns setof record
language sql stable as $$
    select r.user_id, r.read_at, u.name_key, array_to_string(r.views, ' ')
    from refrain.reading r
    join refrain.users u on u.id = r.user_id
    where r.read_at > now() - make_interval(secs => within_s)
      and (r.read_at, r.user_id) < (coalesce(before, 'infinity'), coalesce(before_user, 0))
    order by r.read_at desc, r.user_id desc
    limit batch
$$;
comment on function refrain.reading_recent is
    'all: users whose pages have been read within this time, with what reading_wanted tells of '
    'them, newest first; those that come after a row of the last batch, or the first ones if that '
    'is null';

create or replace function refrain.reading_peak() returns int
language sql stable as $$
    with week as (
        select hour, readers from refrain.reading_hour
        where hour >= date_trunc('hour', now(), 'UTC') - interval '7 days'
          and hour < date_trunc('hour', now(), 'UTC')
    ), by_hour as (
        select extract(hour from hour at time zone 'UTC')::int as hour, sum(readers) as readers
        from week group by 1
    )
    select hour from by_hour
    where (select min(hour) from week) <= now() - interval '2 days'
    order by readers desc, hour
    limit 1
$$;
comment on function refrain.reading_peak is
    'all: in which hour of the day, 0 to 23 in UTC, most was read over the last seven days; null '
    'until that has been counted for two days';

create or replace function refrain.reading_purge() returns int
language plpgsql as $$
declare
    removed int;
begin
    delete from refrain.reading where ctid = any (array(
        select ctid from refrain.reading
        where read_at < now() - interval '30 days'
        order by read_at
        limit 5000
        for update skip locked));
    get diagnostics removed = row_count;
    delete from refrain.reading_hour where hour < now() - interval '8 days';
    return removed;
end
$$;
comment on function refrain.reading_purge is
    'all: removes up to 5000 users whose pages nobody has read for 30 days, and the hours of more '
    'than 8 days ago; how many users. To be called every minute';
