-- Imports: uploads and their reports for listeners, jobs for those who do them.
--
-- The same file is never done twice at a time, since whoever works on it holds a session lock; and
-- were it done twice, nothing would come of it: each step says which row it begins at, and stands
-- only if that is where the import is.
--
-- Locks: a step takes the account, its versions and then the job; the deletion of an account takes
-- the account before all that hangs on it. Whatever else changes a job locks that alone, and what
-- belongs to it after it. So none wait in a circle, and who cancels waits for no step.

create or replace function refrain.import_try_lock(job_id int) returns boolean
language sql as $$
    select pg_try_advisory_lock(1383491376, job_id)
$$;
comment on function refrain.import_try_lock is
    'helper: makes this session the one that works on an import, until it ends or import_unlock';

create or replace function refrain.import_unlock(job_id int) returns boolean
language sql as $$
    select pg_advisory_unlock(1383491376, job_id)
$$;
comment on function refrain.import_unlock is 'helper: the session no longer works on this import';

create or replace function refrain.import_release() returns void
language sql as $$
    select pg_advisory_unlock_all()
$$;
comment on function refrain.import_release is 'all: the session works on no import any more';

-- ── uploads ──

create or replace function refrain.import_open(
    user_id int, file_name text, source_user text, play_min_ms bigint)
returns int
language plpgsql as $$
#variable_conflict use_column
declare
    job_id int;
begin
    -- Locked against others that begin at the same time.
    perform from refrain.users u where u.id = import_open.user_id for no key update;
    if not found then
        raise exception 'there is no user %', import_open.user_id using errcode = 'RF001';
    end if;
    if (select count(*) from refrain.import_jobs j
        where j.user_id = import_open.user_id and j.is_upload
          and j.state in ('uploading', 'waiting', 'running')) >= 20 then
        raise exception '20 imports of this listener have not ended; wait for one, or cancel it'
            using errcode = 'RF005';
    end if;
    insert into refrain.import_jobs (user_id, state, is_upload, file_name, source_user, play_min_ms)
    values (import_open.user_id, 'uploading', true, import_open.file_name,
            import_open.source_user, import_open.play_min_ms)
    returning id into job_id;
    return job_id;
end
$$;
comment on function refrain.import_open is
    'user: begins an upload, whose id it gives. RF001 for an unknown user, RF005 where twenty '
    'imports have not ended';

create or replace function refrain.import_append(
    user_id int, job_id int, number int, data bytea)
returns boolean
language plpgsql as $$
#variable_conflict use_column
begin
    update refrain.import_jobs j
    set size_bytes = j.size_bytes + length(import_append.data), changed_at = now()
    where j.id = import_append.job_id and j.user_id = import_append.user_id
      and j.state = 'uploading';
    if not found then
        return false;
    end if;
    insert into refrain.import_pieces (job_id, number, data)
    values (import_append.job_id, import_append.number, import_append.data);
    return true;
end
$$;
comment on function refrain.import_append is
    'user: adds the piece with this number, counted from 0, to an upload; false where it has gone';

create or replace function refrain.import_submit(user_id int, job_id int) returns boolean
language plpgsql as $$
#variable_conflict use_column
begin
    update refrain.import_jobs j
    set state = 'waiting', changed_at = now()
    where j.id = import_submit.job_id and j.user_id = import_submit.user_id
      and j.state = 'uploading';
    return found;
end
$$;
comment on function refrain.import_submit is
    'user: an upload is complete and waits for a worker; false where it has gone';

create or replace function refrain.import_abandon(user_id int, job_id int) returns boolean
language plpgsql as $$
#variable_conflict use_column
begin
    delete from refrain.import_jobs j
    where j.id = import_abandon.job_id and j.user_id = import_abandon.user_id
      and j.state = 'uploading';
    return found;
end
$$;
comment on function refrain.import_abandon is 'user: forgets an upload that was broken off';

-- ── reports ──

create or replace function refrain.import_skipped(j refrain.import_jobs) returns bigint
language sql stable as $$
    select coalesce(sum(value::bigint), 0)::bigint from jsonb_each_text(j.skipped)
$$;
comment on function refrain.import_skipped is
    'helper: how many rows of an import were left out, for whatever reason';

create or replace function refrain.import_is_held(job_id int) returns boolean
language sql stable as $$
    select exists (
        select from pg_locks l
        where l.locktype = 'advisory' and l.granted
          and l.database = (select d.oid from pg_database d where d.datname = current_database())
          and l.classid = 1383491376::oid and l.objid = job_id::oid and l.objsubid = 2)
