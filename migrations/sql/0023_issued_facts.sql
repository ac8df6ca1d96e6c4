-- What a document says, as JSON: text, so that it stays letter by letter what was written.
alter table documents add column facts text;

-- Documents that were issued before tell it themselves, as plain text in our own layout: rate, note,
-- days, names and addresses as they are printed, with country and tax id as lines of the address.
-- Calls and amounts are those of the bill, which never changed since; the tax was computed of them.
-- A document in any other layout tells nothing: its facts stay null.
alter table documents disable trigger append_only;

with printed as (
    select bill_id, number, translate(convert_from(content, 'UTF8'), U&'\2068\2069', '') as page
    from documents where media_type like 'text/plain%'
), found as (
    select bill_id, number,
           string_to_array(replace(
               substring(page from '\n\nFrom {7}(.*?)\n\nTo'), E'\n           ', E'\n'), E'\n') as seller,
           string_to_array(replace(
               substring(page from '\n\nTo {9}(.*?)\n\nDate'), E'\n           ', E'\n'), E'\n') as buyer,
           to_date(substring(page from '\nDate {7}([^\n]*)\n'), 'DD Month YYYY') as issued_on,
           to_date(substring(page from '\nDue {8}([^\n]*)\n'), 'DD Month YYYY') as due_on,
           substring(page from '\nTax ([0-9.]+) % ')::numeric as rate,
           substring(page from '\nTotal [^\n]*\n\n(.*?)\n\n(?:Please pay|We credit you)') as tax_note,
           substring(page from '\nPlease pay[^\n]*\n(.*)\n$') as payment_note
    from printed
    where page ~ '^(INVOICE|ADJUSTMENT|CREDIT NOTE) ' and page ~ '\n\nFrom {7}' and page ~ '\n\nTo {9}'
      and page ~ '\nTax [0-9.]+ % '
)
update documents d
set facts = json_build_object(
    'customer', f.buyer[1],
    'billing_address', nullif(array_to_string(f.buyer[2:], E'\n'), ''),
    'country', null, 'tax_id', null, 'locale', null,
    'tax_rate_percent', f.rate::text,
    'tax_note', f.tax_note,
    'payment_days', coalesce(f.due_on - f.issued_on, 30),
    'company', json_build_object(
        'name', coalesce(f.seller[1], ''),
        'address', nullif(array_to_string(f.seller[2:], E'\n'), ''),
        'payment_note', f.payment_note),
    'bill_id', b.id, 'number', f.number, 'kind', b.kind, 'issued_on', f.issued_on,
    'period', json_build_object('year', b.year, 'month', b.month),
    'api_usage', b.api_usage, 'limit_calls', b.monthly_api_limit,
    'overage_units', b.overage_units, 'unit_cost', b.overage_unit_cost::text,
    'amount', b.overage_amount::text,
    'tax', round(b.overage_amount * f.rate / 100, c.minor_units)::text,
    'currency', b.currency,
    'refers_to', case when root.number is null then json_build_array()
                      else json_build_array(root.number) end)::text
from found f
join bills b on b.id = f.bill_id
join currencies c on c.code = b.currency
left join bills root on root.id = b.adjusts_id
where d.bill_id = f.bill_id and b.overage_amount is not null;

alter table documents enable always trigger append_only;
