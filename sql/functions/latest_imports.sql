-- Up to which second clients have brought listens over from other services. Nothing is cached of it.

create or replace function refrain.latest_import_get(user_id int, service text) returns bigint
language sql stable as $$
    select coalesce(
        (select i.ts from refrain.latest_imports i
         where i.user_id = latest_import_get.user_id and i.service = latest_import_get.service),
        0)
$$;
comment on function refrain.latest_import_get is
    'user: up to which second listens of this service have been brought over; 0 for never';

create or replace function refrain.latest_import_raise(user_id int, service text, ts bigint)
returns void
language plpgsql as $$
#variable_conflict use_column
begin
    insert into refrain.latest_imports as i (user_id, service, ts)
    select latest_import_raise.user_id, latest_import_raise.service, latest_import_raise.ts
    where latest_import_raise.ts > 0
    on conflict (user_id, service) do update set ts = excluded.ts where excluded.ts > i.ts;
exception
    when foreign_key_violation then
        raise exception 'there is no user %', latest_import_raise.user_id using errcode = 'RF001';
end
$$;
comment on function refrain.latest_import_raise is
    'user: notes that they have been brought over up to this second, unless a later one is known. '
    'RF001 for an unknown user';