$$;
comment on function refrain.import_is_held is
    'helper: whether a session works on an import (see import_try_lock)';

create or replace function refrain.import_pace(
    j refrain.import_jobs, out rows_per_s numeric, out seconds_left numeric)
language sql stable as $$
    select round(p.rate, 1),
           case when j.state = 'running' and p.rate > 0
                then ceil((j.rows_total - j.rows) / p.rate) end
    from (select case when j.state <> 'running' or refrain.import_is_held(j.id)
                      then (j.rows - j.run_rows)
                           / nullif(extract(epoch from j.changed_at - j.run_at), 0)
                 end as rate) p
$$;
comment on function refrain.import_pace is
    'helper: how fast the last run of an import stored rows, up to its last step, and how long it '
    'will take yet; both null where it has not ended and nobody works on it';

create or replace function refrain.import_summary(j refrain.import_jobs) returns text
language sql stable as $$
    select row_to_json(s)::text
    from refrain.import_pace(j) p
    cross join lateral (
        select j.id, j.state, j.file_name, j.format, j.size_bytes,
               refrain.time_s(j.created_at) as created, refrain.time_s(j.started_at) as started,
               refrain.time_s(j.ended_at) as ended,
               j.rows_total, j.rows, j.accepted, j.duplicate,
               refrain.import_skipped(j) as skipped, j.skipped as skipped_because,
               j.refused as refused_count,
               p.rows_per_s, p.seconds_left, j.error) s
$$;
comment on function refrain.import_summary is
    'helper: an import as a JSON object, but for the rows that were refused';

create or replace function refrain.import_report(
    user_id int, job_id int,
    out epoch bigint, out live bigint, out past bigint, out auth bigint, out report text)
language sql stable as $$
    select s.epoch, s.live, s.past, s.auth,
           case when j.id is not null then
               left(refrain.import_summary(j), -1) || ',"refused":['
               || coalesce((
                   select string_agg(row_to_json(r)::text, ',' order by r.row)
                   from (select x.row, x.file, x.line, x.reason
                         from refrain.import_refusals x
                         where x.job_id = j.id) r), '')
               || ']}'
           end
    from refrain.user_state(import_report.user_id) s
    left join refrain.import_jobs j
        on j.id = import_report.job_id and j.user_id = import_report.user_id
$$;
comment on function refrain.import_report is
    'user: all that is known of an import as JSON, null where the user has none of this id; and the '
    'versions, so that who has read how many listens it has stored can be shown them';

create or replace function refrain.text_line(text text) returns text
language sql immutable as $$
    select regexp_replace(text, '[[:cntrl:]]', '?', 'g')
$$;
comment on function refrain.text_line is 'helper: a text without what would end or spoil its line';

create or replace function refrain.import_report_lines(j refrain.import_jobs) returns text
language sql stable as $$
    select format(E'import %s: %s\nfile: %s\n', j.id, j.state, refrain.text_line(j.file_name))
        || coalesce('format: ' || j.format || E'\n', '')
        || format(E'rows: %s%s\naccepted: %s\nduplicate: %s\nskipped: %s%s\nrefused: %s\n',
                  j.rows, ' of ' || j.rows_total, j.accepted, j.duplicate,
                  refrain.import_skipped(j),
                  (select ' (' || string_agg(value || ' ' || key, ', '
                                             order by value::bigint desc, key) || ')'
                   from jsonb_each_text(j.skipped)),
                  j.refused)
        || coalesce('rate: ' || p.rows_per_s || E' rows a second\n', '')
        || coalesce('time left: ' || p.seconds_left || E' s\n', '')
        || coalesce('error: ' || refrain.text_line(j.error) || E'\n', '')
        || r.lines
        || case when j.refused > r.count
                then format(E'refused rows that are not named: %s\n', j.refused - r.count)
                else '' end
    from refrain.import_pace(j) p
    cross join (
        select count(*),
               coalesce(string_agg(
                   format(E'%s:%s: %s\n', refrain.text_line(x.file), x.line,
                          refrain.text_line(x.reason)), '' order by x.row), '') as lines
        from refrain.import_refusals x
        where x.job_id = j.id) r
$$;
comment on function refrain.import_report_lines is 'helper: the lines of import_report_text';

