-- Removing what deleted users have left, a little at a time.

create or replace function refrain.user_purge(batch int) returns int
language plpgsql as $$
declare
    gone    int;
    removed int := 0;
begin
    while removed < batch loop
        -- Several workers may be at it: each takes a user whom no other has taken.
        select user_id into gone
        from refrain.purges order by user_id limit 1 for update skip locked;
        exit when gone is null;
        removed := removed + refrain.user_remove(gone, batch - removed);
        if removed < batch then
            delete from refrain.purges where user_id = gone;
        end if;
    end loop;
    return removed;
end
$$;
comment on function refrain.user_purge is
    'all: removes up to batch rows of what deleted users have left; how many, and 0 if nothing is '
    'left, or other workers are at the rest';

create or replace function refrain.user_remove(user_id int, batch int) returns int
language plpgsql as $$
#variable_conflict use_column
declare
    removed int := 0;
    n       int;
begin
    -- While the listens are still there.
    perform refrain.site_settle(user_id);

    delete from refrain.tallies where ctid = any (array(
        select ctid from refrain.tallies
        where user_id = user_remove.user_id limit batch));
    get diagnostics n = row_count;
    removed := removed + n;

    delete from refrain.totals where ctid = any (array(
        select ctid from refrain.totals
        where user_id = user_remove.user_id limit batch - removed));
    get diagnostics n = row_count;
    removed := removed + n;

    delete from refrain.listen_days where ctid = any (array(
        select ctid from refrain.listen_days
        where user_id = user_remove.user_id limit batch - removed));
    get diagnostics n = row_count;
    removed := removed + n;

    delete from refrain.listens where ctid = any (array(
        select ctid from refrain.listens
        where user_id = user_remove.user_id limit batch - removed));
    get diagnostics n = row_count;
    return removed + n;
end
$$;
comment on function refrain.user_remove is
    'helper: removes up to batch rows of a deleted user, listens last; fewer only if no more are '
    'left';
