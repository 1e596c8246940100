-- Small helpers for the other files; sorted early, because SQL functions need them when created.
-- None has a SET clause or is STRICT, so that they melt into the queries that use them.

create or replace function refrain.time_s(t timestamptz) returns bigint
language sql stable as $$
    select floor(date_part('epoch', t))::bigint
$$;
comment on function refrain.time_s is 'helper: seconds since 1970';

create or replace function refrain.time_us(t timestamptz) returns bigint
language sql stable as $$
    select (date_part('epoch', t) * 1000000)::bigint
$$;
comment on function refrain.time_us is 'helper: microseconds since 1970';

create or replace function refrain.utc_midnight(day date) returns timestamptz
language sql immutable as $$
    select day::timestamp at time zone 'UTC'
$$;
comment on function refrain.utc_midnight is 'helper: when a day begins in UTC';

create or replace function refrain.utc_day(t timestamptz) returns date
language sql immutable as $$
    select (t at time zone 'UTC')::date
$$;
comment on function refrain.utc_day is 'helper: the UTC day of a time';

create or replace function refrain.utc_quarter(t timestamptz) returns int
language sql immutable as $$
    select floor(date_part('epoch', (t at time zone 'UTC')::time) / 900)::int + 1
$$;
comment on function refrain.utc_quarter is
    'helper: in which quarter of an hour of its UTC day a time lies, 1 to 96';

create or replace function refrain.utc_year(t timestamptz) returns smallint
language sql immutable as $$
    select date_part('year', t at time zone 'UTC')::smallint
$$;
comment on function refrain.utc_year is
    'helper: the calendar year (UTC) of a time, which is the period of its yearly tallies';

create or replace function refrain.zone_midnight(day date, zone text) returns timestamptz
language sql stable as $$
    -- Where clocks go back over midnight it strikes twice, and PostgreSQL takes the second.
    select (day::timestamp at time zone zone)
        - case when ((day::timestamp at time zone zone) - interval '1 hour') at time zone zone
                    >= day::timestamp
               then interval '1 hour' else interval '0' end
$$;
comment on function refrain.zone_midnight is 'helper: when a day begins in a time zone';

create or replace function refrain.zone_quarters(t timestamptz, zone text) returns int
language sql stable as $$
    select (date_part('epoch', (t at time zone zone) - (t at time zone 'UTC')) / 900)::int
$$;
comment on function refrain.zone_quarters is
    'helper: by how many quarters of an hour a time zone is then ahead of UTC';

create or replace function refrain.listen_weight(t timestamptz) returns double precision
language sql stable as $$
    -- Doubles towards the present instead of halving towards the past, so that a sum never has to
    -- be brought up to date. 1033430400 is 2002-10-01, the earliest listen; 15552000 s, 180 days.
    select power(2::double precision, (date_part('epoch', t) - 1033430400) / 15552000)
$$;
comment on function refrain.listen_weight is
    'helper: what a listen adds to the weight of its tallies, half as much for every 180 days that '
    'it lies back; only ratios mean anything';

create or replace function refrain.listen_entities(
    artist_id bigint, release_id bigint, recording_id bigint,
    out kind smallint, out entity_id bigint)
returns setof record
language sql immutable as $$
    select e.kind::smallint, e.entity_id
    from (values (1, artist_id), (2, release_id), (3, recording_id)) e(kind, entity_id)
    where e.entity_id is not null
$$;
comment on function refrain.listen_entities is 'helper: in whose tallies a listen counts';

create or replace function refrain.msid_id(msid uuid) returns bigint
language sql immutable as $$
    select (('x' || left(replace(msid::text, '-', ''), 16))::bit(64) >> 1)::bigint
$$;
comment on function refrain.msid_id is
    'helper: the id of what has this msid, its first 63 bits';

create or replace function refrain.user_bucket(name_key text) returns smallint
language sql stable as $$
    select get_byte(sha256(convert_to(name_key, 'UTF8')), 0)::smallint
$$;
comment on function refrain.user_bucket is 'helper: in which of the 256 cache buckets a user lies';

create or replace function refrain.user_subject(name_key text) returns bytea
language sql stable as $$
    select substring(sha256(convert_to(name_key, 'UTF8')) for 16)
$$;
comment on function refrain.user_subject is
    'helper: what the cache knows a user by; its first byte is the bucket';

