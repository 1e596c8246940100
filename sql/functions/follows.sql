-- Who follows whom. A private user is one whom others do not know of: nobody can begin to follow
-- him, and no list names him. That is decided when a list is read, so it holds at once.

create or replace function refrain.follow_add(
    user_id int, name_key text, out outcome text, out user_name text, out followed_name text)
language plpgsql as $$
#variable_conflict use_column
declare
    followed int;
begin
    -- Locked, because neither may go before the row is there.
    select u.name into user_name
    from refrain.users u where u.id = follow_add.user_id for key share;
    if not found then
        raise exception 'there is no user %', follow_add.user_id using errcode = 'RF001';
    end if;
    select u.id, u.name into followed, followed_name
    from refrain.users u
    where u.name_key = follow_add.name_key and (u.public or u.id = follow_add.user_id)
    for key share;
    if followed is null then
        outcome := 'unknown';
    elsif followed = follow_add.user_id then
        outcome := 'self';
    else
        insert into refrain.follows (follower_id, followed_id)
        values (follow_add.user_id, followed)
        on conflict do nothing;
        outcome := case when found then 'followed' else 'twice' end;
    end if;
end
$$;
comment on function refrain.follow_add is
    'user: follows the user with this folded name; outcome is followed, self, twice or unknown '
    '(also for a private user), and both names are as spelt. RF001 for an unknown follower';

create or replace function refrain.follow_remove(user_id int, name_key text) returns boolean
language plpgsql as $$
#variable_conflict use_column
begin
    delete from refrain.follows f
    using refrain.users u
    where f.follower_id = follow_remove.user_id and f.followed_id = u.id
      and u.name_key = follow_remove.name_key;
    -- Who has followed somebody may know of him, whatever he is now.
    return found or exists (
        select from refrain.users u
        where u.name_key = follow_remove.name_key
          and (u.public or u.id = follow_remove.user_id));
end
$$;
comment on function refrain.follow_remove is
    'user: no longer follows the user with this folded name, if ever; false if there is none, or a '
    'private one who was not followed';

create or replace function refrain.follow_followers(user_id int) returns text
language sql stable as $$
    select coalesce(json_agg(u.name order by f.created_at, u.id)::text, '[]')
    from refrain.follows f
    join refrain.users u on u.id = f.follower_id
    where f.followed_id = follow_followers.user_id and u.public
$$;
comment on function refrain.follow_followers is
    'user: the names of the public users who follow this one, as a JSON array, in the order in '
    'which they began to';

create or replace function refrain.follow_following(user_id int) returns text
language sql stable as $$
    select coalesce(json_agg(u.name order by f.created_at, u.id)::text, '[]')
    from refrain.follows f
    join refrain.users u on u.id = f.followed_id
    where f.follower_id = follow_following.user_id and u.public
$$;
comment on function refrain.follow_following is
    'user: the names of the public users whom this one follows, likewise';
