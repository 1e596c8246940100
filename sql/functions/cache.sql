-- What every request asks first: how fresh is this user's data, and who is asking?

-- The hottest query of all. Only a stable SQL function without SET, STRICT and SECURITY DEFINER
-- is merged into the statement that calls it.
create or replace function refrain.cache_state(
    key text, token_hash bytea,
    out user_id int, out user_name text, out public boolean, out time_zone text,
    out epoch bigint, out live bigint, out past bigint, out auth bigint,
    out people bigint, out catalogue bigint, out model bigint, out as_of_us bigint,
    out viewer_id int, out viewer_scopes int, out viewer_admin boolean, out name_key text)
returns setof record
language sql stable as $$
    select u.id, u.name, u.public, u.time_zone,
           s.*, t.user_id, t.scopes::int, viewer.admin, u.name_key
    from refrain.users u
    cross join lateral refrain.user_state(u.id) s
    left join (refrain.tokens t join refrain.users viewer on viewer.id = t.user_id)
        on t.hash = cache_state.token_hash
    where u.name_key = cache_state.key
$$;
comment on function refrain.cache_state is
    'directory: a user''s profile and versions, and whom the token (or null) belongs to; no row '
    'for an unknown user';

create or replace function refrain.token_state(
    token_hash bytea,
    out user_id int, out user_name text, out public boolean, out time_zone text,
    out epoch bigint, out live bigint, out past bigint, out auth bigint,
    out people bigint, out catalogue bigint, out model bigint, out as_of_us bigint,
    out viewer_id int, out viewer_scopes int, out viewer_admin boolean, out name_key text)
returns setof record
language sql stable as $$
    select u.id, u.name, u.public, u.time_zone, s.*, u.id, t.scopes::int, u.admin, u.name_key
    from refrain.tokens t
    join refrain.users u on u.id = t.user_id
    cross join lateral refrain.user_state(u.id) s
    where t.hash = token_state.token_hash
$$;
comment on function refrain.token_state is
    'directory: the same of whom a token belongs to, who is the viewer as well; no row for an '
    'unknown token';

create or replace function refrain.name_versions(
    key text, out epoch bigint, out live bigint, out past bigint, out auth bigint)
returns setof record
language sql stable as $$
    select e.epoch, v.live, v.past, v.auth
    from refrain.user_version v
    join refrain.cache_epoch e on e.bucket = v.bucket
    where v.subject = refrain.user_subject(key)
    -- Whoever had the name before has smaller numbers.
    order by v.live desc
    limit 1
$$;
comment on function refrain.name_versions is
    'directory: the newest versions of whoever has a name, or had it until he was deleted; no row '
    'for nobody';
