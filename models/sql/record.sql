-- The record: what a snapshot keeps, the hash of an action, and the functions of the triggers that
-- keep the chain. The triggers themselves belong to their tables, and stand in the revisions.

create function bill_figures(b bills) returns jsonb language sql immutable as $$
    select jsonb_build_object(
        'customer_id', b.customer_id, 'year', b.year, 'month', b.month, 'kind', b.kind,
        'currency', b.currency, 'number', b.number, 'status', b.status,
        'hold_reason', b.hold_reason, 'api_usage', b.api_usage,
        'monthly_api_limit', b.monthly_api_limit, 'overage_units', b.overage_units,
        'overage_unit_cost', b.overage_unit_cost::text, 'overage_amount', b.overage_amount::text,
        'replaces_id', b.replaces_id, 'adjusts_id', b.adjusts_id,
        'billed_so_far', b.billed_so_far::text)
$$;

create or replace function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% of % is refused: its rows are a record and only ever added',
        tg_op, tg_table_name using errcode = 'restrict_violation';
end $$;

create function bill_action_hash(prev_hash bytea, a bill_actions) returns bytea
language sql stable parallel safe as $$
    select sha256(convert_to(jsonb_build_array(
        encode(prev_hash, 'hex'), a.id, a.bill_id, a.bill_version, a.stakeholder_id, a.action,
        a.comment, a.source, a.acted_for_id, a.reverses_id, a.snapshot,
        (extract(epoch from a.created_at) * 1000000)::bigint,
        (extract(epoch from a.updated_at) * 1000000)::bigint
    )::text, 'UTF8'))
$$;

create or replace function link_action() returns trigger language plpgsql as $$
begin
    -- Two writers of one chain meet at this lock; the second sees the first one's link.
    select last_hash into new.prev_hash from bill_chains where bill_id = new.bill_id for update;
    new.hash := bill_action_hash(new.prev_hash, new);
    return new;
end $$;

create or replace function extend_chains() returns trigger language plpgsql as $$
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

create or replace function one_version_up() returns trigger language plpgsql as $$
begin
    raise exception 'bill % changed, so its version must go from % to %, not to %',
        old.id, old.version, old.version + 1, new.version using errcode = 'check_violation';
end $$;

create or replace function first_terms() returns trigger language plpgsql as $$
begin
    insert into customer_terms (customer_id, valid_from, monthly_api_limit, overage_unit_cost)
    select id, date_trunc('month', coalesce(start_date, date '2000-01-01'))::date,
           monthly_api_limit, overage_unit_cost
    from added;
    return null;
end $$;