create or replace function refrain.json_text(value text) returns text
language sql stable as $$
    select coalesce(to_json(value)::text, 'null')
$$;
comment on function refrain.json_text is 'helper: a JSON string, or null';

create or replace function refrain.json_uuid(value uuid) returns text
language sql stable as $$
    select coalesce('"' || value || '"', 'null')
$$;
comment on function refrain.json_uuid is 'helper: a UUID as a JSON string, or null';

create or replace function refrain.json_more(value jsonb) returns text
language sql stable as $$
    select case when value is null or value = '{}' then ''
                else ',' || substr(value::text, 2, length(value::text) - 2) end
$$;
comment on function refrain.json_more is
    'helper: the members of an object, to go on with after others';

create or replace function refrain.json_artist_mbids(name text, mbids uuid[]) returns text
language sql stable as $$
    -- Of several artists nobody knows which part of the credit is whose: then artists is empty.
    select '"artist_mbids":' || coalesce(array_to_json(mbids)::text, '[]')
        || ',"artists":['
        || case when cardinality(mbids) = 1 then
               '{"artist_credit_name":' || to_json(name)::text
               || ',"artist_mbid":"' || mbids[1] || '","join_phrase":""}'
           else '' end
        || ']'
$$;
comment on function refrain.json_artist_mbids is
    'helper: the members artist_mbids and artists of an object';

create or replace function refrain.json_entity(
    kind int, a refrain.artists, l refrain.releases, r refrain.recordings)
returns text
language sql stable as $$
    select case kind
        when 1 then
            '"artist_mbid":'
            || refrain.json_uuid(case when cardinality(a.mbids) = 1 then a.mbids[1] end)
            || ',"artist_name":' || to_json(a.name)::text
        when 2 then
            refrain.json_artist_mbids(a.name, a.mbids)
            || ',"artist_name":' || to_json(a.name)::text
            || ',"caa_id":null,"caa_release_mbid":null'
            || ',"release_mbid":' || refrain.json_uuid(l.mbid)
            || ',"release_name":' || to_json(l.name)::text
        else
            refrain.json_artist_mbids(a.name, a.mbids)
            || ',"artist_name":' || to_json(a.name)::text
            || ',"caa_id":null,"caa_release_mbid":null'
            || ',"recording_mbid":' || refrain.json_uuid(r.mbid)
            || ',"release_mbid":' || refrain.json_uuid(l.mbid)
            || ',"release_name":' || refrain.json_text(l.name)
            || ',"track_name":' || to_json(r.name)::text
        end
$$;
comment on function refrain.json_entity is
    'helper: the members that tell of an artist (kind 1), a release with its artist (2), or a '
    'recording (3) with its artist and its release, which may be null';

create or replace function refrain.json_mbid_mapping(
    r refrain.recordings, a refrain.artists, l refrain.releases)
returns text
language sql stable as $$
    select case when r.mbid is null then '' else
               ',"mbid_mapping":{"recording_mbid":"' || r.mbid
               || '","recording_name":' || to_json(r.name)::text
               || coalesce(',"release_mbid":"' || l.mbid || '"', '')
               || coalesce(',"release_group_mbid":"' || l.group_mbid || '"', '')
               || ',' || refrain.json_artist_mbids(a.name, a.mbids) || '}'
           end
$$;
comment on function refrain.json_mbid_mapping is
    'helper: the member mbid_mapping, to go on with after others, of a recording whose MBID is '
    'known; its release may be null';

create or replace function refrain.user_state(
    user_id int,
    out epoch bigint, out live bigint, out past bigint, out auth bigint,
    out people bigint, out catalogue bigint, out model bigint, out as_of_us bigint)
returns setof record
language sql stable as $$
    -- now(), not the statement's time: several reads may share a snapshot that is older than most.
    select e.epoch, v.live, v.past, v.auth, p.value, c.value, m.value, refrain.time_us(now())
    from refrain.user_version v
    join refrain.cache_epoch e on e.bucket = v.bucket
    join refrain.generation p on p.name = 'people'
    join refrain.generation c on c.name = 'catalogue'
    join refrain.generation m on m.name = 'model'
    where v.user_id = user_state.user_id and v.deleted_at is null
$$;
comment on function refrain.user_state is
    'user: the versions of a living user''s data, for a read to return beside what it has read; '
    'no row for anybody else';
