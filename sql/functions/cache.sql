-- What every request asks first: how fresh is this user's data, and who is asking?

-- The hottest query of all. Only a stable SQL function without SET, STRICT and SECURITY DEFINER
-- is merged into the statement that calls it.
create or replace function refrain.cache_state(
    name_key text, token_hash bytea,
    out user_id int, out user_name text, out public boolean, out time_zone text,
    out epoch bigint, out live bigint, out past bigint, out auth bigint,
    out people bigint, out catalogue bigint, out as_of_us bigint,
    out viewer_id int, out viewer_scopes int, out viewer_admin boolean)
returns setof record
language sql stable as $$
    select u.id, u.name, u.public, u.time_zone,
           s.epoch, s.live, s.past, s.auth, s.people, s.catalogue, s.as_of_us,
           t.user_id, t.scopes::int, viewer.admin
    from refrain.users u
    cross join lateral refrain.user_state(u.id) s
    left join (refrain.tokens t join refrain.users viewer on viewer.id = t.user_id)
        on t.hash = cache_state.token_hash
    where u.name_key = cache_state.name_key
$$;
comment on function refrain.cache_state is
    'directory: a user''s profile and versions, and whom the token (or null) belongs to; no row '
    'for an unknown user';

create or replace function refrain.token_user(
    token_hash bytea,
    out user_id int, out user_name text, out name_key text, out scopes int, out admin boolean)
returns setof record
language sql stable as $$
    select u.id, u.name, u.name_key, t.scopes::int, u.admin
    from refrain.tokens t
    join refrain.users u on u.id = t.user_id
    where t.hash = token_hash
$$;
comment on function refrain.token_user is
    'directory: whom a token belongs to; no row for an unknown one';
