-- Why a bill is held, and which the customer's own rule approves.

-- What the customer was billed in this currency for the last month before that has a bill.
create function previous_amount(
    customer bigint, in_currency text, of_year integer, of_month integer)
returns table (amount numeric) language sql stable rows 1 as $$
    select overage_amount from bills
    where customer_id = customer and currency = in_currency
      and kind = 'overage' and status <> 'void' and (year, month) < (of_year, of_month)
    order by year desc, month desc limit 1
$$;

-- More than so many times as much as before is a jump; there is nothing to compare with nothing.
-- Without a factor nothing is one.
create function is_jump(amount numeric, previous numeric, factor numeric) returns boolean
language sql immutable parallel safe as $$
    select coalesce(previous > 0 and amount > previous * factor, false)
$$;

-- The first cause for which an overage's bill is held, if any.
create function hold_reason(
    unit_cost numeric, active_days integer, has_no_approver boolean,
    amount numeric, previous numeric, jump_factor numeric)
returns text language sql immutable parallel safe as $$
    select case when unit_cost is null then 'no_price'
                when active_days = 0 then 'outside_contract'
                when has_no_approver then 'no_approver'
                when is_jump(amount, previous, jump_factor) then 'jump' end
$$;

-- Whether the customer's own rule approves an amount, whatever its sign.
create function passes_auto_approval(
    amount numeric, auto_approve_below numeric, second_approval_above numeric, jumps boolean)
returns boolean language sql immutable parallel safe as $$
    select coalesce(abs(amount) < auto_approve_below, false)
       and not coalesce(abs(amount) > second_approval_above, false)
       and not jumps
$$;
