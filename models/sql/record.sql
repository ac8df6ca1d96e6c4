-- The record: what a snapshot keeps, the hash of an action, and the functions of the triggers that
-- keep the chain. The triggers themselves belong to their tables, and stand in the revisions.

-- Stable, since what makes JSON is: an immutable function of something stable is never inlined. And
-- JSON_OBJECT looks its types up once a statement, jsonb_build_object once a row.
create function bill_figures(b bills) returns jsonb language sql stable as $$
    select json_object(
        'customer_id': b.customer_id, 'year': b.year, 'month': b.month, 'kind': b.kind,
        'currency': b.currency, 'number': b.number, 'status': b.status,
        'hold_reason': b.hold_reason, 'api_usage': b.api_usage,
        'monthly_api_limit': b.monthly_api_limit, 'overage_units': b.overage_units,
        'overage_unit_cost': b.overage_unit_cost::text, 'overage_amount': b.overage_amount::text,
        'replaces_id': b.replaces_id, 'adjusts_id': b.adjusts_id,
        'billed_so_far': b.billed_so_far::text, 'waived_units': b.waived_units
        null on null returning jsonb)
$$;

create or replace function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% of % is refused: its rows are a record and only ever added',
        tg_op, tg_table_name using errcode = 'restrict_violation';
end $$;

-- The text of the JSON array of what an action says, put together without building the array.
create function bill_action_hash(prev_hash bytea, a bill_actions) returns bytea
language sql stable parallel safe as $$
    select sha256(convert_to(concat('[',
        coalesce(to_json(encode(prev_hash, 'hex'))::text, 'null'), ', ',
        a.id, ', ', a.bill_id, ', ', a.bill_version, ', ', a.stakeholder_id, ', ',
        to_json(a.action), ', ', coalesce(to_json(a.comment)::text, 'null'), ', ',
        to_json(a.source), ', ', coalesce(a.acted_for_id::text, 'null'), ', ',
        coalesce(a.reverses_id::text, 'null'), ', ', a.snapshot, ', ',
        (extract(epoch from a.created_at) * 1000000)::bigint, ', ',
        (extract(epoch from a.updated_at) * 1000000)::bigint, ']'), 'UTF8'))
$$;

-- Nothing is looked up for an action that begins a record. That nothing stands before it is seen to
-- by extend_chains.
create or replace function link_action() returns trigger language plpgsql as $$
begin
    if new.action in ('generate', 'reissue') then
        new.prev_hash := null;
    else
        -- Two writers of one chain meet at this lock; the second sees the first one's link.
        select last_hash into new.prev_hash from bill_chains where bill_id = new.bill_id for update;
    end if;
    new.hash := bill_action_hash(new.prev_hash, new);
    return new;
end $$;

-- A first link makes a chain: where there is one already, its key refuses that. Every other link has
-- to hang on the last one of its chain, at that one's version or the next.
create or replace function extend_chains() returns trigger language plpgsql as $$
declare
    linked bigint;
    begun bigint;
    extended bigint;
    misfit record;
begin
    select count(*) into linked from added;
    insert into bill_chains (bill_id, bill_version, actions, last_hash, last_action_id)
    select bill_id, bill_version, 1, hash, id from added
    where prev_hash is null and bill_version = 1;
    get diagnostics begun = row_count;
    if begun = linked then
        return null;
    end if;
    update bill_chains c
    set bill_version = a.bill_version, actions = c.actions + 1, last_hash = a.hash,
        last_action_id = a.id
    from added a
    where c.bill_id = a.bill_id and c.last_hash = a.prev_hash
      and a.bill_version - c.bill_version in (0, 1);
    get diagnostics extended = row_count;
    if begun + extended < linked then
        select a.id, a.bill_id, a.bill_version, coalesce(c.bill_version, 0) as chained into misfit
        from added a
        left join bill_chains c on c.bill_id = a.bill_id
        where c.last_action_id is distinct from a.id
        limit 1;
        raise exception 'action % of bill % carries version %, but its record is at %',
            misfit.id, misfit.bill_id, misfit.bill_version, misfit.chained
            using errcode = 'check_violation';
    end if;
    return null;
end $$;

create or replace function one_version_up() returns trigger language plpgsql as $$
begin
    raise exception 'bill % changed, so its version must go from % to %, not to %',
        old.id, old.version, old.version + 1, new.version using errcode = 'check_violation';
end $$;

create or replace function first_terms() returns trigger language plpgsql as $$
begin
    insert into customer_terms
        (customer_id, valid_from, currency, monthly_api_limit, overage_unit_cost)
    select id, date_trunc('month', coalesce(start_date, date '2000-01-01'))::date,
           currency, monthly_api_limit, overage_unit_cost
    from added;
    return null;
end $$;

-- The dates that a customer's contract had. Where the new contract begins on the last day of the
-- former one or later, and goes on beyond it, the former still covers its months; any other change
-- puts dates right that were wrong.
create or replace function keep_former_contract() returns trigger language plpgsql as $$
begin
    update former_contracts
    set stands = false
    where customer_id = new.id and stands
      and (new.start_date is null or end_date > new.start_date);
    insert into former_contracts (customer_id, start_date, end_date, replaced_at, stands)
    values (new.id, old.start_date, old.end_date, new.updated_at,
            coalesce(new.start_date >= old.end_date, false)
            and coalesce(new.end_date > old.end_date, true));
    return null;
end $$;

-- Where a customer gets another currency, its rules stay in the one that they were written in.
create or replace function keep_rules_currency() returns trigger language plpgsql as $$
begin
    new.rules_currency := nullif(coalesce(old.rules_currency, old.currency), new.currency);
    return new;
end $$;