create or replace function refrain.import_report_text(
    user_id int, job_id int,
    out epoch bigint, out live bigint, out past bigint, out auth bigint, out report text)
language sql stable as $$
    select s.epoch, s.live, s.past, s.auth,
           case when j.id is not null then refrain.import_report_lines(j) end
    from refrain.user_state(import_report_text.user_id) s
    left join refrain.import_jobs j
        on j.id = import_report_text.job_id and j.user_id = import_report_text.user_id
$$;
comment on function refrain.import_report_text is
    'user: import_report as text: a line for each figure that has a value, as "name: value", then '
    'one for each refused row that was kept, as "file:line: reason", and how many were not';

create or replace function refrain.import_list(
    user_id int, before_id int, count int,
    out epoch bigint, out live bigint, out past bigint, out auth bigint, out listed int,
    out entries text)
language sql stable as $$
    select s.epoch, s.live, s.past, s.auth, l.listed, '[' || l.entries || ']'
    from refrain.user_state(import_list.user_id) s
    cross join lateral (
        select count(*)::int as listed,
               coalesce(string_agg(refrain.import_summary(j), ',' order by j.id desc), '')
               as entries
        from (select * from refrain.import_jobs x
              where x.user_id = import_list.user_id
                and (import_list.before_id is null or x.id < import_list.before_id)
              order by x.id desc
              limit import_list.count) j) l
$$;
comment on function refrain.import_list is
    'user: imports as a JSON array, the newest first, from below this id on (null: from the newest)';

create or replace function refrain.import_cancel(
    user_id int, job_id int,
    out epoch bigint, out live bigint, out past bigint, out auth bigint, out state text)
language plpgsql as $$
#variable_conflict use_column
begin
    update refrain.import_jobs j
    set state = 'cancelled', ended_at = now()
    where j.id = import_cancel.job_id and j.user_id = import_cancel.user_id
      and j.state in ('uploading', 'waiting', 'running');
    if found then
        delete from refrain.import_pieces p where p.job_id = import_cancel.job_id;
    end if;
    -- What it was before, where it had ended already; null where there is no such import.
    select s.epoch, s.live, s.past, s.auth,
           (select j.state from refrain.import_jobs j
            where j.id = import_cancel.job_id and j.user_id = import_cancel.user_id)
    into epoch, live, past, auth, state
    from refrain.user_state(import_cancel.user_id) s;
end
$$;
comment on function refrain.import_cancel is
    'user: ends an import that has not ended; the step that is under way comes to nothing, what '
    'was stored before stays. The versions, and the state after that: null where there is no such '
    'import, cancelled, or how it had ended before';

-- ── doing them ──

create or replace function refrain.import_start(job_id int) returns setof refrain.import_jobs
language sql as $$
    update refrain.import_jobs j
    set state = 'running', started_at = coalesce(j.started_at, now()), changed_at = now(),
        run_at = now(), run_rows = j.rows,
        attempts = n.attempts, retry_at = now() + n.pause
    from refrain.import_jobs before
    cross join lateral (
        select case when before.rows = before.run_rows then before.attempts + 1 else 1 end
    ) c(attempts)
    cross join lateral (
        -- At once, and again so, then after 1, 4 and 16 minutes.
        select c.attempts,
               case when c.attempts > 2 then interval '1 minute' * 4 ^ (c.attempts - 3)
                    else interval '0' end
    ) n(attempts, pause)
    where before.id = j.id and j.id = job_id and j.state in ('waiting', 'running')
    returning j.*
$$;
comment on function refrain.import_start is
    'helper: an import runs, from the row on that it has come to; no row where it has ended';

create or replace function refrain.import_give_up(job_id int) returns void
language plpgsql as $$
begin
    perform refrain.import_end(
        j.user_id, j.id, 'failed',
        'given up after 5 tries that stored nothing; the log of the worker tells more')
    from refrain.import_jobs j
    where j.id = import_give_up.job_id and j.rows = j.run_rows and j.attempts >= 5;
end
$$;
comment on function refrain.import_give_up is
    'helper: ends an import that nothing has come of for five times, be it that the file is the '
    'death of every worker or that a step takes longer than a statement may';

create or replace function refrain.import_claim(
    out job_id int, out user_id int, out file_name text, out size_bytes bigint,
    out source_user text, out play_min_ms bigint, out rows bigint)
returns setof record
language plpgsql as $$
#variable_conflict use_column
declare
    candidate int;
