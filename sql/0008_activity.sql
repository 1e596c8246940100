-- When somebody listens, to the quarter of an hour, and one row of totals for each period.

-- Nothing is stored while what there is is counted.
lock table refrain.listens in share row exclusive mode;

-- ── a row of totals for all kinds: a listen changes two of them and not six ──

create temporary table totals_by_kind on commit drop as
select user_id, period, kind, entities, listens from refrain.totals;
drop table refrain.totals;

create table refrain.totals (
    user_id    int not null,
    period     smallint not null,
    artists    bigint not null,
    releases   bigint not null,
    recordings bigint not null,
    listens    bigint not null,
    primary key (user_id, period)
) with (fillfactor = 50);
comment on table refrain.totals is
    'How many artists, releases and recordings somebody has tallies of in a period, and how many '
    'listens there are in it.';

insert into refrain.totals (user_id, period, artists, releases, recordings, listens)
select user_id, period, coalesce(sum(entities) filter (where kind = 1), 0),
       coalesce(sum(entities) filter (where kind = 2), 0),
       coalesce(sum(entities) filter (where kind = 3), 0),
       coalesce(sum(listens) filter (where kind = 3), 0)
from totals_by_kind
group by user_id, period;

-- ── the quarters of each day ──

-- As in functions/tallies.sql, which an empty database does not have yet.
create function refrain.quarters_of(heard int[]) returns int[]
language plpgsql immutable as $$
declare
    quarters int[] := array_fill(0, array[96]);
    quarter  int;
begin
    foreach quarter in array heard loop
        quarters[quarter] := quarters[quarter] + 1;
    end loop;
    return quarters;
end
$$;

truncate refrain.listen_days;
alter table refrain.listen_days add column quarters int[] not null;
comment on table refrain.listen_days is
    'Listens of each day (UTC), by user; quarters has 96 numbers, the listens of each quarter of '
    'an hour. Every time zone differs from UTC by whole quarters.';

insert into refrain.listen_days (user_id, day, listens, quarters)
select user_id, (at at time zone 'UTC')::date, count(*),
       refrain.quarters_of(array_agg(
           floor(date_part('epoch', (at at time zone 'UTC')::time) / 900)::int + 1))
from (select user_id, listened_at as at from refrain.listens) l
group by 1, 2;
