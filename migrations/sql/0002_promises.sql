-- Promise 1: what was done stays done. bill_actions takes new rows and nothing else.

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% of % is refused: its rows are a record and only ever added',
        tg_op, tg_table_name using errcode = 'restrict_violation';
end $$;

create trigger append_only before update or delete or truncate on bill_actions
    for each statement execute function refuse_change();
alter table bill_actions enable always trigger append_only;

-- The chain. One function hashes a row, for the insert and for whoever verifies it later.
-- It takes only values whose text does not depend on a session's settings.

create function bill_action_hash(prev_hash bytea, a bill_actions) returns bytea
language sql stable parallel safe as $$
    select sha256(convert_to(jsonb_build_array(
        encode(prev_hash, 'hex'), a.id, a.bill_id, a.bill_version, a.stakeholder_id, a.action,
        a.comment, a.source, a.acted_for_id, a.reverses_id, a.snapshot,
        (extract(epoch from a.created_at) * 1000000)::bigint,
        (extract(epoch from a.updated_at) * 1000000)::bigint
    )::text, 'UTF8'))
$$;

create function link_action() returns trigger language plpgsql as $$
begin
    -- Two writers of one chain meet at this lock; the second sees the first one's link.
    select last_hash into new.prev_hash from bill_chains where bill_id = new.bill_id for update;
    new.hash := bill_action_hash(new.prev_hash, new);
    return new;
end $$;

create trigger link_action before insert on bill_actions
    for each row execute function link_action();
alter table bill_actions enable always trigger link_action;

create function extend_chains() returns trigger language plpgsql as $$
declare
    misfit record;
begin
    select a.id, a.bill_id, a.bill_version, coalesce(c.bill_version, 0) as chained into misfit
    from added a
    left join bill_chains c on c.bill_id = a.bill_id
    where a.bill_version - coalesce(c.bill_version, 0) not in (0, 1)
    limit 1;
    if found then
        raise exception 'action % of bill % carries version %, but its record is at %',
            misfit.id, misfit.bill_id, misfit.bill_version, misfit.chained
            using errcode = 'check_violation';
    end if;
    insert into bill_chains (bill_id, bill_version, actions, last_hash, last_action_id)
    select bill_id, bill_version, 1, hash, id from added
    on conflict (bill_id) do update
    set bill_version = excluded.bill_version,
        actions = bill_chains.actions + 1,
        last_hash = excluded.last_hash,
        last_action_id = excluded.last_action_id;
    return null;
end $$;

create trigger extend_chains after insert on bill_actions
    referencing new table as added
    for each statement execute function extend_chains();
alter table bill_actions enable always trigger extend_chains;

create trigger kept_by_actions before insert or update or delete on bill_chains
    for each statement when (pg_trigger_depth() < 1) execute function refuse_change();
create trigger kept_by_actions_truncate before truncate on bill_chains
    for each statement execute function refuse_change();
alter table bill_chains enable always trigger kept_by_actions;
alter table bill_chains enable always trigger kept_by_actions_truncate;

-- Promise 2: no version of a bill without its action. The chain's row stands at the version of
-- the last action, and at commit every bill must stand where its chain does.

alter table bills add constraint bill_version_has_its_action
    foreign key (id, version) references bill_chains (bill_id, bill_version)
    deferrable initially deferred;

create function one_version_up() returns trigger language plpgsql as $$
begin
    raise exception 'bill % changed, so its version must go from % to %, not to %',
        old.id, old.version, old.version + 1, new.version using errcode = 'check_violation';
end $$;

create trigger one_version_up before update on bills
    for each row when (old.* is distinct from new.* and new.version <> old.version + 1)
    execute function one_version_up();
alter table bills enable always trigger one_version_up;

create trigger never_deleted before delete or truncate on bills
    for each statement execute function refuse_change();
alter table bills enable always trigger never_deleted;

-- A new customer has terms from the start; later changes of terms are rows of their own.

create function first_terms() returns trigger language plpgsql as $$
begin
    insert into customer_terms (customer_id, valid_from, monthly_api_limit, overage_unit_cost)
    select id, date_trunc('month', coalesce(start_date, date '2000-01-01'))::date,
           monthly_api_limit, overage_unit_cost
    from added;
    return null;
end $$;

create trigger first_terms after insert on customers
    referencing new table as added
    for each statement execute function first_terms();
