-- Is what has been counted what there is?

create or replace function refrain.tallies_counted(
    user_id int, out period smallint, out kind smallint, out entity_id bigint, out listens bigint,
    out first_at timestamptz, out last_at timestamptz, out weight double precision)
returns setof record
language sql stable as $$
    -- The sets without a year are those of all time.
    select coalesce(c.year, 0::smallint), c.kind, c.entity_id, count(*),
           case when c.year is null then min(c.listened_at) end,
           case when c.year is null then max(c.listened_at) end,
           case when c.year is null then sum(refrain.listen_weight(c.listened_at)) end
    from (
        select e.kind, e.entity_id, refrain.utc_year(l.listened_at) as year, l.listened_at
        from refrain.listens l
        cross join refrain.listen_entities(l.artist_id, l.release_id, l.recording_id) e
        where l.user_id = tallies_counted.user_id
    ) c
    group by grouping sets ((c.year, c.kind, c.entity_id), (c.kind, c.entity_id))
$$;
comment on function refrain.tallies_counted is
    'user: what the tallies must be, counted from the listens';

create or replace function refrain.days_counted(
    user_id int, out day date, out listens bigint, out quarters int[])
returns setof record
language sql stable as $$
    select refrain.utc_day(l.listened_at), count(*),
           refrain.quarters_of(array_agg(refrain.utc_quarter(l.listened_at)))
    from refrain.listens l
    where l.user_id = days_counted.user_id
    group by 1
$$;
comment on function refrain.days_counted is
    'user: what listen_days must be, counted from the listens';

create or replace function refrain.verify_user(user_id int, out what text, out detail text)
returns setof record
language plpgsql stable
set work_mem = '64MB'
as $$
#variable_conflict use_column
begin
    if user_id = 0 then
        return query select * from refrain.verify_site();
        return;
    end if;
    return query
    with tallies as materialized (
        select * from refrain.tallies_counted(verify_user.user_id)
    ), totals as (
        select period, count(*) filter (where kind = 1) as artists,
               count(*) filter (where kind = 2) as releases,
               count(*) filter (where kind = 3) as recordings,
               sum(listens) filter (where kind = 3) as listens
        from tallies
        group by period
    ), days as (
        select * from refrain.days_counted(verify_user.user_id)
    )
    select 'tally', format('period %s kind %s entity %s: stored %s, counted %s',
        coalesce(s.period, c.period), coalesce(s.kind, c.kind), coalesce(s.entity_id, c.entity_id),
        (s.listens, s.first_at, s.last_at, s.weight), (c.listens, c.first_at, c.last_at, c.weight))
    from (select * from refrain.tallies t where t.user_id = verify_user.user_id) s
    full join tallies c on (c.period, c.kind, c.entity_id) = (s.period, s.kind, s.entity_id)
    where (s.listens, s.first_at, s.last_at) is distinct from (c.listens, c.first_at, c.last_at)
       or (s.weight is null) <> (c.weight is null)
       -- A sum of floating-point numbers depends on their order.
       or abs(s.weight - c.weight) > 1e-9 * c.weight
    union all
    select 'total', format('period %s: stored %s, counted %s', coalesce(s.period, c.period),
        (s.artists, s.releases, s.recordings, s.listens),
        (c.artists, c.releases, c.recordings, c.listens))
    from (select * from refrain.totals t where t.user_id = verify_user.user_id) s
    full join totals c on c.period = s.period
    where (s.artists, s.releases, s.recordings, s.listens)
          is distinct from (c.artists, c.releases, c.recordings, c.listens)
    union all
    select 'day', format('%s: stored %s, counted %s', coalesce(s.day, c.day),
        (s.listens, s.quarters), (c.listens, c.quarters))
    from (select * from refrain.listen_days d where d.user_id = verify_user.user_id) s
    full join days c on c.day = s.day
    where (s.listens, s.quarters) is distinct from (c.listens, c.quarters);
end
$$;
comment on function refrain.verify_user is
    'user: every difference between tallies, totals and listen_days as stored and what the '
    'listens amount to; none if all is exact. Of user 0, what the site has';

create or replace function refrain.verify_user_some(
    user_id int, wanted int, out differences bigint, out what text, out detail text)
returns setof record
language sql stable as $$
    select count(*) over (), d.what, d.detail
    from refrain.verify_user(verify_user_some.user_id) d
    -- Of who is deleted, what is counted goes before the listens.
    where exists (
        select from refrain.user_version v
        where v.user_id = verify_user_some.user_id and v.deleted_at is null)
    limit wanted
$$;
comment on function refrain.verify_user_some is
    'user: some of the differences that verify_user finds, and how many there are in all';

create or replace function refrain.user_repair(user_id int) returns boolean
language plpgsql
set work_mem = '64MB'
as $$
#variable_conflict use_column
begin
    if user_repair.user_id = 0 then
        perform refrain.repair_site();
        return true;
    end if;
    if refrain.versions_lock(array[user_repair.user_id]) = '{}' then
        return false;
    end if;

    delete from refrain.tallies t where t.user_id = user_repair.user_id;
    insert into refrain.tallies (
        user_id, period, kind, entity_id, listens, first_at, last_at, weight)
    select user_repair.user_id, c.*
    from refrain.tallies_counted(user_repair.user_id) c;

    delete from refrain.totals t where t.user_id = user_repair.user_id;
    insert into refrain.totals (user_id, period, artists, releases, recordings, listens)
    select user_id, period, count(*) filter (where kind = 1), count(*) filter (where kind = 2),
           count(*) filter (where kind = 3), sum(listens) filter (where kind = 3)
    from refrain.tallies t
    where t.user_id = user_repair.user_id
    group by user_id, period;

    delete from refrain.listen_days d where d.user_id = user_repair.user_id;
    insert into refrain.listen_days (user_id, day, listens, quarters)
    select user_repair.user_id, c.*
    from refrain.days_counted(user_repair.user_id) c;

    perform refrain.versions_raise(
        array[user_repair.user_id], array['-infinity'::timestamptz]);
    return true;
end
$$;
comment on function refrain.user_repair is
    'user: counts all of a user''s listens anew, however wrong the counts are, and raises live and '
    'past; who writes his listens waits meanwhile. False if there is no such user. For user 0 '
    'that is repair_site';
