-- One bill, or a few, read whole in one row each: for whoever waits for a click or for a card. By
-- key, with plans that are kept: to plan such a read anew takes longer than to answer it. Money and
-- moments are text, which JSON cannot round.

create function record_of(bill bigint) returns json language plpgsql stable as $$
begin
    return (
        select json_agg(json_build_object(
            'id', a.id, 'bill_id', a.bill_id, 'bill_version', a.bill_version,
            'stakeholder_id', a.stakeholder_id, 'action', a.action, 'comment', a.comment,
            'source', a.source, 'acted_for_id', a.acted_for_id, 'reverses_id', a.reverses_id,
            'snapshot', a.snapshot, 'created_at', a.created_at, 'updated_at', a.updated_at,
            'by', person_ref(u), 'acted_for', person_ref(f),
            'named', case when a.snapshot ?| array['corrected_by', 'asked', 'instead_of'] then (
                select json_agg(person_ref(k)) from users k
                where k.id in ((a.snapshot ->> 'corrected_by')::bigint,
                               (a.snapshot ->> 'asked')::bigint,
                               (a.snapshot ->> 'instead_of')::bigint)) end)
            order by a.id)
        from bill_actions a
        join users u on u.id = a.stakeholder_id
        left join users f on f.id = a.acted_for_id
        where a.bill_id = bill);
end
$$;

-- The bill by whose revision Finance agreed on the units that a correction starts from.
create function agreed_before(b bills) returns bigint language sql stable as $$
    select min(m.id) from bills m
    where (m.id = b.adjusts_id or m.adjusts_id = b.adjusts_id) and m.number is not null
      and m.id < b.id and m.waived_units = b.waived_units
$$;

-- The months up to a bill's own: the calls used, and what was billed in the end, or would be where
-- nobody has billed it, and in which currency. The bill's own month comes to what the bill says.
create function trend_of(b bills, months integer, first_year integer) returns json
language plpgsql stable as $$
begin
    return (
        select json_agg(json_build_array(
            m.first_day, case when m.is_own then b.api_usage else o.api_usage end,
            case when m.is_own then b.overage_amount
                 when billed.id is null then o.overage_amount
                 else standing_amount(billed) end::text,
            case when m.is_own then b.currency
                 else coalesce(billed.currency, o.currency) end) order by m.first_day)
        from (select (make_date(b.year, b.month, 1) - make_interval(months => ago))::date, ago = 0
              from generate_series(months - 1, 0, -1) ago) m (first_day, is_own)
        cross join lateral (
            select extract(year from m.first_day)::int as year,
                   extract(month from m.first_day)::int as month) p
        left join lateral overage_of(b.customer_id, p.year, p.month) o on true
        left join lateral (
            select * from bills r
            where r.customer_id = b.customer_id and r.kind = 'overage'
              and r.year = p.year and r.month = p.month
            order by r.status = 'void', r.id desc limit 1) billed on true
        where m.first_day >= make_date(first_year, 1, 1));
end
$$;

-- All that cards tell of bills, in the order asked for.
create function card_facts(
    bill_ids bigint[], months integer, first_year integer)
returns table (
    bill bills, customer_name text, billing_email text, both_above numeric,
    rules_currency text, slots json, actions json, trend json,
    jumps boolean, outdated json, related json, agreed_id bigint, delivery json, mail_waits text,
    with_tax numeric)
language plpgsql stable rows 1 set plan_cache_mode = force_generic_plan as $$
begin
    return query
    select b, c.name, c.billing_email,
           case when exceeds_second_approval(r, b.overage_amount, b.currency)
                 and not (r.require_csm_approval and r.require_sales_approval)
                then r.second_approval_above end,
           r.rules_currency,
           slots_of(b.id), record_of(b.id),
           trend_of(b, months, first_year),
           flag.jumps,
           case when b.status = 'rejected' then (
               select json_build_array(t.api_usage, t.monthly_api_limit,
                                       t.overage_unit_cost::text, t.overage_amount::text,
                                       t.currency)
               from outdated_bills o cross join lateral figures_anew(b) t where o.id = b.id) end,
           (select json_agg(json_build_object(
                'id', r.id, 'kind', r.kind, 'status', r.status, 'number', r.number,
                'amount', r.overage_amount::text,
                'with_tax', (select total_due(o) from bills o where o.id = r.id)::text, 'currency', r.currency, 'units', r.overage_units,
                'counted', greatest(0, r.api_usage - r.monthly_api_limit),
                'adjusts_id', r.adjusts_id, 'replaces_id', r.replaces_id,
                'is_corrected', b.adjusts_id is not null and exists (
                    select from corrected_documents(b) c where c.id = r.id)) order by r.id)
            from (select * from bills where id in (b.adjusts_id, b.replaces_id)
                  union select c.* from corrected_documents(b) c where b.adjusts_id is not null
                  union select * from bills where adjusts_id = b.id
                  union select * from bills where replaces_id = b.id
                  union select * from bills where id = agreed.id) r),
           agreed.id,
           (select to_json(d) from deliveries d where d.bill_id = b.id),
           case when b.status = 'sending' then (select p.cause from mail_pause p) end,
           total_due(b)
    from unnest(bill_ids) with ordinality asked (id, place)
    join bills b on b.id = asked.id
    cross join lateral (select agreed_before(b) as id) agreed
    join customers c on c.id = b.customer_id
    cross join lateral approval_rules_of_bill(b.id, b.customer_id) r
    cross join lateral jump_flag_of(b) flag
    order by asked.place;
end
$$;

-- A bill locked until the transaction ends, and as it is then. What it corrects is locked before it:
-- in the order in which a month is recalculated and made void.
create function locked_bill(one bigint) returns setof bills language plpgsql rows 1 as $$
begin
    perform from bills
    where id = one or id = (select adjusts_id from bills where id = one)
    order by id for no key update;
    return query select * from bills where id = one;
end
$$;

-- A bill, `locking` it first, and all else that an action is decided by but for whoever acts.
create function bill_to_act_on(one bigint, locking boolean)
returns table (
    bill bills, customer_name text, billing_email text, cc_emails text, written text[], slots json,
    actions json, figures json, is_outdated boolean, corrects_void boolean)
language plpgsql rows 1 set plan_cache_mode = force_generic_plan as $$
begin
    if locking then
        perform from locked_bill(one);
    end if;
    return query
    select b, c.name, c.billing_email, c.cc_emails,
           array[c.name, c.billing_address, c.tax_id, c.tax_note], slots_of(b.id), record_of(b.id),
           case when t.currency is not null then json_build_object(
               'api_usage', t.api_usage, 'monthly_api_limit', t.monthly_api_limit,
               'overage_units', t.overage_units, 'overage_unit_cost', t.overage_unit_cost::text,
               'overage_amount', t.overage_amount::text, 'currency', t.currency,
               'billed_so_far', t.billed_so_far::text, 'waived_units', t.waived_units) end,
           t.currency is not null and is_outdated(
               b, t.api_usage, t.monthly_api_limit, t.overage_unit_cost, t.currency,
               t.billed_so_far),
           corrects_void(b)
    from bills b
    join customers c on c.id = b.customer_id
    left join lateral figures_now(b) t on true
    where b.id = one;
end
$$;
