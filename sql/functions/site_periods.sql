-- In which periods and steps a listen counts for what the site has (site.sql).
--
-- Charts (site_tallies) have a period for each named range. All time and years are kept for ever;
-- weeks, months, quarters and half-years as long as a named range can tell of them: the running one
-- and the last complete one, and for a day the one before that, because clocks differ.
--
-- What is asked for by artist or release (site_hours, site_listeners) is added up when read, from
-- steps: days, months and years. Years are kept for ever, months and days as long as they are a part
-- of something that a range can tell of.
--
-- What is no longer kept never is again, so what there is is complete.

create or replace function refrain.site_period(unit text, day date) returns int
language sql immutable as $$
    select case unit
        when 'week' then to_char(date_trunc('week', day::timestamp), 'YYYYMMDD')::int
        when 'month' then date_part('year', day)::int * 100 + date_part('month', day)::int
        when 'quarter' then date_part('year', day)::int * 10 + date_part('quarter', day)::int
        when 'half-year' then date_part('year', day)::int * 10 + 5
                              + (date_part('month', day) > 6)::int
        when 'year' then date_part('year', day)::int
        else 0
    end
$$;
comment on function refrain.site_period is
    'helper: the number of the week (20261116, its Monday), month (202611), quarter (20261 to '
    '20264), half-year (20265, 20266) or year (2026) of a day; 0 is all time';

create or replace function refrain.site_period_of(from_s bigint, to_s bigint) returns int
language sql stable as $$
    select refrain.site_period(
        case when to_s is null then 'all time'
             when to_s - from_s <= 7 * 86400 then 'week'
             when to_s - from_s <= 31 * 86400 then 'month'
             when to_s - from_s <= 92 * 86400 then 'quarter'
             when to_s - from_s <= 184 * 86400 then 'half-year'
             else 'year' end,
        refrain.utc_day(to_timestamp(from_s)))
$$;
comment on function refrain.site_period_of is
    'helper: the number of the window of a named range';

create or replace function refrain.site_since(at timestamptz) returns date[]
language sql immutable as $$
    select array[date_trunc('week', t) - interval '1 week',
                 date_trunc('month', t) - interval '1 month',
                 date_trunc('quarter', t) - interval '3 months',
                 date_trunc('year', t) + interval '6 months'
                     * ((date_part('month', t) > 6)::int - 1),
                 date_trunc('year', t) - interval '1 year']::date[]
    from (select (at at time zone 'UTC') - interval '1 day') d(t)
$$;
comment on function refrain.site_since is
    'helper: when the first week, month, quarter, half-year and months of a year began that are '
    'kept at this time';

create or replace function refrain.site_is_kept(period int, since date[]) returns boolean
language sql immutable as $$
    select case when period < 10000 then true
                when period < 100000 and period % 10 < 5
                    then period >= refrain.site_period('quarter', since[3])
                when period < 100000 then period >= refrain.site_period('half-year', since[4])
                when period < 1000000 then period >= refrain.site_period('month', since[2])
                else period >= refrain.site_period('week', since[1]) end
$$;
comment on function refrain.site_is_kept is
    'helper: whether this is a period that is kept (site_since)';

create or replace function refrain.site_periods(day date, since date[]) returns int[]
language sql immutable as $$
    select array_agg(refrain.site_period(p.unit, day))
    from (values ('all time', null::date), ('year', null), ('half-year', since[4]),
                 ('quarter', since[3]), ('month', since[2]), ('week', since[1])) p(unit, since)
    where p.since is null or day >= p.since
$$;
comment on function refrain.site_periods is
    'helper: the periods that a day is in, of those that are kept (site_since)';

create or replace function refrain.site_steps(day date, since date[]) returns int[]
language sql immutable as $$
    select array_agg(to_char(day, s.form)::int)
    from (values ('YYYY', null::date), ('YYYYMM', since[5]), ('YYYYMMDD', since[2])) s(form, since)
    where s.since is null or day >= s.since
$$;
comment on function refrain.site_steps is
    'helper: the steps that a day is in, of those that are kept: its year (2026), month (202611) '
    'and day (20261123)';

create or replace function refrain.site_old_steps(since date[], out first int, out last int)
returns setof record
language sql immutable as $$
    values (100000, to_char(since[5], 'YYYYMM')::int - 1),
           (10000000, to_char(since[2], 'YYYYMMDD')::int - 1)
$$;
comment on function refrain.site_old_steps is
    'helper: the numbers of the steps that are not kept any more';

create or replace function refrain.site_window_steps(
    from_s bigint, to_s bigint, is_sliced boolean, out step int, out day date)
returns setof record
language plpgsql stable rows 31 as $$
#variable_conflict use_column
declare
    days constant bigint := (to_s - from_s) / 86400;
    unit constant text := case
        when days <= 7 or (is_sliced and days <= 31) then 'day'
        when is_sliced or days <= 184 then 'month'
        else 'year' end;
begin
    if to_s is null then
        return query
        select o.period, make_date(o.period, 1, 1)
        from refrain.site_totals o where o.period between 1 and 9999;
    else
        return query
        select to_char(d.at, case unit when 'day' then 'YYYYMMDD' when 'month' then 'YYYYMM'
                             else 'YYYY' end)::int, d.at::date
        from generate_series(
            to_timestamp(from_s) at time zone 'UTC', to_timestamp(to_s - 1) at time zone 'UTC',
            ('1 ' || unit)::interval) d(at);
    end if;
end
$$;
comment on function refrain.site_window_steps is
    'helper: the steps that the window of a named range is made of, and when each begins: the '
    'fewest; where is_sliced the days of a week or month, or the months of what is longer';

create or replace function refrain.site_spread(size int, places int[], listens bigint[])
returns int[]
language plpgsql immutable as $$
declare
    sums int[] := array_fill(0, array[size]);
begin
    for i in 1 .. cardinality(places) loop
        sums[places[i]] := sums[places[i]] + listens[i];
    end loop;
    return sums;
end
$$;
comment on function refrain.site_spread is
    'helper: so many numbers, from what is at some of their places; the first is 1';
