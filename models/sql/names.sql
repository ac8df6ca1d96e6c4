-- What makes two names one, for customers and people alike. The keys are stored in generated columns,
-- and triggers hold on to the rest: so all of this is replaced and never dropped, and another text of
-- name_key comes with a revision that writes the keys anew.

-- Signs that nobody sees are left out, compatible forms and widths are one, letters have one case, and
-- a run of blanks is one blank. To raise before lowering makes one of all forms of a letter, such as
-- the two small sigmas. Most names are plain, and for them a fifth of the work does. Not strict:
-- that would keep it from being inlined, and cost five times as much.
create or replace function name_key(name text) returns text
language sql immutable parallel safe as $$
    select case when name ~ '^[!-~]+( [!-~]+)*$' then lower(name collate "C")
    else btrim(regexp_replace(normalize(replace(lower(upper(normalize(regexp_replace(name,
        '[\u0001-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f\u00ad\u034f\u061c\u115f\u1160'
        '\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff'
        '\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+',
        '', 'g'), nfkc) collate "pg_c_utf8")) collate "C", 'ß', 'ss'), nfkc),
        '[\u0009-\u000d\u0020\u0085\u1680\u2028\u2029\u2800]+', ' ', 'g')) end
$$;

create or replace function name_customers() returns trigger language plpgsql as $$
begin
    insert into customer_names (customer_id, name) select id, name from added;
    return null;
end $$;

-- A name that a customer had stays its own: taken again, it takes the spelling of today.
create or replace function name_customer_anew() returns trigger language plpgsql as $$
declare
    owner bigint;
begin
    insert into customer_names as n (customer_id, name) values (new.id, new.name)
    on conflict (name_key) do update set name = excluded.name where n.customer_id = new.id;
    if not found then
        select customer_id into owner from customer_names where name_key = name_key(new.name);
        raise exception 'customer % cannot be called %: that is a name of customer %',
            new.id, quote_literal(new.name), owner using errcode = 'unique_violation';
    end if;
    return null;
end $$;