begin
    for candidate in
        select id from refrain.import_jobs
        where is_upload and state in ('waiting', 'running')
          and (rows <> run_rows or retry_at <= now())
        order by id
    loop
        continue when not refrain.import_try_lock(candidate);
        perform refrain.import_give_up(candidate);
        return query
        select j.id, j.user_id, j.file_name, j.size_bytes, j.source_user, j.play_min_ms, j.rows
        from refrain.import_start(candidate) j;
        if found then
            return;
        end if;
        perform refrain.import_unlock(candidate);
    end loop;
end
$$;
comment on function refrain.import_claim is
    'all: the oldest upload that nobody works on, which this session does from now on; no row where '
    'there is none. One that was claimed and had no step since soon waits before it is claimed '
    'again, the longer the oftener, and has failed after five times';

create or replace function refrain.import_take(user_id int, job_id int, out rows bigint)
returns setof bigint
language plpgsql as $$
#variable_conflict use_column
begin
    if not refrain.import_try_lock(import_take.job_id) then
        raise exception
            'another process is importing this file for this listener; wait for it, or stop it'
            using errcode = 'RF005';
    end if;
    return query
    select s.rows
    from refrain.import_jobs j
    cross join lateral refrain.import_start(j.id) s
    where j.id = import_take.job_id and j.user_id = import_take.user_id;
end
$$;
comment on function refrain.import_take is
    'user: this session works on an import from now on; the rows that have been dealt with, no row '
    'where it has ended. RF005 while another session is at it';

create or replace function refrain.import_resume(
    user_id int, file_name text, digest text, size_bytes bigint, source_user text,
    play_min_ms bigint, out job_id int, out rows bigint)
language plpgsql as $$
#variable_conflict use_column
begin
    perform from refrain.users u where u.id = import_resume.user_id for no key update;
    if not found then
        raise exception 'there is no user %', import_resume.user_id using errcode = 'RF001';
    end if;
    select j.id into job_id
    from refrain.import_jobs j
    where j.user_id = import_resume.user_id and not j.is_upload and j.state = 'running'
      and j.digest = import_resume.digest
      and j.source_user is not distinct from import_resume.source_user
      and j.play_min_ms = import_resume.play_min_ms;
    if job_id is null then
        insert into refrain.import_jobs (
            user_id, state, is_upload, file_name, digest, size_bytes, source_user, play_min_ms)
        values (import_resume.user_id, 'running', false, import_resume.file_name,
                import_resume.digest, import_resume.size_bytes, import_resume.source_user,
                import_resume.play_min_ms)
        returning id into job_id;
    end if;
    rows := refrain.import_take(import_resume.user_id, job_id);
end
$$;
comment on function refrain.import_resume is
    'user: takes up the import of a file that was broken off, or begins it; the rows that have been '
    'dealt with, null where it has just been cancelled. RF001 for an unknown user, RF005 while '
    'another session is at it';

create or replace function refrain.import_piece(user_id int, job_id int, number int)
returns setof bytea
language sql stable as $$
    select p.data
    from refrain.import_pieces p
    join refrain.import_jobs j on j.id = p.job_id
    where p.job_id = import_piece.job_id and p.number = import_piece.number
      and j.user_id = import_piece.user_id
$$;
comment on function refrain.import_piece is
    'user: a piece of an upload; no row beyond the last, or where the import has ended';

create or replace function refrain.import_tell(
    user_id int, job_id int, format text, rows_total bigint)
returns boolean
language plpgsql as $$
#variable_conflict use_column
begin
    update refrain.import_jobs j
    set format = import_tell.format, rows_total = import_tell.rows_total, changed_at = now(),
        run_at = now()
    where j.id = import_tell.job_id and j.user_id = import_tell.user_id and j.state = 'running';
    return found;
end
$$;
comment on function refrain.import_tell is
    'user: notes what is known of a file before its rows are stored, and that this begins now; '
    'false where the import has ended';

create or replace function refrain.import_refuse(
    job_id int, refused_before bigint, refused jsonb)
returns void
language sql as $$
    insert into refrain.import_refusals (job_id, row, file, line, reason)
    select import_refuse.job_id, r.row, r.file, r.line, r.reason
    from jsonb_to_recordset(refused) r(row bigint, file text, line bigint, reason text)
    order by r.row
    limit greatest(0, 10000 - refused_before)
$$;
comment on function refrain.import_refuse is
    'helper: keeps the rows that were refused, as long as they are among the first ten thousand';

create or replace function refrain.import_step(
    user_id int, job_id int, from_row bigint, progress jsonb,
    listened_at_s bigint[], recording_ids bigint[], artist_ids bigint[],
    release_ids bigint[], artist_names text[], track_names text[], release_names text[],
    durations_ms bigint[], clients text[], infos text[], metadatas text[],
    out accepted bigint, out epoch bigint, out live bigint, out past bigint, out auth bigint)
language plpgsql as $$
#variable_conflict use_column
declare
    given constant bigint := cardinality(listened_at_s) + jsonb_array_length(progress -> 'feedback');
    begun refrain.import_jobs;
begin
    perform from refrain.users u where u.id = import_step.user_id for key share;
    if not found then
        raise exception 'there is no user %', import_step.user_id using errcode = 'RF001';
    end if;
    perform refrain.versions_lock(array[import_step.user_id]);
    -- Other steps of this import are over, or wait.
    select * into begun
    from refrain.import_jobs j
    where j.id = import_step.job_id and j.user_id = import_step.user_id
      and j.state = 'running' and j.rows = import_step.from_row;
    if not found then
        perform refrain.import_gone();
    end if;

    select a.accepted into accepted
    from refrain.listen_add(
        import_step.user_id, listened_at_s, recording_ids, artist_ids, release_ids, artist_names,
        track_names, release_names, durations_ms, clients, infos, metadatas) a;
    accepted := accepted
        + refrain.feedback_import(import_step.user_id, progress -> 'feedback');
    perform refrain.import_refuse(import_step.job_id, begun.refused, progress -> 'refused');

    update refrain.import_jobs j
    set rows = j.rows + (progress ->> 'rows')::bigint,
        accepted = j.accepted + import_step.accepted,
        duplicate = j.duplicate + given - import_step.accepted,
        refused = j.refused + (progress ->> 'refused_count')::bigint,
        skipped = (
            select coalesce(jsonb_object_agg(s.key, s.count), '{}')
            from (select key, sum(value::bigint) as count
                  from (select * from jsonb_each_text(j.skipped)
                        union all
                        select * from jsonb_each_text(progress -> 'skipped')) e
                  group by key) s),
        changed_at = clock_timestamp()
    where j.id = import_step.job_id and j.state = 'running';
    if not found then
        perform refrain.import_gone();
    end if;
    select s.epoch, s.live, s.past, s.auth into epoch, live, past, auth
    from refrain.user_state(import_step.user_id) s;
end
$$;
comment on function refrain.import_step is
    'user: stores listens as listen_add does, and feedback, and notes, in the same transaction, '
    'that so many more rows of the import have been dealt with. from_row is how many were before; '
    'progress is an object of rows, skipped (counts by reason), refused_count, refused (an array of '
    'objects of row, file, line and reason) and feedback (see feedback_import). How many listens '
    'and feedbacks were new, and the versions after that. RF006, and nothing is stored, where the '
    'import is not there';

create or replace function refrain.import_gone() returns void
language plpgsql stable as $$
begin
    raise exception 'the import has ended, or another process has gone on with it'
        using errcode = 'RF006';
end
$$;
comment on function refrain.import_gone is 'helper: raises RF006';

create or replace function refrain.import_end(
    user_id int, job_id int, state text, error text)
returns boolean
language plpgsql as $$
#variable_conflict use_column
begin
    update refrain.import_jobs j
    set state = import_end.state, error = import_end.error, ended_at = now()
    where j.id = import_end.job_id and j.user_id = import_end.user_id and j.state = 'running';
    if found then
        delete from refrain.import_pieces p where p.job_id = import_end.job_id;
        return true;
    end if;
    return false;
end
$$;
comment on function refrain.import_end is
    'user: an import that runs is done or failed, for this reason; false where it has ended already';

create or replace function refrain.import_purge() returns int
language plpgsql as $$
declare
    removed int;
begin
    delete from refrain.import_jobs where id = any (array(
        select id from refrain.import_jobs
        where (state = 'uploading' and changed_at < now() - interval '1 hour')
           or (state = 'running' and not is_upload and changed_at < now() - interval '90 days')
           or ended_at < now() - interval '90 days'
        limit 100
        for update skip locked));
    get diagnostics removed = row_count;
    return removed;
end
$$;
comment on function refrain.import_purge is
    'all: removes up to 100 uploads that were broken off an hour ago, and imports that have ended '
    'or were given up 90 days ago, reports and all; how many. To be called every minute';
